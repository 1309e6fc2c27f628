"""Watches a program, finds its training steps, and records those that the policy wants.

A step runs from the first forward call of a root module after the last optimizer step to the end of the next one;
`with recorder.step():` overrides that. Between recorded steps nothing of torch is patched but `nn.Module.__call__`,
and after many of them only that of the root modules.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Self
from weakref import ref

import torch
from torch import nn
from torch.optim import optimizer as torch_optimizer
from torch.utils.checkpoint import CheckpointFunction

from graphviz_nn.errors import UsageError
from graphviz_nn.model.metrics import Metric
from graphviz_nn.model.steps import RunSink, StepRecord
from graphviz_nn.recording.delivery import Delivery
from graphviz_nn.recording.finish import Finisher
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.known import KnownTensors
from graphviz_nn.recording.metrics import Metrics
from graphviz_nn.recording.module_entrance import ModuleCall, ModuleEntrance
from graphviz_nn.recording.modules import ModuleNames
from graphviz_nn.recording.patches import Patches
from graphviz_nn.recording.policy import EveryNth, Policy
from graphviz_nn.recording.step import RecordedStep
from graphviz_nn.recording.tape import Form
from graphviz_nn.recording.trained import Training

_unrecorded = torch._C.DisableTorchFunction
_log = logging.getLogger("graphviz_nn")


class Recorder:
    """Records the training steps of a program into a sink.

    Use it as a context manager around a training loop. `step()` marks a step by hand. `on_step` is told of each step
    that the sink has been given, `on_end` before the sink is closed of the exception that ends the program, or None.
    What they raise ends the recording and not the program, unless it is no `Exception`.

    Attributes:
        steps_seen: training steps begun so far, recorded or not.
    """

    _active: ClassVar[Recorder | None] = None

    def __init__(
        self,
        sink: RunSink,
        model: nn.Module | None = None,
        *,
        keep: KeepPolicy | None = None,
        policy: Policy | None = None,
        on_step: Callable[[StepRecord], None] | None = None,
        on_end: Callable[[BaseException | None], None] | None = None,
        command: tuple[str, ...] = (),
        metrics: Iterable[Metric] = (),
        aten: bool = False,
    ) -> None:
        self._keep = keep or KeepPolicy.parse("stats")
        self._policy = policy or EveryNth(1)
        self._on_step = on_step
        self._on_end = on_end
        self._names = ModuleNames()
        self._known = KnownTensors(self._names)
        self._metrics = Metrics(metrics)
        self._aten = aten
        self._training = Training(self._names, self._known)
        self._finisher = Finisher(self._names, self._training)
        self._forms: dict[Form, Form] = {}
        self._patches = Patches()
        self._entrance = ModuleEntrance(self._at_call)
        self._thread = threading.get_ident()
        self._optimizer_hooks: list[Any] = []
        self._step: RecordedStep | None = None
        self._explicit = False
        self._dead = False
        self._inside = False
        self._skipping: float | None = None
        self._closure_running = False
        self._model = None if model is None else ref(model)
        self._trained = False
        self._stepped: set[int] = set()
        self._expected: set[int] = set()
        self._delivery = Delivery(sink, self._keep.label, command)
        self.steps_seen = 0
        if model is not None:
            self._names.add_root(model, "model", is_model=True)

    # ---- life

    def __enter__(self) -> Self:
        """Begins to watch.

        Raises:
            UsageError: another recorder is at work in this process.
        """
        if Recorder._active is not None:
            raise UsageError("A recording is already running in this process: end it before another begins.")
        self._delivery.begin()
        Recorder._active = self
        self._optimizer_hooks = [
            torch_optimizer.register_optimizer_step_pre_hook(self._before_optimizer),
            torch_optimizer.register_optimizer_step_post_hook(self._after_optimizer),
        ]
        self._thread = threading.get_ident()
        self._install()
        self._watch()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Ends the recording. An exception of the program is noted with the step that it ended, and goes on."""
        try:
            for hook in self._optimizer_hooks:
                hook.remove()
            self._entrance.remove()
            self._finish(error)
            if self._on_end is not None and not self._dead:
                self._on_end(error)
        except Exception as ours:
            self._fail(ours)
        finally:
            self._patches.remove()  # after those of the last step, which stand on top of them
            self._entrance.handler = None  # where somebody has patched over us, our replacement stays and must be quiet
            self._close()

    def _close(self) -> None:
        Recorder._active = None
        self._delivery.notes.extend(self._metrics.notes)
        self._delivery.close(self.steps_seen, complete=not self._dead, fail=self._fail)

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Marks one step by hand: everything inside is one step, whatever optimizers do.

        It is recorded if the policy wants it. Steps do not nest.
        """
        self._finish()
        self._end_skipped()
        wanted = not self._dead and self._policy.wants(self.steps_seen)
        self._explicit = True
        began = time.perf_counter()
        index = self.steps_seen
        self.steps_seen += 1
        self._entrance.handler = None
        if wanted:
            self._begin(index)
        try:
            yield
        except BaseException as error:
            self._finish(error)
            raise
        finally:
            self._explicit = False
            if wanted:
                self._finish()
            else:
                self._policy.plain(time.perf_counter() - began)
                self._entrance.skipped(self._root_modules())
            if not self._dead and self._optimizer_hooks:
                self._watch()

    @property
    def over_limit(self) -> int:
        """Bytes that keeping tensors would have taken in the step that met the memory limit, or 0."""
        return self._delivery.over_limit

    @property
    def functions(self) -> dict[int, Any]:
        """What the last recorded step called, by node id, for a replay in this process."""
        return {index: op[0] for index, op in enumerate(self._finisher.calls) if callable(op[0])}

    # ---- between recorded steps

    def _install(self) -> None:
        """Patches the two classes through which a program's modules and custom functions are called.

        Once for all steps: a write to a class makes Python forget what it knows about all its subclasses.
        """
        self._entrance.install()
        # Below `Function.apply`, so that `relu = MyReLU.apply`, bound at the head of a file, comes through here too.
        applied = vars(torch._C._FunctionBase)["apply"]
        self._patches.install(torch.autograd.function._SingleLevelFunction, "apply", self._applying(applied))
        self._patches.install(torch.jit, "trace", self._beginning_no_step(torch.jit.trace))
        name = "_checkpoint_without_reentrant_generator"
        generator = vars(torch.utils.checkpoint)[name]
        self._patches.install(torch.utils.checkpoint, name, self._beginning_at_checkpoint(name, generator))

    def _applying(self, original: Any) -> Any:
        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            if cls is CheckpointFunction:
                self._at_checkpoint()
            step = self._step
            if step is None:
                return original.__get__(None, cls)(*args, **kwargs)
            return step.functions.apply(original.__get__(None, cls), cls, args, kwargs)

        return classmethod(apply)

    def _beginning_at_checkpoint(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what stands in the place of the function that runs a checkpoint without reentry."""

        def generator(*args: Any, **kwargs: Any) -> Any:
            if self._at_checkpoint():  # now a step's own replacement stands on top of this one
                return vars(torch.utils.checkpoint)[name](*args, **kwargs)
            return original(*args, **kwargs)

        return generator

    def _beginning_no_step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function, in which a call of a module does not begin a step."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return original(*args, **kwargs)
            outer, self._inside = self._inside, True
            try:
                return original(*args, **kwargs)
            finally:
                self._inside = outer

        return call

    def _watch(self) -> None:
        """Waits for the next forward call of a root module."""
        self._entrance.handler = None if self._dead else self._watcher

    def _watcher(self, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Takes the module calls while no step is open."""
        return self._at_call(self._entrance.original, module, args, kwargs)

    def _at_call(self, original: ModuleCall, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called while no step is open: `original` is to be called in the end."""
        if self._inside or self._dead or threading.get_ident() != self._thread:
            return original(module, *args, **kwargs)
        resting = self._entrance.resting
        try:
            self._at_call_between_steps(module)
        except Exception as error:
            self._fail(error)
        if self._step is not None:
            # What stood in the place of a class's own call leads on to the patch of all modules, which is there again.
            return (original if resting else self._step.module_call)(module, *args, **kwargs)
        self._inside = True
        try:
            return original(module, *args, **kwargs)
        finally:
            self._inside = False

    def _at_call_between_steps(self, module: nn.Module) -> None:
        """A root module is called and no step is open: begin one, recorded or skipped."""
        if self._closure_running or not self._is_model(module):
            return  # a step that is skipped; or a loss or an activation used on its own
        forward_only = not torch.is_grad_enabled()
        if forward_only and self._trained:
            return  # validation between training steps
        self._begin_or_skip()

    def _at_checkpoint(self) -> bool:
        """A checkpoint is run, maybe of a whole model: outside all modules it begins a step. Returns whether it did."""
        if self._dead or self._inside or self._explicit or self._closure_running or not torch.is_grad_enabled():
            return False
        if threading.get_ident() != self._thread:
            return False
        step = self._step
        try:
            if step is not None:
                if not step.may_end_at_checkpoint:
                    return False
                self._finish()
                self._watch()
            self._begin_or_skip()
        except Exception as error:
            self._fail(error)
        return self._step is not None

    def _begin_or_skip(self) -> None:
        """What may train is called and no step is open: one begins, recorded or not, unless one is being skipped."""
        if self._skipping is not None:
            if self._trained:
                return
            self._end_skipped()  # no optimizer tells where a step ends
        self._decide()
        if self._skipping is not None and self._trained:
            self._entrance.handler = None  # the optimizer's hook will tell when the step is over

    def _root_modules(self) -> Iterator[nn.Module]:
        """Yields the modules whose call may begin a step, as far as they have been seen."""
        for root in self._names.roots:
            module = root.module()
            if root.is_model and module is not None:
                yield module

    def _is_model(self, module: nn.Module) -> bool:
        return _has_parameters(module) or (self._model is not None and self._model() is module)

    def _decide(self) -> None:
        """A step begins: record it if the policy wants it."""
        index = self.steps_seen
        self.steps_seen += 1
        if self._policy.wants(index):
            self._begin(index)
        else:
            self._skipping = time.perf_counter()

    def _end_skipped(self) -> None:
        if self._skipping is not None:
            self._policy.plain(time.perf_counter() - self._skipping)
            self._skipping = None

    # ---- steps

    def _begin(self, index: int) -> None:
        self._stepped = set()
        self._entrance.wake()
        self._training.begin_step()
        step = None
        try:
            step = RecordedStep(
                index, self._names, self._known, self._keep, self._fail, self._at_root_call, self._entrance.original,
                self._metrics, self._aten, self._forms,
            )  # fmt: skip
            step.begin()
            self._step = step
            self._entrance.handler = step.module_call
        except Exception as error:
            if step is not None:
                step.end()
                step.collect_garbage()
            self._fail(error)

    def _at_root_call(self, module: nn.Module) -> Callable[..., Any] | None:
        """A root module is called inside a recorded step. Returns who takes the call if that begins another step."""
        step = self._step
        if step is None or self._explicit or self._closure_running:
            return None
        try:
            if not (step.closing or step.updated_by_hand or self._was_forward_only(step, module)):
                return None
            self._finish()
            self._watch()
        except Exception as error:
            self._fail(error)
        return self._watcher

    def _was_forward_only(self, step: RecordedStep, module: nn.Module) -> bool:
        """Whether the step has been inference alone: this module was called in it, and nothing can go backward."""
        if step.tape.passes or step.tape.graph_size():
            return False
        entry = self._names.entry(module)
        return entry is not None and step.calls_of(entry) > 0 and entry.root.is_model

    def _finish(self, error: BaseException | None = None) -> None:
        """Ends the open step, if any, and hands its record to the sink."""
        step, self._step = self._step, None
        if step is None:
            return
        self._entrance.handler = None
        with _unrecorded():  # a mode of the user's must not see what we do here
            try:
                step.end(error)
            except Exception as ours:
                self._fail(ours)
            began = time.perf_counter()
            record = self._record(step)
        if record is not None and self._on_step is not None:
            try:
                self._on_step(record)
            except Exception as ours:
                self._fail(ours)
        if self._dead:
            return
        self._policy.recorded(step.duration + time.perf_counter() - began)
        if self._stepped:
            self._trained = True
            self._expected = self._stepped

    def _record(self, step: RecordedStep) -> StepRecord | None:
        """Makes the record of a step that has ended and hands it to the sink. None where that failed."""
        try:
            if self._dead:
                return None
            record = self._finisher.record(step)
            self._delivery.write(step, record)
        except Exception as error:
            self._fail(error)
            return None
        finally:
            self._finisher.release(step.tape)
            step.collect_garbage()
            step.release()
        return record

    # ---- optimizers

    def _before_optimizer(self, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Returns None, or the arguments of the optimizer's step with its closure replaced by one that is watched."""
        if self._dead or threading.get_ident() != self._thread:
            return None
        if self._step is not None and self._step.in_optimizer():
            self._step.optimizer_depth += 1  # a step that calls another's, as `super().step()` does: one step to us
            return None
        try:
            closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
            if closure is not None and not self._explicit:
                self._before_closure(optimizer)
            if self._step is not None:
                with _unrecorded():
                    self._training.optimizer_begins(optimizer, self._step.tape)
                self._step.optimizer_begins(optimizer, with_closure=closure is not None)
            if closure is None:
                return None
            watched = self._watch_closure(closure, optimizer)
            if "closure" in kwargs:
                return args, {**kwargs, "closure": watched}
            return (args[0], watched, *args[2:]), kwargs
        except Exception as error:
            self._fail(error)
            return None

    def _before_closure(self, optimizer: Any) -> None:
        """The forward pass runs inside the optimizer's step: if no step is open, it begins here."""
        if self._step is not None and id(optimizer) in self._stepped:
            self._finish()
        if self._step is None and self._skipping is None:
            self._decide()

    def _watch_closure(self, closure: Callable[[], Any], optimizer: Any) -> Callable[[], Any]:
        """Returns the closure with recording on inside it; the optimizer's own calls around it are not recorded."""

        @functools.wraps(closure)
        def watched() -> Any:
            step, self._closure_running = self._step, True
            try:
                with contextlib.nullcontext() if step is None or self._dead else step.closure(optimizer):
                    return closure()
            finally:
                self._closure_running = False

        return watched

    def _after_optimizer(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        del args, kwargs
        if self._dead or threading.get_ident() != self._thread:
            return
        if self._step is not None and self._step.optimizer_depth:
            self._step.optimizer_depth -= 1
            return
        try:
            if self._step is not None:
                self._after_recorded_optimizer(self._step, optimizer)
            elif not self._explicit:
                self._after_skipped_optimizer()
        except Exception as error:
            self._fail(error)

    def _after_recorded_optimizer(self, step: RecordedStep, optimizer: Any) -> None:
        self._stepped.add(id(optimizer))
        all_stepped = bool(self._expected) and self._stepped >= self._expected
        # An optimizer may step in the middle of a backward pass, from a hook on its parameter.
        in_pass = step.passes.current >= 0
        goes_on = self._explicit or in_pass or (bool(self._expected) and not all_stepped)
        step.optimizer_ends(optimizer, goes_on=goes_on)
        if self._explicit:
            return
        self._trained = True
        if all_stepped and not in_pass:
            self._finish()
            self._watch()

    def _after_skipped_optimizer(self) -> None:
        if self._skipping is None:
            self._entrance.optimizer_stepped(len(self._expected))
            return
        self._end_skipped()
        self._trained = True
        self._entrance.skipped(self._root_modules())
        self._watch()

    # ---- our own errors

    def _fail(self, error: BaseException) -> None:
        """An error of ours: said once, recording ends, the program goes on."""
        if self._dead:
            return
        self._dead = True
        self._delivery.notes.append(
            f"Recording ended early by an error of graphviz_nn itself: {type(error).__name__}: {error}"
        )
        _log.error("recording ended by an error of graphviz_nn itself; the program goes on", exc_info=error)
        step = self._step
        if step is not None:
            step.mode.closed = True


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None

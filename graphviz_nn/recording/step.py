"""One recorded step: put the recorder in, take it out again, and make a `StepRecord` of what it left."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from graphviz_nn.model.steps import ErrorInfo
from graphviz_nn.recording import tape as t
from graphviz_nn.recording.aten import AtenRecorder, hidden
from graphviz_nn.recording.calls import CallObserver, CallRecorder
from graphviz_nn.recording.classify import operator_name
from graphviz_nn.recording.collectives import Collectives
from graphviz_nn.recording.functions import CustomFunctions, Segment
from graphviz_nn.recording.identity import OUTSIDE, Identity, Observer
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.known import KnownTensors, named_tensors
from graphviz_nn.recording.metrics import Metrics, StepMetrics
from graphviz_nn.recording.modules import ModuleEntry, ModuleNames
from graphviz_nn.recording.observe import Observations, gradient_hooks
from graphviz_nn.recording.passes import Passes
from graphviz_nn.recording.patches import Patches, is_on, override_checks, push_below, take_out
from graphviz_nn.recording.randomness import draws_random_numbers
from graphviz_nn.recording.stack import make_room
from graphviz_nn.recording.tape import MODULE_ENTER, MODULE_EXIT, Tape
from graphviz_nn.recording.thumbnails import Thumbnails
from graphviz_nn.recording.transforms import Transforms
from graphviz_nn.recording.updates import Updates


class RecordedStep:
    """Everything that is in place while one step is recorded.

    Attributes:
        index: number of the training step.
        closing: an optimizer has stepped; the next forward call begins another step.
    """

    def __init__(
        self,
        index: int,
        names: ModuleNames,
        known: KnownTensors,
        policy: KeepPolicy,
        fail: Callable[[BaseException], None],
        root_call: Callable[[nn.Module], Callable[..., Any] | None],
        original_call: Callable[..., Any],
        metrics: Metrics,
        aten: bool,
    ) -> None:
        self.index = index
        self.closing = False
        self.started = time.time()
        self.duration = 0.0
        self.names = names
        self.known = known
        self.tape = Tape()
        self.identity = Identity(self.tape, known)
        self._root_call = root_call
        self._patches = Patches()
        self._stack = ExitStack()
        self._error: BaseException | None = None
        self._function: Any = None
        self._modules: list[nn.Module] = []
        self._in_optimizer = False
        self.optimizer_depth = 0
        self._thread = threading.get_ident()
        self.called: dict[int, int] = {}
        names.begin_step()
        known.begin_step()

        def failed(error: BaseException) -> None:
            self.mode.closed = True
            fail(error)

        self.mode = CallRecorder(self.tape, self.identity, failed)
        self.mode.aten = AtenRecorder(self.tape) if aten else None
        self.observations: Observations | None = None
        if policy.stats or policy.tensors or policy.thumbnails:
            self.observations = Observations(self.tape, policy, self._context)
        self.metrics = StepMetrics(metrics) if metrics else None
        self.passes = Passes(
            self.mode, self.identity, self.observations.totals if self.observations else None, self._on_pass
        )
        self.updates = Updates(self.mode, self.identity, self.observations)
        self.transforms = Transforms(self.mode, self.identity)
        self.mode.in_transform = self.transforms.call
        self.functions = CustomFunctions(self.mode, self.identity)
        self.collectives = Collectives(self.mode, self.identity)
        self.module_call = self._module_call(original_call)
        self._connect(policy)

    def _connect(self, policy: KeepPolicy) -> None:
        """Lets the parts that look at values, gradients and calls know of them; without any of them none is told."""
        identity, mode, observations, metrics = self.identity, self.mode, self.observations, self.metrics
        on_value: list[Observer] = []
        on_gradient: list[Observer] = []
        on_leaf_gradient: list[Observer] = []
        on_call: list[CallObserver] = []
        if observations is not None:
            on_value.append(observations.value_observer())
            on_gradient.append(observations.gradient)
            on_leaf_gradient.append(observations.leaf_gradient)
            identity.observe_found = observations.value
            identity.observe_source = observations.source
            mode.before_write = observations.before_write
            if policy.selects is not None:
                on_call.append(self._note_function)
        if observations is not None and policy.thumbnails:
            thumbnails = Thumbnails(policy.thumbnails, observations.tensors)
            on_value.append(thumbnails.output)
            on_gradient.append(thumbnails.gradient)
            on_leaf_gradient.append(thumbnails.gradient)
            on_call.append(thumbnails.call)
        if metrics is not None:
            on_value.append(metrics.output)
            on_gradient.append(metrics.gradient)
            on_leaf_gradient.append(metrics.gradient)
            on_call.append(metrics.call)
        mode.note_call = each(on_call)
        mode.before_call = each([*on_call, self._before_call] if policy.tensors and policy.selects is None else on_call)
        identity.observe = each(on_value)
        if mode.aten is not None:
            identity.observe, identity.observe_found = hidden(identity.observe), hidden(identity.observe_found)
            identity.observe_source, mode.before_write = hidden(identity.observe_source), hidden(mode.before_write)
            mode.note_call, mode.before_call = hidden(mode.note_call), hidden(mode.before_call)
        order = self.tape.order.append
        identity.make_hook = gradient_hooks(order, self._guarded(on_gradient))
        identity.make_leaf_hook = self.passes.leaf_hook(gradient_hooks(order, self._guarded(on_leaf_gradient)))

    def _guarded(self, observers: list[Observer]) -> Observer | None:
        observe = each(observers)
        if observe is not None and self.mode.aten is not None:
            observe = hidden(observe)
        return None if observe is None else self._guard(observe)

    def _guard(self, observe: Observer) -> Observer:
        """An error of ours inside a hook must not reach the engine; a hook that fires after the step does nothing."""
        mode = self.mode

        def guarded(value: int, gradient: Tensor) -> None:
            # A gradient that arrives inside a torch.func transform is a wrapper without numbers of its own.
            if not mode.closed and not torch._C._functorch.is_functorch_wrapped_tensor(gradient):
                try:
                    observe(value, gradient)
                except Exception as error:
                    mode.fail(error)

        return guarded

    def _before_call(self, function: Any, *arguments: Any) -> None:
        """Notes what a replay must set up again: the random state, and autocast where it is on."""
        del arguments
        assert self.observations is not None
        op = len(self.tape.ops)
        if draws_random_numbers(function):
            self.observations.random_state(op)
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                self.tape.autocasts[op] = {
                    "device": device,
                    "dtype": str(torch.get_autocast_dtype(device)).removeprefix("torch."),
                    "cache": torch.is_autocast_cache_enabled(),
                }

    def _note_function(self, function: Any, *arguments: Any) -> None:
        del arguments
        self._function = function

    def _on_pass(self, number: int) -> None:
        if self.observations is not None:
            self.observations.current_pass = number
        if self.metrics is not None:
            self.metrics.current_pass = number

    def _context(self) -> tuple[str, str]:
        entry = self.mode.state[0]
        path = self.names.path(entry.root, entry.path) if entry is not None else ""
        return path, "" if self._function is None else operator_name(self._function)

    # ---- in and out

    def begin(self) -> None:
        """Puts everything in. From here on the program is recorded."""
        undo = self._stack.callback
        if gc.isenabled():
            undo(gc.enable)
            gc.disable()
        patches = self._patches
        undo(self.identity.leaf_hooks.remove)
        undo(patches.remove)
        undo(take_out, self.mode)
        patches.install(
            torch.autograd, "_engine_run_backward", self._engine(vars(torch.autograd)["_engine_run_backward"])
        )
        if self.observations is not None:
            patches.install(torch.UntypedStorage, "resize_", self._resizing(torch.UntypedStorage.resize_))
        for owner, name, replacement in self.collectives.replacements():
            patches.install(owner, name, replacement)
        patches.install(torch.autograd, "_make_grads", self._unseen(torch.autograd._make_grads))
        checkpoint = torch.utils.checkpoint
        generator = checkpoint._checkpoint_without_reentrant_generator
        patches.install(checkpoint, "_checkpoint_without_reentrant_generator", self._checkpoint(generator))
        for owner, name, check in override_checks(self.mode):
            if name in vars(owner):
                patches.install(owner, name, check)
        if "torch._dynamo" in sys.modules:
            self._stack.enter_context(torch.compiler.set_stance("force_eager"))
            if _something_is_compiled():
                self.tape.notes.append("What torch.compile compiled runs eager while a step is recorded.")
        push_below(self.mode)
        self.mode.started = time.perf_counter()

    def in_optimizer(self) -> bool:
        """Whether an optimizer's step is running, and not its closure."""
        return self._in_optimizer

    def optimizer_begins(self, optimizer: Any, *, with_closure: bool) -> None:
        """The calls of the optimizer itself are not recorded; what it does to the parameters is."""
        self.updates.begin(optimizer, with_closure=with_closure)
        take_out(self.mode)
        self._in_optimizer = True

    def optimizer_ends(self, optimizer: Any, *, goes_on: bool) -> None:
        """The optimizer's step is over, and with it what is recorded of this step, unless it goes on."""
        self._in_optimizer = False
        take_out(self.mode)
        self.updates.end(optimizer)
        self.closing = True
        if goes_on and not self.duration:
            push_below(self.mode)

    @contextmanager
    def closure(self, optimizer: Any) -> Iterator[None]:
        """Recording is on again while the optimizer runs the program's closure."""
        mode = self.mode
        try:
            self.updates.end(optimizer)
            push_below(mode)
            self._in_optimizer = False
        except Exception as error:
            mode.fail(error)
        try:
            yield
        except BaseException as error:
            mode.note_phase(error, mode.phase)
            raise
        finally:
            take_out(mode)
            self._in_optimizer = True
            try:
                if not mode.closed:
                    self.updates.begin(optimizer, with_closure=True)
            except Exception as error:
                mode.fail(error)

    @property
    def updated_by_hand(self) -> bool:
        """Whether the program wrote to a parameter after a backward pass, without an optimizer."""
        return self.identity.wrote_leaf

    def end(self, error: BaseException | None = None) -> None:
        """Takes everything out. Safe to call twice."""
        if self.duration:
            return
        self._error = error
        self.duration = max(time.perf_counter() - self.mode.started, 1e-9)
        self._stack.close()
        if error is not None:
            failure = self.mode.failure
            self.tape.order.append((t.ERROR, failure[1] if failure and failure[0].means(error) else -1))
        self.mode.closed = True
        make_room(len(self.tape.sequence))
        if self.mode.aten is not None:
            self.mode.aten.attribute_backward()
        if self.observations is not None and self.observations.statistics is not None:
            self.observations.statistics.start_copy()
        if self.metrics is not None:
            self.metrics.start_copy()

    def release(self) -> None:
        """Lets go of every tensor and module; hooks on tensors that the program keeps still refer to parts of us."""
        self._modules.clear()
        self.identity.table.clear()
        if self.observations is not None:
            self.observations.release()

    def abort(self) -> None:
        """Notes that recording ends before the step does."""
        self.tape.order.append((t.ABORT, -1))

    # ---- what is patched

    def _module_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        mode, names, tape = self.mode, self.names, self.tape
        module_calls, order, counts = tape.module_calls, tape.order.append, self.called

        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if mode.closed or not (is_on(mode) or self._past_optimizer()):
                return original(module, *args, **kwargs)
            outer = mode.state
            entry = names.entry(module)
            if entry is None or outer is OUTSIDE:
                if outer is OUTSIDE and mode.phase == t.FORWARD:
                    successor = self._root_call(module)
                    if successor is not None:  # another step begins with this call
                        return successor(module, *args, **kwargs)
                try:
                    entry = self._enter_new(module, entry, outer, args, kwargs)
                except Exception as error:
                    mode.fail(error)
                    return original(module, *args, **kwargs)
            call = counts.get(id(entry), 0) + 1
            counts[id(entry)] = call
            index = len(module_calls)
            module_calls.append((entry, call, outer[2], mode.phase, module.training))
            order((MODULE_ENTER, index))
            mode.state = (entry, call, index)
            try:
                result = original(module, *args, **kwargs)
            finally:
                mode.state = outer
                order((MODULE_EXIT, index))
            if outer is OUTSIDE and mode.phase == t.FORWARD and entry.root.is_model:
                self._note_outputs(result)
            return result

        return __call__

    def _past_optimizer(self) -> bool:
        """Whether the mode is off because an optimizer has stepped: the next call of a root begins another step."""
        if not self._in_recorded_thread():
            self._note_thread()
            return False
        return self.closing and not self._in_optimizer

    def _in_recorded_thread(self) -> bool:
        return threading.get_ident() == self._thread

    def _note_thread(self) -> None:
        note = "A module was called in another thread: what it computed there is not recorded call by call."
        if not self.tape.notes or self.tape.notes[-1] != note:
            self.tape.notes.append(note)

    def _enter_new(
        self, module: nn.Module, entry: ModuleEntry | None, outer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ModuleEntry:
        # A module that the program drops at once is still there when the step's record is made.
        self._modules.append(module)
        if entry is None:
            entry = self.names.add_root(module) if outer is OUTSIDE else self.names.add_inside(module, outer[0])
        if outer is OUTSIDE and self.mode.phase == t.FORWARD:
            self.known.add_arguments(module, args, kwargs)
        return entry

    def _note_outputs(self, result: Any) -> None:
        try:
            values = (self.identity.lookup(tensor) for _, tensor in named_tensors(result, ""))
            self.tape.outputs.extend(value for value in values if value is not None)
        except Exception as error:
            self.mode.fail(error)

    def _engine(self, original: Callable[..., Any]) -> Callable[..., Any]:
        passes, mode = self.passes, self.mode

        def _engine_run_backward(t_outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if not (is_on(mode) or self._in_recorded_thread()):
                return original(t_outputs, *args, **kwargs)
            return passes.run(original, t_outputs, args, kwargs)

        return _engine_run_backward

    def _unseen(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The gradient that a backward pass starts from is made by torch, not by the program."""
        mode = self.mode

        def unseen(*args: Any, **kwargs: Any) -> Any:
            if not (is_on(mode) or self._in_recorded_thread()):
                return original(*args, **kwargs)
            closed, mode.closed = mode.closed, True  # modes of the user's see these calls as ever
            try:
                return original(*args, **kwargs)
            finally:
                mode.closed = closed

        return unseen

    def _resizing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Memory may be given back under a tensor, as FSDP does with whole parameters: first measure what waits."""
        mode, observations = self.mode, self.observations

        def resize_(storage: torch.UntypedStorage, size: int) -> Any:
            if not mode.closed and observations is not None:
                try:
                    observations.flush()
                except Exception as error:
                    mode.fail(error)
            return original(storage, size)

        return resize_

    def _checkpoint(self, original: Callable[..., Any]) -> Callable[..., Any]:
        mode = self.mode

        def generator(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Iterator[None]:
            # torch advances it once before the function's first run and once after; later runs go through `segment`.
            segment = Segment(mode, fn)
            inner = original(segment, *args, **kwargs)
            try:
                next(inner)
                segment.begin()
                yield
                segment.end()
                yield from inner
            finally:
                inner.close()

        return generator

    # ---- afterwards

    def error_info(self) -> ErrorInfo | None:
        """What ended the step, or None."""
        error = self._error
        if error is None:
            return None
        failure = self.mode.failure
        node = failure[1] if failure is not None and failure[0].means(error) else None
        return ErrorInfo(type(error).__name__, str(error)[:10_000], node, t.PHASES[self._error_phase(error, node)])

    def _error_phase(self, error: BaseException, node: int | None) -> int:
        noted = self.mode.failure_phase
        if noted is not None and noted[0].means(error):
            return noted[1]
        if self._in_optimizer:
            return t.OPTIMIZER
        return self.mode.phase if node is None else int(self.tape.ops[node][4])


def each(observers: Sequence[Callable[..., None]]) -> Callable[..., None] | None:
    """Returns one observer that tells all of them, or None where there is none."""
    if len(observers) < 2:
        return observers[0] if observers else None

    def observe(*told: Any) -> None:
        for observer in observers:
            observer(*told)

    return observe


def _something_is_compiled() -> bool:
    """Whether the program compiled anything: torch's own optimizers load the compiler only to switch it off."""
    return any(callable(backend) for backend in torch._dynamo.eval_frame.cached_backends.values())

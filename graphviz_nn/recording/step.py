"""One recorded step: put the recorder in, take it out again, and make a `StepRecord` of what it left."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from graphviz_nn.model.steps import ErrorInfo
from graphviz_nn.recording import tape as t
from graphviz_nn.recording.aten import AtenRecorder
from graphviz_nn.recording.batches import Batches
from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.collectives import Collectives
from graphviz_nn.recording.entrances import Entrances
from graphviz_nn.recording.functions import CustomFunctions
from graphviz_nn.recording.identity import Identity
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.known import KnownTensors
from graphviz_nn.recording.memory import give_back_after
from graphviz_nn.recording.metrics import Metrics
from graphviz_nn.recording.module_calls import ModuleCalls
from graphviz_nn.recording.modules import ModuleEntry, ModuleNames
from graphviz_nn.recording.observers import Observers
from graphviz_nn.recording.passes import Passes
from graphviz_nn.recording.patches import Patches, push_below, take_out
from graphviz_nn.recording.stack import make_room
from graphviz_nn.recording.tape import Form, Tape
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
        forms: dict[Form, Form],
    ) -> None:
        self.index = index
        self.closing = False
        self.started = time.time()
        self.duration = 0.0
        self.names = names
        self.known = known
        self.tape = Tape(forms)
        self.identity = Identity(self.tape, known)
        self._patches = Patches()
        self._stack = ExitStack()
        self._error: BaseException | None = None
        self._in_optimizer = False
        self._collects = False
        self.optimizer_depth = 0
        names.begin_step()
        known.begin_step()

        def failed(error: BaseException) -> None:
            self.mode.closed = True
            fail(error)

        self.mode = CallRecorder(self.tape, self.identity, failed)
        self.mode.aten = AtenRecorder(self.tape) if aten else None
        self._observers = Observers(self.mode, self.identity, names, policy, metrics)
        self.observations, self.metrics = self._observers.observations, self._observers.metrics
        totals = self.observations.totals if self.observations else None
        self.passes = Passes(self.mode, self.identity, totals, self._observers.on_pass)
        self.updates = Updates(self.mode, self.identity, self.observations)
        self.transforms = Transforms(self.mode, self.identity)
        self.mode.in_transform = self.transforms.call
        self._batches = Batches(self.mode, partial(self.transforms.call, None))
        self.passes.unseen = self._batches.inside
        self.functions = CustomFunctions(self.mode, self.identity)
        self.collectives = Collectives(self.mode, self.identity)
        self._entrances = Entrances(self.mode, self.passes, self.observations)
        self._module_calls = ModuleCalls(self.mode, names, known, root_call, self._past_optimizer)
        self.module_call = self._module_calls.replacement(original_call)
        self._observers.connect(self.passes)

    # ---- in and out

    def begin(self) -> None:
        """Puts everything in. From here on the program is recorded."""
        undo = self._stack.callback
        if gc.isenabled():
            self._collects = True
            gc.disable()
        patches = self._patches
        undo(self.identity.leaf_hooks.remove)
        undo(self.identity.release)
        undo(patches.remove)
        undo(take_out, self.mode)
        self._entrances.install(patches)
        patches.install(torch.jit, "trace", self._batches.hidden(torch.jit.trace))
        for owner, name, replacement in (*self.collectives.replacements(), *self._batches.replacements()):
            patches.install(owner, name, replacement)
        if "torch._dynamo" in sys.modules:
            self._stack.enter_context(torch.compiler.set_stance("force_eager"))
            if _something_is_compiled():
                self.tape.notes.append("What torch.compile compiled runs eager while a step is recorded.")
        push_below(self.mode)
        self.mode.started = time.perf_counter()

    def calls_of(self, entry: ModuleEntry) -> int:
        """How many times the module has been called so far."""
        return self._module_calls.counts.get(id(entry), 0)

    def in_optimizer(self) -> bool:
        """Whether an optimizer's step is running, and not its closure."""
        return self._in_optimizer

    def _past_optimizer(self) -> bool:
        return self.closing and not self._in_optimizer

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

    @property
    def may_end_at_checkpoint(self) -> bool:
        """Whether all of the step is done when a checkpoint outside its modules begins the next one."""
        inside = self._in_optimizer or self.passes.current >= 0 or self.mode.state[2] >= 0
        return not inside and (self.closing or self.updated_by_hand)

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
        make_room(self.tape.graph_size())
        if self.mode.aten is not None:
            self.mode.aten.attribute_backward()
        self._observers.start_copy()
        # What only the running step needs makes room for its record.
        self.identity.table.clear()
        self.tape.clear_running()
        give_back_after(len(self.tape.ops))

    def release(self) -> None:
        """Lets go of every tensor and module; hooks on tensors that the program keeps still refer to parts of us."""
        self._module_calls.release()
        if self.observations is not None:
            self.observations.release()

    def collect_garbage(self) -> None:
        """Python collects garbage again, now that most of what it would look at has gone by itself."""
        if self._collects:
            self._collects = False
            gc.enable()

    def abort(self) -> None:
        """Notes that recording ends before the step does."""
        self.tape.order.append((t.ABORT, -1))

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


def _something_is_compiled() -> bool:
    """Whether the program compiled anything: torch's own optimizers load the compiler only to switch it off."""
    return any(callable(backend) for backend in torch._dynamo.eval_frame.cached_backends.values())

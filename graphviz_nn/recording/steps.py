"""The training steps of a recording: which one is open, how it is begun and finished, and what ends the recording."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from graphviz_nn.model.steps import StepRecord
from graphviz_nn.recording.delivery import Delivery
from graphviz_nn.recording.finish import Finisher
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.known import KnownTensors
from graphviz_nn.recording.metrics import Metrics
from graphviz_nn.recording.module_entrance import ModuleEntrance
from graphviz_nn.recording.modules import ModuleNames
from graphviz_nn.recording.policy import Policy
from graphviz_nn.recording.step import RecordedStep
from graphviz_nn.recording.tape import Form
from graphviz_nn.recording.trained import Training

_unrecorded = torch._C.DisableTorchFunction
_log = logging.getLogger("graphviz_nn")


class Steps:
    """At most one step is open, recorded or skipped.

    Attributes:
        names: of the modules seen so far.
        training: what is trained, and by which optimizers.
        open: the recorded step that is open, or None.
        seen: steps begun so far, recorded or not.
        explicit: the open step is marked by hand.
        skipping: when the open step began, by `time.perf_counter()`, if it is not recorded; otherwise None.
        closure_running: an optimizer runs the program's closure.
        trained: an optimizer has stepped.
        unused: how often the program set gradients to None that no optimizer had used, while none has stepped.
        stepped: `id` of each optimizer that stepped in the open recorded step; `expected`: of those of the last one.
        dead: an error of ours has ended the recording.
        root_call: told of each call of a root module inside a recorded step; returns who takes it if that begins
            another step.
    """

    def __init__(
        self,
        keep: KeepPolicy,
        policy: Policy,
        delivery: Delivery,
        entrance: ModuleEntrance,
        metrics: Metrics,
        on_step: Callable[[StepRecord], None] | None,
        *,
        aten: bool,
    ) -> None:
        self.names = ModuleNames()
        self.open: RecordedStep | None = None
        self.seen = 0
        self.explicit = False
        self.skipping: float | None = None
        self.closure_running = False
        self.trained = False
        self.unused = 0
        self.stepped: set[int] = set()
        self.expected: set[int] = set()
        self.dead = False
        self.root_call: Callable[[nn.Module], Callable[..., Any] | None] = lambda module: None
        self._known = KnownTensors(self.names)
        self.training = Training(self.names, self._known)
        self._finisher = Finisher(self.names, self.training)
        self._forms: dict[Form, Form] = {}
        self._keep = keep
        self._policy = policy
        self._delivery = delivery
        self._entrance = entrance
        self._metrics = metrics
        self._on_step = on_step
        self._aten = aten
        self._thread = threading.get_ident()

    @property
    def calls(self) -> list[tuple[Any, ...]]:
        """The calls of the last recorded step, in the form of `graphviz_nn.recording.tape.Op`."""
        return self._finisher.calls

    def follow_this_thread(self) -> None:
        """What the thread that calls this does from now on belongs to the steps."""
        self._thread = threading.get_ident()

    def in_other_thread(self) -> bool:
        """Whether the thread that asks is not the recorded one."""
        return threading.get_ident() != self._thread

    # ---- beginning

    def wants_next(self) -> bool:
        """Whether the next step is to be recorded."""
        return not self.dead and self._policy.wants(self.seen)

    def decide(self) -> None:
        """A step begins: records it if the policy wants it."""
        index = self.count()
        if self._policy.wants(index):
            self.begin(index)
        else:
            self.skipping = time.perf_counter()

    def count(self) -> int:
        """Another step begins. Returns its number."""
        self.seen += 1
        return self.seen - 1

    def begin(self, index: int) -> None:
        """Begins to record the step with that number."""
        self.stepped = set()
        self._entrance.wake()
        self.training.begin_step()
        step = None
        try:
            step = RecordedStep(
                index, self.names, self._known, self._keep, self.fail, self.root_call, self._entrance.original,
                self._metrics, self._aten, self._forms,
            )  # fmt: skip
            step.begin()
            self.open = step
            self._entrance.handler = step.module_call
        except Exception as error:
            if step is not None:
                step.end()
                step.collect_garbage()
            self.fail(error)

    # ---- ending

    def end_skipped(self) -> None:
        """The step that is being skipped, if any, is over."""
        if self.skipping is not None:
            self.skipped(time.perf_counter() - self.skipping)
            self.skipping = None

    def skipped(self, seconds: float) -> None:
        """A step that was not recorded took so long."""
        self._policy.plain(seconds)

    def finish(self, error: BaseException | None = None) -> None:
        """Ends the recorded step that is open, if any, and hands its record to the sink."""
        step, self.open = self.open, None
        if step is None:
            return
        self._entrance.handler = None
        with _unrecorded():  # a mode of the user's must not see what we do here
            try:
                step.end(error)
            except Exception as ours:
                self.fail(ours)
            began = time.perf_counter()
            record = self._record(step)
        if record is not None and self._on_step is not None:
            try:
                self._on_step(record)
            except Exception as ours:
                self.fail(ours)
        if self.dead:
            return
        self._policy.recorded(step.duration + time.perf_counter() - began)
        if self.stepped:
            self.trained = True
            self.expected = self.stepped

    def _record(self, step: RecordedStep) -> StepRecord | None:
        """Makes the record of a step that has ended and hands it to the sink. None where that failed."""
        try:
            if self.dead:
                return None
            record = self._finisher.record(step)
            self._delivery.write(step, record)
        except Exception as error:
            self.fail(error)
            return None
        finally:
            self._finisher.release(step.tape)
            step.collect_garbage()
            step.release()
        return record

    def fail(self, error: BaseException) -> None:
        """An error of ours: said once, recording ends, the program goes on."""
        if self.dead:
            return
        self.dead = True
        self._delivery.notes.append(
            f"Recording ended early by an error of graphviz_nn itself: {type(error).__name__}: {error}"
        )
        _log.error("recording ended by an error of graphviz_nn itself; the program goes on", exc_info=error)
        step = self.open
        if step is not None:
            step.mode.closed = True

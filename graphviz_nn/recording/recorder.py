"""Watches a program, finds its training steps, and records those that the policy wants.

A step runs from the first forward call of a root module after the last optimizer step to the end of the next one;
`with recorder.step():` overrides that. Between recorded steps nothing of torch is patched but `nn.Module.__call__`,
and after many of them only that of the root modules.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Self

from torch import nn

from graphviz_nn.errors import UsageError
from graphviz_nn.model.metrics import Metric
from graphviz_nn.model.steps import RunSink, StepRecord
from graphviz_nn.recording.beginnings import Beginnings
from graphviz_nn.recording.delivery import Delivery
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.metrics import Metrics
from graphviz_nn.recording.module_entrance import ModuleCall, ModuleEntrance
from graphviz_nn.recording.optimizers import OptimizerWatch
from graphviz_nn.recording.policy import EveryNth, Policy
from graphviz_nn.recording.steps import Steps


class Recorder:
    """Records the training steps of a program into a sink.

    Use it as a context manager around a training loop. `step()` marks a step by hand. `on_step` is told of each step
    that the sink has been given, `on_end` before the sink is closed of the exception that ends the program, or None.
    What they raise ends the recording and not the program, unless it is no `Exception`.
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
        keep = keep or KeepPolicy.parse("stats")
        self._on_end = on_end
        self._metrics = Metrics(metrics)
        self._delivery = Delivery(sink, keep.label, command)
        self._entrance = ModuleEntrance(self._at_call)
        self._steps = Steps(
            keep, policy or EveryNth(1), self._delivery, self._entrance, self._metrics, on_step, aten=aten
        )
        self._beginnings = Beginnings(self._steps, self._entrance, model)
        self._optimizers = OptimizerWatch(self._steps, self._beginnings, self._entrance)
        if model is not None:
            self._steps.names.add_root(model, "model", is_model=True)

    def _at_call(self, original: ModuleCall, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._beginnings.at_call(original, module, args, kwargs)

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
        self._optimizers.install()
        self._steps.follow_this_thread()
        self._beginnings.install()
        self._beginnings.watch()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Ends the recording. An exception of the program is noted with the step that it ended, and goes on."""
        steps = self._steps
        try:
            self._optimizers.remove()
            self._entrance.remove()
            steps.finish(error)
            if self._on_end is not None and not steps.dead:
                self._on_end(error)
        except Exception as ours:
            steps.fail(ours)
        finally:
            self._beginnings.remove()  # after those of the last step, which stand on top of them
            self._entrance.handler = None  # where somebody has patched over us, our replacement stays and must be quiet
            Recorder._active = None
            self._delivery.notes.extend(self._metrics.notes)
            self._delivery.close(steps.seen, complete=not steps.dead, fail=steps.fail)

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Marks one step by hand: everything inside is one step, whatever optimizers do.

        It is recorded if the policy wants it. Steps do not nest.
        """
        steps = self._steps
        steps.finish()
        steps.end_skipped()
        wanted = steps.wants_next()
        steps.explicit = True
        began = time.perf_counter()
        index = steps.count()
        self._entrance.handler = None
        if wanted:
            steps.begin(index)
        try:
            yield
        except BaseException as error:
            steps.finish(error)
            raise
        finally:
            steps.explicit = False
            if wanted:
                steps.finish()
            else:
                steps.skipped(time.perf_counter() - began)
                self._entrance.skipped(self._beginnings.root_modules())
            if not steps.dead and Recorder._active is self:
                self._beginnings.watch()

    @property
    def steps_seen(self) -> int:
        """Training steps begun so far, recorded or not."""
        return self._steps.seen

    @property
    def over_limit(self) -> int:
        """Bytes that keeping tensors would have taken in the step that met the memory limit, or 0."""
        return self._delivery.over_limit

    @property
    def functions(self) -> dict[int, Any]:
        """What the last recorded step called, by node id, for a replay in this process."""
        return {index: op[0] for index, op in enumerate(self._steps.calls) if callable(op[0])}

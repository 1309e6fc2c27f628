"""A recorded step, and where recorded steps go to and come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from graphviz_nn.model.findings import Finding
from graphviz_nn.model.metrics import MetricTable
from graphviz_nn.model.stats import StatTable
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey

EventTable = npt.NDArray[np.void]
HistogramTable = npt.NDArray[np.uint16]


class ErrorInfo(msgspec.Struct, frozen=True):
    """An exception that ended a step: class name, text, the node where it was raised (or None), its phase."""

    type: str
    message: str
    node: int | None
    phase: str


class RunMeta(msgspec.Struct, frozen=True):
    """What a run says of itself. `created` is in seconds since 1970 (UTC); `command` the program's argv.

    `complete` is True once the recorder closed the run in good order.
    """

    created: float
    command: tuple[str, ...] = ()
    keep: str = "stats"
    versions: dict[str, str] = {}
    device: str = ""
    notes: tuple[str, ...] = ()
    """Warnings of the recorder that a reader should see: what could not be recorded, and why."""
    complete: bool = False
    rank: int | None = None
    world_size: int | None = None
    """Which of how many processes that train together this one is; None for a program that is one process."""


class OptimizerInfo(msgspec.Struct, frozen=True):
    """An optimizer as it stood in a step: class name, and its parameter groups' settings.

    A group's settings are its own by torch's names ("lr", "weight_decay", "momentum", "betas", …), as far as they are
    plain numbers, booleans, strings or lists of them.
    """

    type: str
    groups: tuple[dict[str, Any], ...]


class StepInfo(msgspec.Struct, frozen=True):
    """One line about a step.

    Attributes:
        index: the number of the training step, from 0; steps that were not recorded leave gaps.
        structure: digest of its `Structure`.
        started: seconds since 1970 (UTC). duration: seconds, recording included.
        loss: value of the (last) loss, or None where there was no scalar root of a backward pass.
        passes: number of backward passes.
        forward_only: no gradient could arrive (no_grad, inference mode, or no backward pass).
        error: the exception that ended it, or None.
        optimizers: those that stepped in it, in that order; where none did, those of the step recorded before.
    """

    index: int
    structure: str
    started: float
    duration: float
    loss: float | None = None
    passes: int = 0
    forward_only: bool = False
    error: ErrorInfo | None = None
    optimizers: tuple[OptimizerInfo, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StepRecord:
    """Everything recorded of one step. Tables are described in `graphviz_nn.model.stats`; metrics are by name."""

    info: StepInfo
    structure: Structure
    events: EventTable
    stats: Mapping[str, StatTable] = field(default_factory=dict)
    histograms: Mapping[str, HistogramTable] = field(default_factory=dict)
    tensors: Mapping[TensorKey, TensorData] = field(default_factory=dict)
    metrics: Mapping[str, MetricTable] = field(default_factory=dict)


class RunSink(Protocol):
    """Where a recorder puts what it recorded. `write` must return quickly: it is called in the training thread."""

    def write(self, step: StepRecord) -> None: ...

    def add_source(self, file: str, text: str) -> None:
        """The text of one of the user's source files, by absolute name."""

    def set_meta(self, meta: RunMeta) -> None: ...

    def add_finding(self, finding: Finding) -> None:
        """What a check found while the program ran, in a step that was written before."""

    def close(self) -> None:
        """Everything written is safe when this returns. Called once, also after an error."""


class RunData(Protocol):
    """A run that can be read: in memory, from a file, or from a file that is still being written."""

    @property
    def meta(self) -> RunMeta: ...

    @property
    def path(self) -> str | None: ...

    def steps(self) -> Sequence[StepInfo]:
        """The steps recorded so far, in order."""

    def structure(self, digest: str) -> Structure: ...

    def events(self, position: int) -> EventTable:
        """Events of the step at `position` in `steps()`."""

    def stats(self, position: int, table: str) -> StatTable | None: ...

    def histograms(self, position: int, table: str) -> HistogramTable | None: ...

    def metric_names(self, position: int) -> Sequence[str]:
        """The metrics taken in the step."""

    def metric(self, position: int, name: str) -> MetricTable | None:
        """What a metric found in the step; None where it was not taken."""

    def tensor_keys(self, position: int) -> Sequence[TensorKey]: ...

    def tensor(self, position: int, key: TensorKey) -> TensorData | None: ...

    def sources(self) -> Mapping[str, str]:
        """Texts of the user's source files by absolute name."""

    def findings(self) -> Sequence[Finding]:
        """What the checks found while the program ran, in that order; nothing where they did not run meanwhile."""

    def close(self) -> None: ...


class MemoryRun:
    """A run kept in memory: a `RunSink` and a `RunData` in one."""

    def __init__(self) -> None:
        self._steps: list[StepRecord] = []
        self._infos: list[StepInfo] = []
        self._sources: dict[str, str] = {}
        self._findings: list[Finding] = []
        self._meta = RunMeta(created=0.0)
        self.path: str | None = None

    def __iter__(self) -> Iterator[StepRecord]:
        return iter(self._steps)

    def write(self, step: StepRecord) -> None:
        self._steps.append(step)
        self._infos.append(step.info)

    def add_source(self, file: str, text: str) -> None:
        self._sources[file] = text

    def set_meta(self, meta: RunMeta) -> None:
        self._meta = meta

    def add_finding(self, finding: Finding) -> None:
        self._findings.append(finding)

    def close(self) -> None:
        """Nothing to do: memory is safe as it is."""

    @property
    def meta(self) -> RunMeta:
        return self._meta

    def steps(self) -> Sequence[StepInfo]:
        return self._infos

    def record(self, position: int) -> StepRecord:
        return self._steps[position]

    def structure(self, digest: str) -> Structure:
        for step in self._steps:
            if step.info.structure == digest:
                return step.structure
        raise KeyError(digest)

    def events(self, position: int) -> EventTable:
        return self._steps[position].events

    def stats(self, position: int, table: str) -> StatTable | None:
        return self._steps[position].stats.get(table)

    def histograms(self, position: int, table: str) -> HistogramTable | None:
        return self._steps[position].histograms.get(table)

    def metric_names(self, position: int) -> Sequence[str]:
        return list(self._steps[position].metrics)

    def metric(self, position: int, name: str) -> MetricTable | None:
        return self._steps[position].metrics.get(name)

    def tensor_keys(self, position: int) -> Sequence[TensorKey]:
        return list(self._steps[position].tensors)

    def tensor(self, position: int, key: TensorKey) -> TensorData | None:
        return self._steps[position].tensors.get(key)

    def sources(self) -> Mapping[str, str]:
        return self._sources

    def findings(self) -> Sequence[Finding]:
        return tuple(self._findings)


def jsonable(value: Any) -> Any:
    """The value as plain JSON types (msgspec records become dicts)."""
    return msgspec.to_builtins(value)

"""The rows of the run file's tables, without their checksums; fields are in the order of the columns.

`docs/run-file.md` says what each holds.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class MetaRow(NamedTuple):
    key: str
    value: str


class SourceRow(NamedTuple):
    file: str
    text: str


class StructureRow(NamedTuple):
    digest: str
    size: int
    data: bytes


class EventOrderRow(NamedTuple):
    digest: str
    count: int  # type: ignore[assignment]  # shadows tuple.count, which nobody calls
    data: bytes


class StepRow(NamedTuple):
    position: int
    number: int
    structure: str
    event_order: str
    started: float | str
    duration: float | str
    loss: float | str | None
    passes: int
    forward_only: int
    error: str | None
    stats: str
    histograms: str
    tensors: int
    metrics: str = ""
    optimizers: str = "[]"


class EventTimeRow(NamedTuple):
    step: int
    data: bytes


class StatsRow(NamedTuple):
    step: int
    name: str
    data: bytes


class HistogramRow(NamedTuple):
    step: int
    name: str
    data: bytes


class MetricRow(NamedTuple):
    step: int
    name: str
    kind: str
    columns: str
    rows: int
    numbers: int
    data: bytes


class TensorRow(NamedTuple):
    step: int
    place: int
    kind: str
    node: int
    output: int
    number: int
    dtype: str
    shape: str
    strides: str | None
    size: int


class TensorChunkRow(NamedTuple):
    step: int
    place: int
    part: int
    data: bytes


class FindingRow(NamedTuple):
    number: int
    step: int
    rule: str
    severity: str
    node: int | None
    module: str | None
    evidence: bytes
    cause: str
    remedy: str


Row = (
    MetaRow
    | SourceRow
    | StructureRow
    | EventOrderRow
    | StepRow
    | EventTimeRow
    | StatsRow
    | HistogramRow
    | MetricRow
    | TensorRow
    | TensorChunkRow
    | FindingRow
)

TABLE_OF: Final[dict[type, str]] = {
    MetaRow: "meta",
    SourceRow: "source",
    StructureRow: "structure",
    EventOrderRow: "event_order",
    StepRow: "step",
    EventTimeRow: "event_time",
    StatsRow: "stats",
    HistogramRow: "histogram",
    MetricRow: "metric",
    TensorRow: "tensor",
    TensorChunkRow: "tensor_chunk",
    FindingRow: "finding",
}

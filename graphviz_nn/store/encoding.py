"""How the parts of a step become columns of the run file, and how they come back.

Everything here raises `ValueError` for data that breaks the rules of the model. The writer never stores such data,
and the reader never hands it out.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from typing import Any, Final, cast

import msgspec
import numpy as np

from graphviz_nn.model.events import EVENT_DTYPE
from graphviz_nn.model.findings import Evidence, Finding
from graphviz_nn.model.literals import clean
from graphviz_nn.model.metrics import MetricTable
from graphviz_nn.model.stats import HISTOGRAM_BINS, STATS, StatTable
from graphviz_nn.model.steps import ErrorInfo, EventTable, HistogramTable, RunMeta, StepInfo, StepRecord
from graphviz_nn.model.structure import Structure
from graphviz_nn.store.checks import check_metric, check_structure
from graphviz_nn.store.format import STRUCTURE_LIMIT
from graphviz_nn.store.rows import FindingRow, MetricRow, StepRow

ORDER_COLUMNS: Final = ("kind", "state", "pass", "node", "index")
ORDER_BYTES: Final = sum(EVENT_DTYPE[name].itemsize for name in ORDER_COLUMNS)
STATS_DTYPE: Final = np.dtype("<f4")
HISTOGRAM_DTYPE: Final = np.dtype("<u2")
PLACE_DTYPE: Final = np.dtype("<i4")
STATS_ROW_BYTES: Final = STATS_DTYPE.itemsize * len(STATS)
HISTOGRAM_ROW_BYTES: Final = HISTOGRAM_DTYPE.itemsize * HISTOGRAM_BINS

MOST_INFLATION: Final = 1032
"""Deflate makes nothing smaller than by this factor (https://zlib.net/zlib_tech.html)."""

_NAN: Final = "nan"


def deflate(data: bytes, level: int = 6) -> bytes:
    return zlib.compress(data, level)


def inflate(data: bytes, size: int) -> bytes:
    """Returns the `size` bytes that were deflated to `data`. Never makes more than that, whatever `data` holds."""
    if not 0 <= size <= MOST_INFLATION * len(data):
        raise ValueError(f"{len(data)} compressed bytes cannot hold {size}")
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(f"its compressed data is broken ({error})") from error
    if len(inflated) != size or not stream.eof or stream.unused_data:
        raise ValueError(f"its compressed data does not hold {size} bytes")
    return inflated


# Structures


def encode_structure(structure: Structure) -> tuple[int, bytes]:
    """Returns the size of the structure's MessagePack, and that deflated."""
    check_structure(structure)
    packed = structure.encode()
    if len(packed) > STRUCTURE_LIMIT:
        raise ValueError(f"a structure of {len(packed)} bytes; a run file holds {STRUCTURE_LIMIT} at most")
    return len(packed), deflate(packed)


def decode_structure(size: int, data: bytes) -> Structure:
    if not 0 < size <= STRUCTURE_LIMIT:
        raise ValueError(f"a structure of {size} bytes")
    try:
        structure = Structure.decode(inflate(data, size))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError) as error:
        raise ValueError(f"not a structure ({error})") from error
    check_structure(structure)
    return structure


# Events


def order_bytes(events: EventTable) -> bytes:
    """What the events have in common with those of other steps: every column but `time`, one after the other."""
    if events.dtype != EVENT_DTYPE or events.ndim != 1:
        raise ValueError(f"events must be one-dimensional and of EVENT_DTYPE, not {events.dtype}")
    return b"".join(np.ascontiguousarray(events[name]).tobytes() for name in ORDER_COLUMNS)


def order_digest(order: bytes) -> str:
    return hashlib.blake2b(order, digest_size=16).hexdigest()


def decode_order(count: int, data: bytes) -> EventTable:
    """Returns the events with `time` left at NaN."""
    if count < 0:
        raise ValueError(f"{count} events")
    order = inflate(data, count * ORDER_BYTES)
    events = np.empty(count, EVENT_DTYPE)
    offset = 0
    for name in ORDER_COLUMNS:
        column = np.frombuffer(order, EVENT_DTYPE[name], count, offset)
        events[name] = column
        offset += column.nbytes
    events["time"] = np.nan
    return events


def encode_times(events: EventTable) -> bytes:
    """The `time` column, or nothing where no time was measured."""
    times = np.ascontiguousarray(events["time"])
    return b"" if np.isnan(times).all() else times.tobytes()


def with_times(order: EventTable, data: bytes) -> EventTable:
    """Returns a copy of `order` with its `time` column filled in from `encode_times`."""
    events = order.copy()
    if data:
        if len(data) != len(events) * EVENT_DTYPE["time"].itemsize:
            raise ValueError(f"{len(data)} bytes of times for {len(events)} events")
        events["time"] = np.frombuffer(data, EVENT_DTYPE["time"])
    return events


# Tables of numbers


def encode_stats(table: StatTable, rows: int) -> bytes:
    if table.shape != (rows, len(STATS)):
        raise ValueError(f"a table of stats has shape {table.shape}, not {(rows, len(STATS))}")
    return np.ascontiguousarray(table, STATS_DTYPE).tobytes()


def decode_stats(data: bytes, rows: int) -> StatTable:
    if len(data) != rows * STATS_ROW_BYTES:
        raise ValueError(f"{len(data)} bytes of stats for {rows} rows")
    return np.frombuffer(data, STATS_DTYPE).reshape(rows, len(STATS))


def encode_histograms(table: HistogramTable, rows: int) -> bytes:
    if table.shape != (rows, HISTOGRAM_BINS):
        raise ValueError(f"a table of histograms has shape {table.shape}, not {(rows, HISTOGRAM_BINS)}")
    return deflate(np.ascontiguousarray(table, HISTOGRAM_DTYPE).tobytes(), level=1)


def decode_histograms(data: bytes, rows: int) -> HistogramTable:
    return np.frombuffer(inflate(data, rows * HISTOGRAM_ROW_BYTES), HISTOGRAM_DTYPE).reshape(rows, HISTOGRAM_BINS)


def encode_metric(step: int, name: str, table: MetricTable) -> MetricRow:
    check_metric(table)
    places = (table.nodes, table.outputs, table.passes, table.lengths)
    data = b"".join(np.ascontiguousarray(column, PLACE_DTYPE).tobytes() for column in places)
    data += np.ascontiguousarray(table.numbers, STATS_DTYPE).tobytes()
    columns = msgspec.json.encode(table.columns).decode()
    return MetricRow(step, name, table.of, columns, len(table), len(table.numbers), deflate(data, level=1))


def decode_metric(row: MetricRow) -> MetricTable:
    if min(row.rows, row.numbers) < 0:
        raise ValueError(f"{row.rows} rows of {row.numbers} numbers")
    places = PLACE_DTYPE.itemsize * row.rows
    data = inflate(row.data, 4 * places + STATS_DTYPE.itemsize * row.numbers)
    nodes, outputs, passes, lengths = (np.frombuffer(data, PLACE_DTYPE, row.rows, k * places) for k in range(4))
    try:
        columns = msgspec.json.decode(row.columns, type=tuple[str, ...])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not the names of columns ({error})") from error
    numbers = np.frombuffer(data, STATS_DTYPE, row.numbers, 4 * places)
    table = MetricTable(row.kind, columns, nodes, outputs, passes, lengths, numbers)
    check_metric(table)
    return table


# Rows about a step and a run


def encode_step(position: int, step: StepRecord, event_order: str) -> StepRow:
    info = step.info
    return StepRow(
        position=position,
        number=int(info.index),
        structure=info.structure,
        event_order=event_order,
        started=_from_real(info.started),
        duration=_from_real(info.duration),
        loss=None if info.loss is None else _from_real(info.loss),
        passes=int(info.passes),
        forward_only=int(info.forward_only),
        error=None if info.error is None else _encode_error(info.error),
        stats=" ".join(step.stats),
        histograms=" ".join(step.histograms),
        tensors=len(step.tensors),
        metrics=" ".join(step.metrics),
        optimizers=msgspec.json.encode(info.optimizers).decode(),
    )


def decode_step(row: StepRow) -> StepInfo:
    try:
        return msgspec.convert(
            {
                "index": row.number,
                "structure": row.structure,
                "started": _to_real(row.started),
                "duration": _to_real(row.duration),
                "loss": None if row.loss is None else _to_real(row.loss),
                "passes": row.passes,
                "forward_only": bool(row.forward_only),
                "error": None if row.error is None else msgspec.json.decode(row.error),
                "optimizers": msgspec.json.decode(row.optimizers),
            },
            StepInfo,
        )
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a step ({error})") from error


def encode_meta(meta: RunMeta) -> str:
    cleaned = msgspec.structs.replace(
        meta,
        command=tuple(map(clean, meta.command)),
        versions={clean(name): clean(version) for name, version in meta.versions.items()},
        notes=tuple(map(clean, meta.notes)),
    )
    return msgspec.json.encode(cleaned).decode()


def decode_meta(text: str) -> RunMeta:
    try:
        return msgspec.json.decode(text, type=RunMeta)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not the description of a run ({error})") from error


def encode_finding(number: int, finding: Finding) -> FindingRow:
    evidence = {clean(name): _plain_evidence(value) for name, value in finding.evidence.items()}
    return FindingRow(
        number=number,
        step=int(finding.step),
        rule=clean(finding.rule),
        severity=finding.severity,
        node=None if finding.node is None else int(finding.node),
        module=None if finding.module is None else clean(finding.module),
        evidence=msgspec.msgpack.encode(evidence),
        cause=clean(finding.cause),
        remedy=clean(finding.remedy),
    )


def decode_finding(row: FindingRow, step: int) -> Finding:
    """Returns the finding; `step` is where its step stands among those that can be read."""
    try:
        evidence = msgspec.msgpack.decode(row.evidence, type=dict[str, float | str | list[float | str]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not the evidence of a finding ({error})") from error
    found = cast(dict[str, Evidence], evidence)
    return Finding(row.rule, row.severity, step, row.node, row.module, found, row.cause, row.remedy)


def _plain_evidence(value: Evidence) -> Any:
    """A text, a number, or a list of these; numbers as Python's own, whatever a check computed them with."""
    if isinstance(value, str):
        return clean(value)
    return [_plain_evidence(item) for item in value] if isinstance(value, list) else float(value)


def encode_shape(shape: tuple[int, ...]) -> str:
    return msgspec.json.encode([int(size) for size in shape]).decode()


def decode_shape(text: str) -> tuple[int, ...]:
    try:
        return msgspec.json.decode(text, type=tuple[int, ...])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a shape ({error})") from error


def _encode_error(error: ErrorInfo) -> str:
    return msgspec.json.encode(msgspec.structs.replace(error, message=clean(error.message))).decode()


def _from_real(number: float) -> float | str:
    """SQLite stores a NaN as NULL, which here means "there is none": so NaN is written as a word.

    It forgets the sign of zero, too; adding zero does the same before the checksum is taken.
    """
    return _NAN if math.isnan(number) else float(number) + 0.0


def _to_real(value: float | str) -> float:
    return math.nan if value == _NAN else value  # type: ignore[return-value]  # other text is refused by `convert`

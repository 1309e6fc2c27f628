"""A run file under construction: what a step becomes in its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import numpy as np

from graphviz_nn.model.findings import Finding
from graphviz_nn.model.literals import clean
from graphviz_nn.model.steps import RunMeta, StepRecord
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.store.checks import (
    check_events,
    check_finding,
    check_places,
    check_tensor_key,
    table_rows,
    tensor_bytes,
)
from graphviz_nn.store.connection import connect, use_wal
from graphviz_nn.store.encoding import (
    deflate,
    encode_finding,
    encode_histograms,
    encode_meta,
    encode_metric,
    encode_shape,
    encode_stats,
    encode_step,
    encode_structure,
    encode_times,
    order_bytes,
    order_digest,
)
from graphviz_nn.store.format import (
    APPLICATION_ID,
    CHUNK_BYTES,
    FORMAT_VERSION,
    META_KEY,
    SCHEMA,
    checksum,
)
from graphviz_nn.store.rows import (
    TABLE_OF,
    EventOrderRow,
    EventTimeRow,
    HistogramRow,
    MetaRow,
    Row,
    SourceRow,
    StatsRow,
    StructureRow,
    TensorChunkRow,
    TensorRow,
)

PAGE_BYTES: Final = 4096
CHECKPOINT_PAGES: Final = 4096
"""The write-ahead log is moved into the file each 16 MiB: rarely enough that its flushes do not show."""

CLOSING_SECONDS: Final = 0.2
"""How long closing waits for readers that keep the write-ahead log alive."""


class RunDatabase:
    """Writes steps to a run file, each in one transaction. For one thread at a time.

    Its methods raise `sqlite3.Error` for what the disk refuses and `ValueError` for records that break the rules of
    `graphviz_nn.store.checks`; the file then holds exactly the steps added before.
    """

    def __init__(self, path: str) -> None:
        """Creates the file, complete but without steps. It keeps a rollback journal until `follow`."""
        self._structures: set[str] = set()
        self._sizes: list[int] = []
        self._findings = 0
        self._orders: dict[str, str] = {}
        self._positions = 0
        self._connection = connect(path, "rwc")
        try:
            self._create()
        except BaseException:
            self._connection.close()
            raise

    @property
    def steps(self) -> int:
        """How many steps it holds."""
        return self._positions

    def _create(self) -> None:
        self._connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        with self._transaction():
            for statement in SCHEMA:
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version={FORMAT_VERSION}")

    def reopen(self, path: str) -> None:
        """Goes on at the place that the closed file was moved to, with a write-ahead log where that can be had."""
        self._connection = connect(path, "rw")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        use_wal(self._connection, path)
        self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        self._connection.execute(f"PRAGMA journal_size_limit={CHECKPOINT_PAGES * PAGE_BYTES}")

    def close(self) -> None:
        """Leaves one file that needs nothing beside it, unless a reader has it open: then its log stays, empty."""
        self._connection.execute(f"PRAGMA busy_timeout={int(CLOSING_SECONDS * 1000)}")
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode=DELETE")
        finally:
            self._connection.close()

    def abandon(self) -> None:
        """Closes the file as it is."""
        self._connection.close()

    # What a run consists of

    def set_meta(self, meta: RunMeta) -> None:
        with self._transaction():
            self._insert(MetaRow(META_KEY, encode_meta(meta)))

    def add_source(self, file: str, text: str) -> None:
        with self._transaction():
            self._insert(SourceRow(clean(file), clean(text)))

    def add_step(self, step: StepRecord) -> None:
        position = self._positions
        with self._transaction():
            self._add_structure(step.info.structure, step.structure)
            order = self._add_events(position, step)
            self._add_tables(position, step)
            self._add_metrics(position, step)
            for place, (key, tensor) in enumerate(step.tensors.items()):
                self._add_tensor(position, place, key, tensor)
            self._insert(encode_step(position, step, order))
        self._structures.add(step.info.structure)
        self._orders[order] = step.info.structure
        self._positions += 1
        self._sizes.append(len(step.structure.nodes))

    def add_finding(self, finding: Finding) -> None:
        if not 0 <= finding.step < self._positions:
            raise ValueError(f"a finding of step {finding.step}, which is not there")
        check_finding(finding, self._sizes[finding.step])
        with self._transaction():
            self._insert(encode_finding(self._findings, finding))
        self._findings += 1

    def _add_structure(self, digest: str, structure: Structure) -> None:
        if digest in self._structures:
            return
        if digest != structure.digest:
            raise ValueError(f"the step names structure {digest}, but brings {structure.digest}")
        self._insert(StructureRow(digest, *encode_structure(structure)))

    def _add_events(self, position: int, step: StepRecord) -> str:
        order = order_bytes(step.events)
        digest = order_digest(order)
        if self._orders.get(digest) != step.info.structure:
            check_events(step.events, step.structure)
        if digest not in self._orders:
            self._insert(EventOrderRow(digest, len(step.events), deflate(order)))
        self._insert(EventTimeRow(position, encode_times(step.events)))
        return digest

    def _add_tables(self, position: int, step: StepRecord) -> None:
        for name, stats in step.stats.items():
            rows = table_rows(name, step.structure, step.events)
            self._insert(StatsRow(position, name, encode_stats(stats, rows)))
        for name, histograms in step.histograms.items():
            rows = table_rows(name, step.structure, step.events)
            self._insert(HistogramRow(position, name, encode_histograms(histograms, rows)))

    def _add_metrics(self, position: int, step: StepRecord) -> None:
        for name, table in step.metrics.items():
            if not name.isidentifier():
                raise ValueError(f"a metric named {name!r}")
            check_places(table, step.structure)
            self._insert(encode_metric(position, name, table))

    def _add_tensor(self, position: int, place: int, key: TensorKey, tensor: TensorData) -> None:
        check_tensor_key(key)
        size = tensor_bytes(tensor.dtype, tensor.shape, tensor.strides)
        data = np.ascontiguousarray(tensor.data)
        if data.dtype != np.uint8 or data.shape != (size,):
            raise ValueError(f"tensor {tuple(key)} has {data.shape} elements of {data.dtype}, not {size} of uint8")
        self._insert(
            TensorRow(
                step=position,
                place=place,
                kind=key.kind,
                node=int(key.node),
                output=int(key.index),
                number=int(key.number),
                dtype=tensor.dtype,
                shape=encode_shape(tensor.shape),
                strides=None if tensor.strides is None else encode_shape(tensor.strides),
                size=size,
            )
        )
        for part, start in enumerate(range(0, size, CHUNK_BYTES)):
            self._insert(TensorChunkRow(position, place, part, data[start : start + CHUNK_BYTES].tobytes()))

    # SQL

    def _insert(self, row: Row) -> None:
        """Adds the row to its table, or puts it in the place of the one with the same key."""
        marks = ",".join("?" * (len(row) + 1))
        self._connection.execute(f"REPLACE INTO {TABLE_OF[type(row)]} VALUES ({marks})", (*row, checksum(row)))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise


def step_bytes(step: StepRecord) -> int:
    """About how much memory a step holds until it is written; its structure, shared with others, is left out."""
    return (
        step.events.nbytes
        + sum(table.nbytes for table in step.stats.values())
        + sum(table.nbytes for table in step.histograms.values())
        + sum(table.nbytes for table in step.metrics.values())
        + sum(tensor.nbytes for tensor in step.tensors.values())
    )

"""Reads a run file, also while it is being written, without torch and without believing anything in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.metrics import MetricTable
from graphviz_nn.model.stats import StatTable
from graphviz_nn.model.steps import EventTable, HistogramTable, RunMeta, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.store.checks import check_events, check_places, table_rows
from graphviz_nn.store.connection import is_cut_off
from graphviz_nn.store.encoding import (
    decode_histograms,
    decode_meta,
    decode_metric,
    decode_order,
    decode_stats,
    decode_structure,
    with_times,
)
from graphviz_nn.store.format import META_KEY
from graphviz_nn.store.kept_findings import kept_findings
from graphviz_nn.store.kept_tensors import KeptTensor, kept_tensors, read_slice
from graphviz_nn.store.rank_files import choose
from graphviz_nn.store.rows import (
    EventOrderRow,
    EventTimeRow,
    HistogramRow,
    MetaRow,
    MetricRow,
    SourceRow,
    StatsRow,
    StructureRow,
)
from graphviz_nn.store.step_list import StepEntry, StepList
from graphviz_nn.store.tables import Columns, RunTables, SomeRow
from graphviz_nn.store.writer_lock import file_identity, is_being_written

RECENT: Final = 16
"""How many structures, event orders and lists of tensors stay decoded; most runs have one of each."""


def open_run(path: str | os.PathLike[str], rank: int | None = None) -> RunFile:
    """Opens a run file, which may still be growing; of a folder with a file a rank that of `rank`, 0 by default.

    Raises what `RunFile` raises, and `OptionError` where a rank is asked for of one run file.
    """
    return RunFile(choose(path, rank))


class RunFile:
    """A `RunData` that reads a run file. Positions count the steps that can be read, from 0.

    Only the list of steps is read at once; everything else when it is asked for. Arrays handed out may be read-only.
    Every method that reads raises `DamagedRunFile` where what was asked for is damaged; the rest stays readable.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens the file.

        Raises:
            NotARunFile: missing, a folder, empty, or something else than a run.
            NewerRunFile: written by a later version of the format.
            DamagedRunFile: too damaged to find anything in it.
            RunFileError: no permission, or locked.
        """
        self._path = os.path.abspath(path)
        self._generation = 0
        self._structure = lru_cache(RECENT)(self._read_structure)
        self._order = lru_cache(RECENT)(self._read_order)
        self._kept = lru_cache(RECENT)(self._read_kept)
        self._open()

    @property
    def path(self) -> str:
        return self._path

    @property
    def generation(self) -> int:
        """How often `refresh` found another recording in the file's place: its positions have nothing to do with the
        former ones."""
        return self._generation

    @property
    def live(self) -> bool:
        """Whether some program is writing to the file now. Without, and without `meta.complete`, it was killed."""
        return is_being_written(os.path.realpath(self._path))

    @property
    def damage(self) -> tuple[str, ...]:
        """What could not be read of the run's description and its list of steps, one sentence each."""
        return (*self._meta_damage, *self._steps.damage)

    @property
    def meta(self) -> RunMeta:
        return self._meta

    def refresh(self) -> int:
        """Takes in what was written since; returns the number of new steps.

        Where another recording has replaced the file, that one is read from its start, and `generation` goes up.
        """
        if file_identity(self._path) in (None, self._identity):
            self._meta, self._meta_damage = self._read_meta()
            return self._steps.extend()
        former = self._tables
        self._open()
        former.close()
        self._generation += 1
        return len(self._steps.infos)

    def close(self) -> None:
        self._tables.close()

    def __enter__(self) -> RunFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # What a run holds

    def steps(self) -> Sequence[StepInfo]:
        """The steps read so far, in order; `refresh` lengthens the same sequence."""
        return self._steps.infos

    def structure(self, digest: str) -> Structure:
        """Raises `KeyError` where no step has that structure."""
        return self._structure(digest)

    def events(self, position: int) -> EventTable:
        entry = self._steps.entries[position]
        order = self._order(entry.event_order, entry.structure)
        what = f"the times of step {entry.position}"
        row = self._found(self._tables.one(EventTimeRow, what, "step = ?", entry.position), what)
        return self._tables.decoded(what, lambda: with_times(order, row.data))

    def layout(self, position: int) -> tuple[str, str]:
        """Equal for steps whose tables have the same rows: what the step did, and the order of its events."""
        entry = self._steps.entries[position]
        return entry.structure, entry.event_order

    def stats(self, position: int, table: str) -> StatTable | None:
        entry = self._steps.entries[position]
        if table not in entry.stats:
            return None
        what = f"the {table} stats of step {entry.position}"
        row = self._found(self._tables.one(StatsRow, what, "step = ? AND name = ?", entry.position, table), what)
        return self._tables.decoded(what, lambda: decode_stats(row.data, self._rows(entry, table)))

    def histograms(self, position: int, table: str) -> HistogramTable | None:
        entry = self._steps.entries[position]
        if table not in entry.histograms:
            return None
        what = f"the {table} histograms of step {entry.position}"
        row = self._found(self._tables.one(HistogramRow, what, "step = ? AND name = ?", entry.position, table), what)
        return self._tables.decoded(what, lambda: decode_histograms(row.data, self._rows(entry, table)))

    def metric_names(self, position: int) -> Sequence[str]:
        return self._steps.entries[position].metrics

    def metric(self, position: int, name: str) -> MetricTable | None:
        entry = self._steps.entries[position]
        if name not in entry.metrics:
            return None
        what = f"the metric {name} of step {entry.position}"
        row = self._found(self._tables.one(MetricRow, what, "step = ? AND name = ?", entry.position, name), what)
        table = self._tables.decoded(what, lambda: decode_metric(row))
        self._tables.decoded(what, lambda: check_places(table, self._structure(entry.structure)))
        return table

    def kept(self, position: int) -> Mapping[TensorKey, KeptTensor]:
        """The step's tensors in the order in which they were written, described without reading their elements."""
        entry = self._steps.entries[position]
        return self._kept(self._generation, entry.position, entry.tensors)

    def tensor_keys(self, position: int) -> Sequence[TensorKey]:
        return tuple(self.kept(position))

    def tensor(self, position: int, key: TensorKey) -> TensorData | None:
        tensor = self.kept(position).get(key)
        if tensor is None:
            return None
        data = self._tensor_bytes(position, tensor, 0, tensor.size)
        return TensorData(tensor.dtype, tensor.shape, data, tensor.strides)

    def tensor_slice(self, position: int, key: TensorKey, start: int, stop: int) -> TensorData | None:
        """Returns elements `start` to `stop` in the order in which they are stored, one-dimensional.

        Both ends are clipped to the tensor, and neither counts from its end. Only the part of the file that holds
        them is read. None where the tensor was not kept.
        """
        tensor = self.kept(position).get(key)
        if tensor is None:
            return None
        start = min(max(start, 0), tensor.elements)
        stop = min(max(stop, start), tensor.elements)
        data = self._tensor_bytes(position, tensor, start * tensor.item_bytes, stop * tensor.item_bytes)
        return TensorData(tensor.dtype, (stop - start,), data)

    def sources(self) -> Mapping[str, str]:
        texts: dict[str, str] = {}

        def take(columns: Columns) -> None:
            row = self._tables.checked(SourceRow, "a source text", columns)
            if row.file in texts:
                raise self._tables.damaged("the list of sources", f"{row.file} comes twice")
            texts[row.file] = row.text

        self._tables.visit(SourceRow, "", (), take)
        return texts

    def findings(self) -> Sequence[Finding]:
        """What the checks found while the program ran, as far as the steps that they name have been read."""
        return kept_findings(self._tables, self._steps.entries, lambda digest: len(self._structure(digest).nodes))

    # Reading

    def _open(self) -> None:
        """Reads the description and the list of steps of the file that is at `path` now."""
        identity = file_identity(self._path)
        tables = RunTables(self._path)
        try:
            steps = StepList(tables)
            self._refuse_remnant(steps)
        except BaseException:
            tables.close()
            raise
        self._tables, self._identity, self._steps = tables, identity, steps
        self._meta, self._meta_damage = self._read_meta()

    def _refuse_remnant(self, steps: StepList) -> None:
        """A file that was cut off and has no step left must not pass for one in which no step has been recorded yet."""
        if not steps.entries and is_cut_off(self._path):
            raise DamagedRunFile(f"{self._path} is cut off, and what is left of it names no step. Copy it again.")

    def _read_meta(self) -> tuple[RunMeta, tuple[str, ...]]:
        what = "the run's description"
        try:
            row = self._tables.one(MetaRow, what, "key = ?", META_KEY)
            if row is None:  # The recorder has not come to it yet.
                return RunMeta(created=0.0), ()
            return self._tables.decoded(what, lambda: decode_meta(row.value)), ()
        except DamagedRunFile as error:
            return RunMeta(created=0.0), (str(error),)

    def _read_structure(self, digest: str) -> Structure:
        what = f"structure {digest}"
        row = self._tables.one(StructureRow, what, "digest = ?", digest)
        if row is None and all(entry.structure != digest for entry in self._steps.entries):
            raise KeyError(digest)
        found = self._found(row, what)
        return self._tables.decoded(what, lambda: decode_structure(found.size, found.data))

    def _read_order(self, digest: str, structure: str) -> EventTable:
        """Returns the events that steps with this digest share, checked against the structure, without times."""
        what = f"the event order {digest}"
        row = self._found(self._tables.one(EventOrderRow, what, "digest = ?", digest), what)
        order = self._tables.decoded(what, lambda: decode_order(row.count, row.data))
        self._tables.decoded(what, lambda: check_events(order, self._structure(structure)))
        return order

    def _read_kept(self, generation: int, step: int, count: int) -> dict[TensorKey, KeptTensor]:
        del generation  # Part of the key, so that a replaced file is read afresh.
        return kept_tensors(self._tables, step, count)

    def _rows(self, entry: StepEntry, table: str) -> int:
        return table_rows(table, self._structure(entry.structure), self._order(entry.event_order, entry.structure))

    def _tensor_bytes(self, position: int, tensor: KeptTensor, start: int, stop: int) -> npt.NDArray[np.uint8]:
        return read_slice(self._tables, self._steps.entries[position].position, tensor, start, stop)

    def _found(self, row: SomeRow | None, what: str) -> SomeRow:
        if row is None:
            raise self._tables.damaged(what, "it is missing")
        return row

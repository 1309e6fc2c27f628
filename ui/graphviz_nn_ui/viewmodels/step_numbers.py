"""The numbers of one step, found by value, backward pass and parameter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import STATS, Stats, StatTable
from graphviz_nn.model.steps import HistogramTable, RunData
from graphviz_nn.session.step import OpenStep

_Found = TypeVar("_Found")

TENSOR: Final = "tensor"
NONE: Final = "none"
NEVER: Final = "never"
"""Of a gradient: autograd delivered a tensor; it said None; it never arrived."""

_KINDS: Final = {
    "gradient": EventKind.GRADIENT,
    "parameter_gradient": EventKind.PARAMETER_GRADIENT,
    "update": EventKind.UPDATE,
}
_NAN: Final = STATS.index("nan")


class StepNumbers:
    """Statistics, histograms and times of the open step. Tables are read when somebody first asks for them.

    What is damaged in the file counts as not measured, and is said in `damage`.

    Attributes:
        step: the step. damage: what could not be read so far, one sentence each.
    """

    def __init__(self, data: RunData, step: OpenStep) -> None:
        self._data = data
        self.step = step
        self.damage: list[str] = []
        self._tables: dict[str, StatTable | None] = {}
        self._histograms: dict[str, HistogramTable | None] = {}
        self._seqs: dict[str, npt.NDArray[np.intp]] = {}

    @property
    def position(self) -> int:
        return self.step.position

    def stats(self, table: str, value: ValueRef, number: int = 0) -> Stats | None:
        """Returns a row of one of `graphviz_nn.model.stats.TABLES`, or None where nothing was measured."""
        rows = self.table(table)
        row = self._row(table, value, number)
        if rows is None or row is None or np.isnan(rows[row, _NAN]):
            return None
        return Stats(*rows[row].tolist())

    def histogram(self, table: str, value: ValueRef, number: int = 0) -> npt.NDArray[np.uint16] | None:
        """Returns the counts by power of two, see `graphviz_nn.model.stats`, or None where there are none."""
        if table not in self._histograms:
            self._histograms[table] = self._read(lambda: self._data.histograms(self.position, table))
        rows = self._histograms[table]
        row = self._row(table, value, number)
        return None if rows is None or row is None else rows[row]

    def seq(self, table: str, value: ValueRef, number: int = 0) -> int | None:
        """Returns the event that brought a gradient or an update, the last one of the pass, or None.

        Updates belong to no pass.
        """
        order = self.step.order
        events = order.events_of(value.node)
        here = (order.kind[events] == _KINDS[table]) & (order.index[events] == value.index)
        if table != "update":
            here &= order.number[events] == number
        found = events[here]
        return int(found[-1]) if len(found) else None

    def arrival(self, value: ValueRef, number: int) -> str:
        """Returns `TENSOR`, `NONE` or `NEVER` for a gradient in a backward pass."""
        seq = self.seq("gradient", value, number)
        if seq is None:
            return NEVER
        return NONE if self.step.order.state[seq] == STATE_NONE else TENSOR

    def table(self, name: str) -> StatTable | None:
        """Returns a table of statistics, or None where the step holds none."""
        if name not in self._tables:
            readings = self.step.readings
            shared = {"output": lambda: readings.outputs, "gradient": lambda: readings.gradients}
            self._tables[name] = self._read(shared.get(name, lambda: self._data.stats(self.position, name)))
        return self._tables[name]

    def seqs(self, table: str) -> npt.NDArray[np.intp]:
        """Returns the events that the rows of a table of gradients or updates stand for, ascending."""
        if table not in self._seqs:
            self._seqs[table] = np.flatnonzero(self.step.order.kind == _KINDS[table])
        return self._seqs[table]

    @cached_property
    def spent(self) -> npt.NDArray[np.float64]:
        """Seconds from the event before to each event; NaN where not measured."""
        events = self._read(lambda: self._data.events(self.position))
        if events is None:
            return np.full(len(self.step.order), np.nan)
        ends = events["time"].astype(np.float64)
        return np.maximum(np.diff(ends, prepend=0.0), 0.0)

    @cached_property
    def passes(self) -> tuple[int, ...]:
        """The numbers of the step's backward passes."""
        order = self.step.order
        return tuple(np.unique(order.number[order.kind == EventKind.PASS_BEGIN]).tolist())

    def seconds(self, node: int) -> float:
        """Returns the time of a node's call, from its start if it has an inside; NaN where not measured."""
        order = self.step.order
        events = order.events_of(node)
        called = events[order.kind[events] == EventKind.CALL]
        if not len(called):
            return float("nan")
        start, end = int(called[0]), int(order.spans.partner[called[0]])
        return float(self.spent[start]) if end < 0 else float(self.spent[start + 1 : end + 1].sum())

    def _read(self, read: Callable[[], _Found | None]) -> _Found | None:
        try:
            return read()
        except DamagedRunFile as error:
            self.damage.append(str(error))
            return None

    def _row(self, table: str, value: ValueRef, number: int) -> int | None:
        if table == "output":
            return self.step.structure.value_row(value)
        seq = self.seq(table, value, number)
        return None if seq is None else int(np.searchsorted(self.seqs(table), seq))

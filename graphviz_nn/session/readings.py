"""The numbers that are known at each event: of the value that a call made, of the gradient that arrived."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS, StatTable
from graphviz_nn.model.steps import RunData
from graphviz_nn.session.order import StepOrder

COUNTS: Final = [STATS.index(name) for name in ("nan", "posinf", "neginf")]
_TABLES: Final = {
    EventKind.GRADIENT: "gradient",
    EventKind.PARAMETER_GRADIENT: "parameter_gradient",
    EventKind.UPDATE: "update",
}
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class Readings:
    """The values and gradients of a step, one row for each time that an event brought one.

    A call that made k values has k rows at the event that ended it; a gradient has one.

    Attributes:
        order: of the step.
        seq: by row, ascending, the event.
        node: by row, the node that made the value.
        value: by row, the value's row in the table of outputs.
        gradient: by row, the gradient's row in its table, or -1 where the value itself was made.
    """

    seq: Rows
    node: Rows
    value: Rows
    gradient: Rows

    def __init__(self, data: RunData, position: int, order: StepOrder, former: Readings | None = None) -> None:
        """`former`: those of another step; its rows are the same where the order is."""
        self._data = data
        self._position = position
        self.order = order
        if former is not None and former.order is order:
            self.seq, self.node, self.value, self.gradient = former.seq, former.node, former.value, former.gradient
            return
        offsets = np.asarray(order.structure.value_offsets)
        made = _ends_of_calls(order)
        arrived = np.flatnonzero(order.kind == EventKind.GRADIENT)
        first, count = offsets[order.node[made]], np.diff(offsets)[order.node[made]]
        values = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        seq = np.concatenate([np.repeat(made, count), arrived])
        value = np.concatenate([values, offsets[order.node[arrived]] + order.index[arrived]])
        gradient = np.concatenate([np.full(len(values), -1), np.arange(len(arrived))])
        placed = np.argsort(seq, kind="stable")
        self.seq = seq[placed]
        self.value = value[placed]
        self.gradient = gradient[placed]
        self.node = order.node[self.seq].astype(np.intp)

    def statistic(self, tensor: str, name: str) -> npt.NDArray[np.float64]:
        """Returns one of `STATS` of "value" or "gradient", by row; NaN where there is none or it was not measured."""
        table, rows = (self.outputs, self.value) if tensor == "value" else (self.gradients, self.gradient)
        found = np.full(len(rows), np.nan)
        if table is not None and len(table):
            here = rows >= 0
            found[here] = table[rows[here], STATS.index(name)]
        return found

    @cached_property
    def outputs(self) -> StatTable | None:
        """The statistics of all values, or None where the step holds none."""
        return self._data.stats(self._position, "output")

    @cached_property
    def gradients(self) -> StatTable | None:
        """The statistics of all gradients, or None where the step holds none."""
        return self._data.stats(self._position, "gradient")

    @cached_property
    def nonfinite(self) -> Flags:
        """By row whether the value that was made, or the gradient that arrived, holds NaN or ±Inf."""
        values = np.where(self.gradient < 0, self.value, -1)
        return _bad_rows(self.outputs, values) | _bad_rows(self.gradients, self.gradient)

    @cached_property
    def problems(self) -> Rows:
        """Seqs of the events that are an error, or brought NaN or ±Inf in a value, gradient or update, ascending."""
        bad = self.order.kind == EventKind.ERROR
        bad[self.seq[self.nonfinite]] = True
        for kind in (EventKind.PARAMETER_GRADIENT, EventKind.UPDATE):
            seqs = np.flatnonzero(self.order.kind == kind)
            table = self._data.stats(self._position, _TABLES[kind])
            bad[seqs] |= _bad_rows(table, np.arange(len(seqs)))
        return np.flatnonzero(bad)


def _ends_of_calls(order: StepOrder) -> Rows:
    """Seqs of the events with which calls ended: their RETURN, or their only CALL."""
    called = np.flatnonzero(order.kind == EventKind.CALL)
    opens = order.spans.beyond[called] >= 0
    returned = np.flatnonzero(order.kind == EventKind.RETURN)
    return np.sort(np.concatenate([called[~opens], returned]))


def _bad_rows(table: StatTable | None, rows: Rows) -> Flags:
    bad = np.zeros(len(rows), np.bool_)
    if table is not None and len(table):
        here = rows >= 0
        # Numbers that were not measured are NaN themselves, and say nothing.
        bad[here] = np.nan_to_num(table[rows[here]][:, COUNTS]).sum(axis=1) > 0
    return bad

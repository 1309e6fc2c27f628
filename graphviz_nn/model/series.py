"""Norms over the steps of a run: of values, gradients and updates, found by name in every step."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import EventTable, RunData
from graphviz_nn.model.structure import Structure

_L2: Final = STATS.index("l2")
_EVENTS: Final = {
    "gradient": EventKind.GRADIENT,
    "parameter_gradient": EventKind.PARAMETER_GRADIENT,
    "update": EventKind.UPDATE,
}
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Followed:
    """Values whose norm is followed: a table of `graphviz_nn.model.stats`, and in it (node name, output) of each."""

    table: str
    values: tuple[tuple[str, int], ...]


@runtime_checkable
class KnownLayout(Protocol):
    """A run that knows which of its steps have the same rows in their tables without reading their events."""

    def layout(self, position: int) -> Hashable: ...


def norms(
    data: RunData,
    followed: Sequence[Followed],
    positions: range | None = None,
    check: Callable[[], object] = lambda: None,
) -> Numbers:
    """Returns the L2 norm of each of `followed` in each step: [followed, steps], in the tensors' own units.

    The values of one are taken together, as if they were one tensor, over all calls and backward passes. NaN where a
    step does not have them, did not measure them, or cannot be read.

    Args:
        positions: of steps in `data.steps()`; all by default.
        check: called between steps; what it raises ends the work.
    """
    chosen = range(len(data.steps())) if positions is None else positions
    found = np.full((len(followed), len(chosen)), np.nan)
    tables = sorted({each.table for each in followed})
    rows = _Rows(data, followed)
    for column, position in enumerate(chosen):
        check()
        try:
            for table in tables:
                _add_step(found[:, column], data, position, table, rows)
        except DamagedRunFile:
            continue
    return found


def _add_step(into: Numbers, data: RunData, position: int, table: str, rows: _Rows) -> None:
    numbers = data.stats(position, table)
    if numbers is None or not len(numbers):
        return
    owner, row = rows.of(position, table)
    squares = numbers[row, _L2].astype(np.float64) ** 2
    measured = ~np.isnan(squares)
    present = np.bincount(owner, measured, len(into)) > 0
    sums = np.bincount(owner, np.where(measured, squares, 0.0), len(into))
    into[present] = np.sqrt(sums[present])


class _Rows:
    """Where the followed values stand in the tables of each step; worked out once for steps of one layout."""

    def __init__(self, data: RunData, followed: Sequence[Followed]) -> None:
        self._data = data
        self._followed = followed
        self._layouts = data if isinstance(data, KnownLayout) else None
        self._known: dict[tuple[Hashable, str], tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]] = {}
        self._last: tuple[str, EventTable] | None = None
        self._count = 0

    def of(self, position: int, table: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Returns places in `followed`, and the row of the table that each has there; one may have several rows."""
        key = (self._layout(position), table)
        if key not in self._known:
            structure = self._data.structure(self._data.steps()[position].structure)
            events = self._data.events(position) if table in _EVENTS else None
            self._known[key] = self._find(structure, events, table)
        return self._known[key]

    def _find(
        self, structure: Structure, events: EventTable | None, table: str
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        rows_of = _value_rows(structure) if events is None else _event_rows(events, _EVENTS[table])
        owners: list[int] = []
        rows: list[int] = []
        for place, each in enumerate(self._followed):
            if each.table != table:
                continue
            for name, index in each.values:
                node = structure.by_name.get(name)
                here = rows_of(ValueRef(node.id, index)) if node is not None and index < len(node.outputs) else ()
                owners.extend([place] * len(here))
                rows.extend(here)
        return np.array(owners, np.intp), np.array(rows, np.intp)

    def _layout(self, position: int) -> Hashable:
        if self._layouts is not None:
            return self._layouts.layout(position)
        structure, events = self._data.steps()[position].structure, self._data.events(position)
        if self._last is None or self._last[0] != structure or not _same_order(self._last[1], events):
            self._last = structure, events
            self._count += 1
        return self._count


def _value_rows(structure: Structure) -> Callable[[ValueRef], Sequence[int]]:
    return lambda ref: (structure.value_row(ref),)


def _event_rows(events: EventTable, kind: EventKind) -> Callable[[ValueRef], Sequence[int]]:
    """Rows in a table that follows the events of one kind, by value."""
    found: dict[ValueRef, list[int]] = {}
    chosen = events[events["kind"] == kind]
    for row, (node, index) in enumerate(zip(chosen["node"].tolist(), chosen["index"].tolist(), strict=True)):
        found.setdefault(ValueRef(node, max(index, 0)), []).append(row)
    return lambda ref: found.get(ref, ())


def _same_order(one: EventTable, other: EventTable) -> bool:
    names = ("kind", "node", "index")
    return len(one) == len(other) and all(np.array_equal(one[name], other[name]) for name in names)

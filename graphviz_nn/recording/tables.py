"""Turns a step's order and observations into the event table, the tables of statistics, and kept tensors by node."""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from functools import cached_property
from struct import Struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from graphviz_nn.model.events import EVENT_DTYPE, STATE_NONE, STATE_TENSOR, EventKind
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.recording import tape as t
from graphviz_nn.recording.assemble import Assembly
from graphviz_nn.recording.keeping import to_data
from graphviz_nn.recording.observe import Observations
from graphviz_nn.recording.tape import Tape

_HAS_INSIDE = t.GROUP | t.CUSTOM
_UNTIMED = frozenset({EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT, EventKind.UPDATE})
_pack: Final = Struct("<BBhiif").pack
"""Writes the fields of `EVENT_DTYPE`."""
_PIECE: Final = 8_192
"""Events whose times are computed together."""
_NEVER, _AT_START = -1, -2
"""Places before a tape's times: no time, the step's start, and before that the passes' beginnings and ends."""


class Events:
    """The event table of a step, built in one walk over its order.

    Attributes:
        totals: for each PARAMETER_GRADIENT event with a tensor, in order, its row.
    """

    def __init__(self, tape: Tape, assembly: Assembly) -> None:
        self._tape = tape
        self._assembly = assembly
        self._rows = bytearray()
        self._clock = array("i")
        self._passes: list[int] = []
        self._now = _AT_START
        self._calls = 0
        self._pass_times = 0
        self.totals: list[int] = []
        self._gradient_count = self._total_count = 0
        for item in tape.order:
            if type(item) is int:
                self._call() if item == t.CALL else self._gradient(item, STATE_TENSOR)
            else:
                self._other(item)
        self._table = np.frombuffer(self._rows, EVENT_DTYPE)
        self._given = False

    def timed(self, tape: Tape, started: float) -> npt.NDArray[np.void]:
        """Returns the events with the times of a tape whose order is the same."""
        # The first step that did this gets the table itself: a long program has it only once.
        table = np.frombuffer(self._rows[:] if self._given else self._rows, EVENT_DTYPE)
        self._given = True
        before = np.array([*tape.pass_times[::-1], started, np.nan])  # what negative places point at
        times = np.asarray(tape.times)
        for first in range(0, len(table), _PIECE):
            places = np.asarray(self._clock[first : first + _PIECE])
            early = places < 0
            seconds = np.empty(len(places))
            seconds[early] = before[places[early]]
            seconds[~early] = times[places[~early]]
            table["time"][first : first + _PIECE] = seconds - started
        return table

    @cached_property
    def gradients(self) -> list[int]:
        """For each GRADIENT event with a tensor, in order, its value."""
        return [item for item in self._tape.order if type(item) is int and item != t.CALL]

    @cached_property
    def gradient_rows(self) -> npt.NDArray[np.int64]:
        """And its row in the gradient table."""
        states = self._table["state"][self._table["kind"] == EventKind.GRADIENT]
        return np.flatnonzero(states == STATE_TENSOR)

    def _add(self, kind: EventKind, node: int, index: int = 0, state: int = STATE_TENSOR) -> None:
        number = self._passes[-1] if self._passes else -1
        self._rows += _pack(kind, state, number, node, index, 0.0)
        # The engine delivers gradients one after another without our looking at the clock.
        self._clock.append(_NEVER if kind in _UNTIMED else self._now)

    def _call(self) -> None:
        op, self._calls = self._calls, self._calls + 1
        self._now = op
        inside = self._tape.ops[op][9] & _HAS_INSIDE
        self._add(EventKind.RETURN if inside else EventKind.CALL, op)

    def _pass_time(self) -> None:
        self._now = _AT_START - 1 - self._pass_times
        self._pass_times += 1

    def _gradient(self, value: int, state: int) -> None:
        node, index = self._assembly.ref(value)
        self._gradient_count += 1
        self._add(EventKind.GRADIENT, node, index, state)

    def _other(self, item: tuple[Any, ...]) -> None:
        kind, number = item[0], item[1]
        if kind == t.MODULE_ENTER:
            self._add(EventKind.MODULE_ENTER, number)
        elif kind == t.MODULE_EXIT:
            self._add(EventKind.MODULE_EXIT, number)
        elif kind == t.NONE_GRADIENT:
            self._gradient(number, STATE_NONE)
        elif kind == t.TOTAL_GRADIENT:
            self._total(number, item[2])
        elif kind == t.PASS_BEGIN:
            self._pass_time()
            self._passes.append(number)
            self._add(EventKind.PASS_BEGIN, *self._pass_root(number))
        elif kind == t.PASS_END:
            self._pass_time()
            self._add(EventKind.PASS_END, *self._pass_root(number))
            if self._passes:
                self._passes.pop()
        elif kind == t.GROUP_BEGIN:
            closed = self._tape.groups[number]
            if closed >= 0:
                self._add(EventKind.CALL, closed)
        elif kind == t.UPDATE:
            self._add(EventKind.UPDATE, *self._assembly.parameter(number))
        else:
            self._add(EventKind.ERROR if kind == t.ERROR else EventKind.ABORT, number)

    def _pass_root(self, number: int) -> tuple[int, int]:
        roots = self._tape.passes[number]
        return self._assembly.refs[roots[0]] if roots else (-1, 0)

    def _total(self, value: int, is_none: bool) -> None:
        node, index = self._assembly.parameter(value)
        if not is_none:
            self.totals.append(self._total_count)
        self._total_count += 1
        self._add(EventKind.PARAMETER_GRADIENT, node, index, STATE_NONE if is_none else STATE_TENSOR)

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each table that follows the events."""
        return {
            "gradient": self._gradient_count,
            "parameter_gradient": self._total_count,
            "update": len(self._tape.updates),
        }


def statistics_tables(
    observations: Observations, events: Events, value_rows: npt.NDArray[np.int64], value_count: int
) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, npt.NDArray[np.uint16]]]:
    """Returns the tables of statistics and of histograms, rows as `graphviz_nn.model.stats` says.

    `value_rows` gives the row of each of the tape's values in the table of outputs.
    """
    statistics = observations.statistics
    if statistics is None:
        return {}, {}
    statistics.finish()
    order = {
        "output": (value_rows, value_count),
        "gradient": (_gradient_rows(observations.gradients, events), events.counts["gradient"]),
        "parameter_gradient": (np.array(events.totals, np.int64), events.counts["parameter_gradient"]),
        "update": (np.arange(events.counts["update"]), events.counts["update"]),
    }
    tables: dict[str, npt.NDArray[np.float32]] = {}
    histograms: dict[str, npt.NDArray[np.uint16]] = {}
    for name, (rows, count) in order.items():
        measured = statistics.table(name, len(rows))
        if name == "parameter_gradient" and observations.same_rows:
            measured = _with_same(measured, statistics.table("gradient", len(observations.gradients)), observations)
        if measured is not None:
            placed = np.full((count, measured.shape[1]), np.nan, np.float32)
            placed[rows] = measured
            tables[name] = placed
        counted = statistics.histogram_table(name, len(rows))
        if name == "parameter_gradient" and observations.same_rows:
            counts = statistics.histogram_table("gradient", len(observations.gradients))
            counted = _with_same(counted, counts, observations)
        if counted is not None:
            spread = np.zeros((count, counted.shape[1]), np.uint16)
            spread[rows] = counted
            histograms[name] = spread
    return tables, histograms


def _with_same(table: Any, gradients: Any, observations: Observations) -> Any:
    """Fills the rows of accumulated gradients that are the pass's own contribution."""
    if gradients is None:
        return table
    if table is None:
        table = np.full((observations.total_count, gradients.shape[1]), 0, gradients.dtype)
    rows, same = (list(column) for column in zip(*observations.same_rows, strict=True))
    table[rows] = gradients[same]
    return table


def _gradient_rows(measured: list[int], events: Events) -> npt.NDArray[np.int64]:
    """For each measured gradient its event's row.

    Usually both are in the same order; with several engine threads only the order within one value is certain.
    """
    if measured == events.gradients:
        return events.gradient_rows
    waiting: dict[int, deque[int]] = defaultdict(deque)
    for row, value in zip(events.gradient_rows.tolist(), events.gradients, strict=True):
        waiting[value].append(row)
    return np.array([waiting[value].popleft() for value in measured], np.int64)


def kept_tensors(observations: Observations, assembly: Assembly) -> dict[TensorKey, TensorData]:
    """Returns the kept tensors by node and output."""
    kept: dict[TensorKey, TensorData] = {}
    for (kind, value, number), tensor in observations.tensors.items():
        kept[_key(kind, value, number, assembly)] = to_data(tensor)
    return kept


def _key(kind: str, value: int, number: int, assembly: Assembly) -> TensorKey:
    if kind == "random_state":
        return TensorKey(kind, value, 0, number)
    if kind == "parameter_gradient":
        return TensorKey(kind, *assembly.parameter(value), number)
    if kind in ("gradient", "gradient_thumbnail"):
        return TensorKey(kind, *assembly.ref(value), number)
    return TensorKey(kind, *assembly.refs[value], number)


def loss_of(losses: list[tuple[int, Tensor]]) -> float | None:
    """Returns the value of the last scalar that a backward pass started from."""
    return float(losses[-1][1]) if losses else None

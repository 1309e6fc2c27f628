"""What the timeline shows: which phase each column of pixels belongs to, and where the ticks of its axis stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.nodes import PHASES
from graphviz_nn.session.order import StepOrder

LANES: Final = ("forward", "backward", "update")
_LANE_OF: Final = {"backward": 1, "optimizer": 2}
"""By phase; what is not named here ran like the forward pass: recomputed calls and bookkeeping."""

GAP_FROM: Final = 4.0
"""Pixels an event from which a gap parts it from the next."""

Floats = npt.NDArray[np.float64]


class EventLanes:
    """The events of a step by lane. Any range of them is drawn in time proportional to the columns, not the events."""

    def __init__(self, order: StepOrder) -> None:
        codes = np.array([_LANE_OF.get(name, 0) for name in PHASES], np.int8)
        self.lane: npt.NDArray[np.int8] = codes[order.phase]
        self._seqs = [np.flatnonzero(self.lane == lane) for lane in range(len(LANES))]

    def __len__(self) -> int:
        return len(self.lane)

    def counts(self) -> tuple[int, ...]:
        """Events by lane."""
        return tuple(len(seqs) for seqs in self._seqs)

    def columns(self, view: Range, width: int) -> Floats:
        """Returns by lane and column of pixels the share of the column's events that are in the lane: 0…1, (3, width).

        Where an event takes several columns it fills them, but for a gap before the next.
        """
        if view.span <= 0 or width <= 0:
            return np.zeros((len(LANES), max(width, 0)))
        if width >= view.span:
            return self._wide(view, width)
        edges = np.ceil(view.start + np.arange(width + 1) * (view.span / width))
        inside = np.maximum(np.diff(np.clip(edges, 0, len(self))), 1)
        return np.stack([np.diff(np.searchsorted(seqs, edges)) / inside for seqs in self._seqs])

    def _wide(self, view: Range, width: int) -> Floats:
        each = width / view.span
        place = view.start + (np.arange(width) + 0.5) / each
        seq = np.floor(place).astype(np.intp)
        known = (seq >= 0) & (seq < len(self))
        if each >= GAP_FROM:
            known &= (place - seq) <= 1 - 1 / each
        lane = np.full(width, -1)
        lane[known] = self.lane[seq[known]]
        return np.stack([lane == number for number in range(len(LANES))]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Range:
    """Events from `start` to before `stop`, in fractions of events: what is in view."""

    start: float
    stop: float

    @property
    def span(self) -> float:
        return self.stop - self.start

    def zoomed(self, factor: float, around: float, count: int) -> Range:
        """Shows `factor` times as many events, with the event `around` where it is, within the step's `count`."""
        span = min(max(self.span * factor, min(8.0, count)), float(max(count, 1)))
        share = (around - self.start) / self.span if self.span else 0.5
        return Range(around - share * span, around + (1 - share) * span).within(count)

    def moved(self, by: float, count: int) -> Range:
        """Shows as many events, `by` further on."""
        return Range(self.start + by, self.stop + by).within(count)

    def within(self, count: int) -> Range:
        """As much as there is, pushed back to the step's events."""
        span = min(self.span, float(max(count, 1)))
        start = min(max(self.start, 0.0), max(count, 1) - span)
        return Range(start, start + span)

    def showing(self, seq: int, count: int) -> Range:
        """The same range where it holds an event; moved so that it does, otherwise."""
        if self.start <= seq < self.stop:
            return self
        return Range(seq - self.span / 2, seq + self.span / 2).within(count)


def ticks(start: float, stop: float, most: int) -> list[int]:
    """Returns round numbers between two, at most `most` of them: multiples of 1, 2 or 5 times a power of ten."""
    span = stop - start
    if span <= 0 or most < 1:
        return []
    least = max(span / most, 1.0)
    power = 10 ** math.floor(math.log10(least))
    size = int(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least))
    first = math.ceil(start / size) * size
    return list(range(first, math.ceil(stop), size))

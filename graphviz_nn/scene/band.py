"""Finds which of many rectangles a view can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Bounds = npt.NDArray[np.float64]
"""Left, top, right, bottom; one row a rectangle."""

Places = npt.NDArray[np.intp]

_SHORT: Final = 4096.0
"""Extent along the picture, in pixels, from which on a rectangle is looked at each time."""


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Rectangles sorted along the longer side of the picture.

    Pictures of networks are long and narrow, so those near a view are a short run of the order, but for the few that
    reach far.

    Attributes:
        axis: 0 where the picture is wider than tall, else 1.
        bounds: of every rectangle.
        order: places of the short ones, by where they begin along the axis.
        begins: where they begin, ascending. ends: where they end, in the same order.
        reach: the largest extent of a short one.
        long: places of the others. long_spans: where they begin and end along the axis, two rows.
    """

    axis: int
    bounds: Bounds
    order: Places
    begins: npt.NDArray[np.float64]
    ends: npt.NDArray[np.float64]
    reach: float
    long: Places
    long_spans: npt.NDArray[np.float64]

    @classmethod
    def of(cls, bounds: Bounds) -> Band:
        spans = np.ptp(bounds[:, :2], axis=0) if len(bounds) else np.zeros(2)
        axis = int(spans[1] >= spans[0])
        extent = bounds[:, 2 + axis] - bounds[:, axis]
        short = np.flatnonzero(extent <= _SHORT)
        order = short[np.argsort(bounds[short, axis], kind="stable")]
        reach = float(extent[short].max(initial=0.0))
        begins, ends = bounds[order, axis], bounds[order, 2 + axis]
        long = np.flatnonzero(extent > _SHORT)
        long_spans = np.ascontiguousarray(bounds[long][:, [axis, 2 + axis]].T)
        return cls(axis, bounds, order, begins, ends, reach, long, long_spans)

    def inside(self, left: float, top: float, right: float, bottom: float) -> Places:
        """Returns the places of the rectangles that touch a view, ascending."""
        low, high = (left, right) if self.axis == 0 else (top, bottom)
        first, last = self._run(low, high)
        short = self.order[first:last][self.ends[first:last] > low]
        long = self.long[(self.long_spans[0] < high) & (self.long_spans[1] > low)]
        near = np.concatenate([short, long])
        found = self.bounds[near]
        seen = (found[:, 0] < right) & (found[:, 2] > left) & (found[:, 1] < bottom) & (found[:, 3] > top)
        return np.sort(near[seen])

    def at_most(self, left: float, top: float, right: float, bottom: float) -> int:
        """Returns a number that `inside` does not exceed, without looking at any of the rectangles."""
        first, last = self._run(left, right) if self.axis == 0 else self._run(top, bottom)
        return last - first + len(self.long)

    def _run(self, low: float, high: float) -> tuple[int, int]:
        """Where in the order those begin and end that may reach into a stretch of the axis."""
        first, last = np.searchsorted(self.begins, (low - self.reach, high)).tolist()
        return first, last

"""Axes of plots: where a number stands, and which numbers are written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn_ui.viewmodels.ticks import Tick, decade_ticks, linear_ticks

Numbers = npt.NDArray[np.float64]

MARGIN: Final = 0.04
"""Room beyond the numbers at each end, as a share of their range."""

BAR_ROOM: Final = 0.15
"""The same where numbers are bars, so that the lowest is one, too."""

FLAT: Final = 1e-3
"""Relative difference below which numbers are no course: a cliff of a millionth would be drawn as high as any other."""

_DENSE: Final = 3
"""Points to a column of pixels from which a curve is drawn by columns."""

_SMALLEST: Final = 5e-324


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers; their places run from 0 to 1."""

    low: float
    high: float
    logarithmic: bool = False

    def places(self, numbers: npt.NDArray[Any]) -> Numbers:
        """Returns the place of each number; NaN for what has none, such as 0 on a logarithmic axis."""
        if not self.logarithmic:
            return np.asarray((numbers - self.low) / (self.high - self.low), np.float64)
        low, high = math.log(self.low), math.log(self.high)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(numbers > 0, np.log(numbers), np.nan)
        return np.asarray((logs - low) / (high - low), np.float64)

    def place(self, number: float) -> float:
        return float(self.places(np.array([number]))[0])

    def number(self, place: float) -> float:
        """Returns the number at a place."""
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            return math.exp(low + place * (high - low))
        return self.low + place * (self.high - self.low)

    def ticks(self, most: int) -> list[Tick]:
        """Returns at most about `most` round numbers: powers of ten where the axis is logarithmic and holds two."""
        if self.logarithmic:
            powers = decade_ticks(self.low, self.high, most)
            if len(powers) > 1:
                return powers
        return linear_ticks(self.low, self.high, most)


def axis_of(arrays: Iterable[npt.NDArray[Any]], logarithmic: bool = False, margin: float = MARGIN) -> Axis | None:
    """Returns an axis around all finite (and, if logarithmic, positive) numbers, or None where there are none.

    A little room is left at both ends. A linear axis with such room whose numbers come near 0 from above begins at 0,
    and one whose numbers differ by less than `FLAT` of their size shows them as a line that is nearly flat.
    """
    pairs = [pair for numbers in arrays if (pair := _ends(numbers, logarithmic)) is not None]
    if not pairs:
        return None
    low, high = min(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    if logarithmic:
        room = max((high / low) ** margin, 1.2)
        return Axis(max(low / room, _SMALLEST), high * room, True)
    if high == low:
        spread = abs(low) * 0.5 or 0.5
        return Axis(low - spread, high + spread)
    room = (high - low) * margin
    if margin and high - low < FLAT * max(abs(low), abs(high)):
        room = 0.5 * FLAT * max(abs(low), abs(high))
    return Axis(0.0 if margin and 0 <= low < 0.3 * high else low - room, high + room)


class Columns(NamedTuple):
    """A curve as one upright line in each column of pixels: at `x` from `top` to `bottom`, in pixels."""

    x: Numbers
    top: Numbers
    bottom: Numbers


def columns_of(x: Numbers, y: Numbers, width: int) -> Columns | None:
    """Returns a curve of many points, in pixels, by column; None where it has so few that each is drawn.

    The picture is the same: within one column a curve covers all between its lowest and highest point. Neighbours
    touch, as they would if the points were joined. Columns without a number are left out.
    """
    if len(x) <= _DENSE * width or width < 1:
        return None
    starts = np.flatnonzero(np.diff(x.astype(np.int64), prepend=-1))
    top, bottom = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    known = np.isfinite(top)
    at, top, bottom = np.floor(x[starts][known]), top[known], bottom[known]
    joined = np.flatnonzero(np.diff(at) <= 1) + 1
    top[joined], bottom[joined] = (
        np.minimum(top[joined], bottom[joined - 1]),
        np.maximum(bottom[joined], top[joined - 1]),
    )
    return Columns(at, top, bottom)


def _ends(numbers: npt.NDArray[Any], logarithmic: bool) -> tuple[float, float] | None:
    chosen = numbers[np.isfinite(numbers)]
    if logarithmic:
        chosen = chosen[chosen > 0]
    return (float(chosen.min()), float(chosen.max())) if chosen.size else None

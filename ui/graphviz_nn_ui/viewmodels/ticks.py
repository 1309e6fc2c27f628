"""Ticks of a painted axis."""

from __future__ import annotations

import math
from typing import NamedTuple

from graphviz_nn_ui.viewmodels.numbers import number_text

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Tick(NamedTuple):
    """A place on an axis, in the axis's own units, and what stands there."""

    value: float
    text: str


def linear_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Returns at most `most` round places between two numbers: steps of 1, 2 or 5 times a power of ten."""
    if not high > low or most < 1:
        return [Tick(low, number_text(low, 3))]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    largest = math.floor(math.log10(max(abs(low), abs(high))) + 1e-9)
    digits = min(max(3, largest - math.floor(math.log10(step) + 1e-9) + 1), 7)
    return [Tick(place * step, number_text(place * step, digits)) for place in range(first, last + 1)]


def decade_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Returns at most `most` powers of ten between two positive numbers: "10⁻³"."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first + 1) / max(most, 1)))
    return [Tick(10.0**power, power_text(10, power)) for power in range(first, last + 1, every)]


def power_text(base: int, exponent: int) -> str:
    """Returns a power as people write it: "2⁻¹⁰"; "1" for exponent 0."""
    return f"{base}{str(exponent).translate(_SUPERSCRIPT)}" if exponent else "1"

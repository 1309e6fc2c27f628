"""The numbers that colour the boxes of a picture, all at once: as `Overlay.number` gives them, by arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphviz_nn.scene.overlay import Numbers, Overlay, Quantity
from graphviz_nn.scene.tables import Integers, SceneTables


@dataclass(frozen=True, slots=True, eq=False)
class BoxNumbers:
    """By box and by container its number, NaN where it has none; the range of those of the boxes, NaN if none has.

    `alarms` tells of each box whether it holds NaN or ±Inf.
    """

    quantity: Quantity
    boxes: Numbers
    containers: Numbers
    alarms: npt.NDArray[np.bool_]
    low: float
    high: float

    def fractions(self, numbers: Numbers) -> Numbers:
        """Returns the places of numbers on the scale (0…1), NaN where there is no number."""
        low, high = self.low, self.high
        if self.quantity.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                numbers = np.where(np.isnan(numbers), np.nan, np.log(np.maximum(numbers, 0.0)))
            low, high = float(np.log(low)), float(np.log(high))
        if not high > low:
            return np.where(np.isnan(numbers), np.nan, np.where(numbers == -np.inf, 0.0, 1.0))
        return np.clip((numbers - low) / (high - low), 0.0, 1.0)


def box_numbers(tables: SceneTables, overlay: Overlay) -> BoxNumbers:
    """Returns the numbers of a picture's boxes and containers."""
    boxes, containers = tables.boxes, tables.containers
    by_parameter = overlay.quantity.rule == "ratio"
    starts = boxes.parameter_starts if by_parameter else boxes.member_starts
    members = boxes.parameters if by_parameter else boxes.members
    numbers = _grouped(overlay, members, starts)
    inner = [members[starts[a] : starts[b]] for a, b in zip(containers.first_box, containers.end_box, strict=True)]
    if by_parameter:
        inner = [np.unique(each) for each in inner]
    bounds = np.concatenate([[0], np.cumsum([len(each) for each in inner])]).astype(np.int32)
    around = _grouped(overlay, np.concatenate([*inner, np.empty(0, np.int32)]), bounds)
    known = numbers[np.isfinite(numbers) & ((numbers > 0) | (not overlay.quantity.logarithmic))]
    bad = np.asarray(overlay.nonfinite, np.float64)
    alarms = _sums(bad[boxes.members], boxes.member_starts) > 0
    low, high = (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)
    return BoxNumbers(overlay.quantity, numbers, around, alarms, low, high)


def _grouped(overlay: Overlay, members: Integers, starts: Integers) -> Numbers:
    """One number for each group of members."""
    values = np.asarray(overlay.values, np.float64)[members]
    known = ~np.isnan(values)
    count = _sums(known.astype(np.float64), starts)
    weights = np.where(known, np.asarray(overlay.weights, np.float64)[members], 0.0)
    values = np.where(known, values, 0.0)
    rule = overlay.quantity.rule
    with np.errstate(divide="ignore", invalid="ignore"):
        if rule == "sum":
            numbers = _sums(values, starts)
        elif rule == "rms":
            numbers = np.sqrt(_sums(values**2, starts)) / np.sqrt(count)
        elif rule == "mean":
            numbers = _sums(values * weights, starts) / _sums(weights, starts)
        else:
            numbers = np.sqrt(_sums(values**2, starts)) / np.sqrt(_sums(weights**2, starts))
    return np.where((count > 0) & np.isfinite(numbers), numbers, np.nan)


def _sums(values: Numbers, starts: Integers) -> Numbers:
    """Sums of neighbouring stretches, empty ones included."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return np.bincount(rows, values, len(starts) - 1).astype(np.float64)

"""Where wires meet a leaf: straight above what they lead to where they can, in order, and apart."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from graphviz_nn.layout.layered import Layered
from graphviz_nn.layout.level import CENTER

SPACING: Final = 12.0
"""Distance of neighbouring wires at one side of a box, where there is room."""

REACH: Final = 0.36
"""Wires meet a box within this part of its width from the centre: not at its corners."""


@dataclass(slots=True)
class Ends:
    """Where each edge of a level starts and ends across the flow."""

    starts: list[float]
    ends: list[float]


@dataclass(slots=True)
class _Pin:
    """A place at one side of a leaf where one or more edges meet it."""

    wanted: float
    origin: float
    edges: list[int]


_Pins = dict[int, dict[Hashable, _Pin]]


def attach(layered: Layered, centers: Sequence[float], widths: Sequence[float], fixed: Ends) -> Ends:
    """Returns where edges start and end; ends at ports stay as `fixed` has them, the others find a good place.

    Edges of one net leave a leaf at one place.
    """
    starts = _starts(layered, centers, widths, fixed)
    pins: _Pins = {}
    for number, edge in enumerate(layered.level.edges):
        v = edge.target
        if edge.target_port == CENTER and v < layered.level.items:
            above = layered.above(number)
            origin = starts[number] if above == edge.source else centers[above]
            _add(pins.setdefault(v, {}), (above, edge.net), _Pin(origin, origin, [number]), centers[v])
    return Ends(starts, _settle(pins, centers, widths, list(fixed.ends)))


def _starts(layered: Layered, centers: Sequence[float], widths: Sequence[float], fixed: Ends) -> list[float]:
    pins: _Pins = {}
    for number, edge in enumerate(layered.level.edges):
        u = edge.source
        if edge.source_port == CENTER and u < layered.level.items:
            below = layered.below(number)
            wanted = origin = fixed.ends[number] if below == edge.target else centers[below]
            if below == edge.target < layered.level.items and edge.target_port == CENTER:
                wanted = _meeting(centers, widths, u, below)
            _add(pins.setdefault(u, {}), edge.net, _Pin(wanted, origin, [number]), centers[u])
    return _settle(pins, centers, widths, list(fixed.starts))


def _meeting(centers: Sequence[float], widths: Sequence[float], u: int, v: int) -> float:
    """A place where two leaves that can both give way overlap, else the lower one's centre."""
    left = max(centers[u] - REACH * widths[u], centers[v] - REACH * widths[v])
    right = min(centers[u] + REACH * widths[u], centers[v] + REACH * widths[v])
    return min(max((centers[u] + centers[v]) / 2, left), right) if left <= right else centers[v]


def _add(pins: dict[Hashable, _Pin], key: Hashable, pin: _Pin, center: float) -> None:
    """Adds a pin, or its edge to the one of that key; of several wishes the one nearest to the centre counts."""
    known = pins.setdefault(key, pin)
    if known is not pin:
        known.edges += pin.edges
        if abs(pin.origin - center) < abs(known.origin - center):
            known.wanted, known.origin = pin.wanted, pin.origin


def _settle(pins: _Pins, centers: Sequence[float], widths: Sequence[float], places: list[float]) -> list[float]:
    """Writes the places of the pins: within reach of the centre, and in its middle where a lone wire has to bend."""
    for vertex, mine in pins.items():
        center, reach = centers[vertex], REACH * widths[vertex]
        for pin in mine.values():
            if abs(pin.wanted - center) > reach:
                pin.wanted = min(max(pin.wanted, center - reach), center + reach) if len(mine) > 1 else center
        row = sorted(mine.values(), key=lambda pin: (pin.wanted, pin.origin))
        if len(row) > 1:
            _space(row, center, reach)
        for pin in row:
            for number in pin.edges:
                places[number] = pin.wanted
    return places


def _space(row: list[_Pin], center: float, reach: float) -> None:
    """Moves the pins of one side apart, outwards from the one nearest to the centre."""
    anchor = min(range(len(row)), key=lambda k: abs(row[k].wanted - center))
    spacing = min(SPACING, reach / max(anchor, len(row) - 1 - anchor))
    for k in range(anchor + 1, len(row)):
        row[k].wanted = max(row[k].wanted, row[k - 1].wanted + spacing)
    for k in range(anchor - 1, -1, -1):
        row[k].wanted = min(row[k].wanted, row[k + 1].wanted - spacing)
    limit = center + reach
    for pin in reversed(row):
        pin.wanted = min(pin.wanted, limit)
        limit = pin.wanted - spacing
    limit = center - reach
    for pin in row:
        pin.wanted = max(pin.wanted, limit)
        limit = pin.wanted + spacing

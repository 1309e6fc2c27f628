"""Siblings stay in their order, whatever is opened or closed among them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Final

Layers = Sequence[Sequence[int]]

Stay = tuple[tuple[int, int] | None, ...]
"""By item the layer on which it stood before and its place there, or None for one that was not there. Of two that stood
on one layer, the one with the lower place stays to the left where they share a layer again."""

FREE: Final[Stay] = ()
"""Nothing was there before."""


def places_of(names: Sequence[Hashable], layers: Layers) -> dict[Hashable, tuple[int, int]]:
    """Returns the layer and the place on it of each item by its name."""
    return {
        names[vertex]: (rank, place)
        for rank, layer in enumerate(layers)
        for place, vertex in enumerate(layer)
        if vertex < len(names)
    }


def keeps(layers: Layers, stay: Stay) -> bool:
    """Whether the items of each layer are in the order that they had."""
    return all(left < right for layer in layers for row in _rows(layer, stay) for left, right in pairwise(row))


def put_back(layer: list[int], stay: Stay) -> None:
    """Puts the items of one layer into the order that they had, in the places that they have together."""
    rows: dict[int, list[int]] = {}
    for place, vertex in enumerate(layer):
        former = stay[vertex] if vertex < len(stay) else None
        if former is not None:
            rows.setdefault(former[0], []).append(place)
    for places in rows.values():
        items = sorted((layer[place] for place in places), key=lambda item: stay[item] or (0, 0))
        for place, item in zip(places, items, strict=True):
            layer[place] = item


def bound(stay: Stay, left: int, right: int) -> bool:
    """Whether two neighbours must not change places."""
    if left >= len(stay) or right >= len(stay):
        return False
    former, other = stay[left], stay[right]
    return former is not None and other is not None and former[0] == other[0]


def _rows(layer: Sequence[int], stay: Stay) -> list[list[int]]:
    """The former places of the items of a layer from left to right, those that shared a layer together."""
    rows: dict[int, list[int]] = {}
    for vertex in layer:
        former = stay[vertex] if vertex < len(stay) else None
        if former is not None:
            rows.setdefault(former[0], []).append(former[1])
    return list(rows.values())

"""The combinatorial half of a level's layout: ranks, trunks, and the order of each layer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from graphviz_nn.layout.keeping import FREE, Stay
from graphviz_nn.layout.layered import Layered, Layers, insert_bends, rank_level
from graphviz_nn.layout.level import Level
from graphviz_nn.layout.order import crossings, order

SPLIT_GAIN: Final = 0.85
"""Trunks are split where that leaves at most this part of the crossings: else one wire a value is easier to follow."""

SPLIT_LIMIT: Final = 1000
"""Above this many vertices splitting is not tried."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Layer of each vertex, whether edges of one net share a trunk all the way, and the order of each layer."""

    ranks: list[int]
    shared: bool
    layers: Layers

    def layered(self, level: Level) -> Layered:
        """The level, or another of the same structure, as it was when it was arranged."""
        return insert_bends(level, self.ranks, self.shared)


def arrange(level: Level, stay: Stay = FREE) -> Arrangement:
    """Returns an arrangement with few crossings, in which items that were there before stay in their order."""
    ranks = rank_level(level)
    shared = insert_bends(level, ranks, True)
    layers = _layers(shared, stay)
    together = Arrangement(ranks, True, layers)
    count = crossings(shared, layers)
    if not count or shared.count > SPLIT_LIMIT:
        return together
    split = insert_bends(level, ranks, False)
    if split.count == shared.count:
        return together
    layers = _layers(split, stay)
    return Arrangement(ranks, False, layers) if crossings(split, layers) <= SPLIT_GAIN * count else together


def _layers(layered: Layered, stay: Stay) -> Layers:
    return order(layered, stay) if stay else _readable(layered, order(layered))


def _readable(layered: Layered, layers: Layers) -> Layers:
    """The layers or their mirror image: blocks built nearly alike then also look alike."""
    mirrored = [layer[::-1] for layer in layers]
    better = _reading(layered, mirrored) > _reading(layered, layers)
    return mirrored if better and crossings(layered, mirrored) <= crossings(layered, layers) else layers


def _reading(layered: Layered, layers: Layers) -> tuple[int, int, int, int]:
    """How well layers read.

    First, items stand in order of execution from left to right; then, what enters does so in the order in which it is
    read; then, what else enters or leaves does so to the right of the main path, so that such wires need not cross it;
    then, what else is beside the main path is to its right.
    """
    items, vertices = layered.level.items, layered.level.vertices
    ascending = _ascending(layers, 0, items)
    entering = _ascending(layers, items, items + layered.level.tops)
    ports = beside = 0
    for layer in layers:
        main = next((k for k, vertex in enumerate(layer) if layered.main[vertex]), None)
        if main is not None:
            balance = len(layer) - 1 - 2 * main
            beside += balance
            ports += balance if items <= layer[main] < vertices else 0
    return ascending, entering, ports, beside


def _ascending(layers: Layers, first: int, end: int) -> int:
    """Neighbours on a layer in the order of their numbers, less those against it; of vertices from `first` on."""
    rows = [[vertex for vertex in layer if first <= vertex < end] for layer in layers]
    return sum((u < v) - (u > v) for row in rows for u, v in pairwise(row))

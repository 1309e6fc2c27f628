"""The combinatorial half of a level's layout: ranks, trunks, and the order of each layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphviz_nn.layout.layered import Layered, insert_bends, rank_level
from graphviz_nn.layout.level import Level
from graphviz_nn.layout.order import Layers, crossings, order

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


def arrange(level: Level) -> Arrangement:
    """Returns an arrangement with few crossings."""
    ranks = rank_level(level)
    shared = insert_bends(level, ranks, True)
    layers = order(shared)
    together = Arrangement(ranks, True, layers)
    count = crossings(shared, layers)
    if not count or shared.count > SPLIT_LIMIT:
        return together
    split = insert_bends(level, ranks, False)
    if split.count == shared.count:
        return together
    layers = order(split)
    return Arrangement(ranks, False, layers) if crossings(split, layers) <= SPLIT_GAIN * count else together

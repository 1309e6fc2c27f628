"""Orders of the layers to begin with, before crossings are removed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from graphviz_nn.layout.layered import Layered, Layers

EFFORT: Final = 1200
"""About this many vertices are ordered, over all starts: small levels get more of them."""

STARTS: Final = 6
"""At most so many starts besides the order of execution."""


def starts(layered: Layered) -> Iterator[tuple[int, Layers]]:
    """Yields orders, each with the number of the sweep that it begins with: that of execution, then depth-first ones,
    their mirror images, and shuffled ones."""
    yield 1, _as_executed(layered)
    allowed = min(STARTS, max(2, EFFORT // max(1, layered.count)))
    shuffle = Random(0).shuffle
    first = [_depth_first(layered, forwards) for forwards in (True, False)]
    for number in range(allowed):
        start = [list(layer) for layer in first[number % 2]]
        for layer in start:
            if number >= 4:
                shuffle(layer)
            elif number >= 2:
                layer.reverse()
        yield number, start


def _as_executed(layered: Layered) -> Layers:
    """Layers filled in the order of the vertices, and wires that pass to the right, the later they start the nearer."""
    latest = [0] * len(layered.bends)
    for edge, trunk in zip(layered.level.edges, layered.trunks, strict=True):
        latest[trunk] = max(latest[trunk], edge.source)
    passing = sorted(range(len(latest)), key=latest.__getitem__, reverse=True)
    layers: Layers = [[] for _ in range(layered.height)]
    for vertex in range(layered.level.vertices):
        layers[layered.ranks[vertex]].append(vertex)
    for trunk in passing:
        for rank, bend in layered.bends[trunk].items():
            layers[rank].append(bend)
    return layers


def _depth_first(layered: Layered, forwards: bool) -> Layers:
    """Layers filled in the order of a depth-first walk along the edges (or against them)."""
    layers: Layers = [[] for _ in range(layered.height)]
    onward = layered.down if forwards else layered.up
    roots = sorted(range(layered.count), key=lambda v: (layered.ranks[v] if forwards else -layered.ranks[v], v))
    seen = [False] * layered.count
    for root in roots:
        pending = [root]
        while pending:
            vertex = pending.pop()
            if not seen[vertex]:
                seen[vertex] = True
                layers[layered.ranks[vertex]].append(vertex)
                pending.extend(v for v in reversed(onward[vertex]) if not seen[v])
    return layers

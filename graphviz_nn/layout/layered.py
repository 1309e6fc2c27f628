"""A level as a proper layered graph: every edge leads from one layer to the next, long ones by way of bends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graphviz_nn.layout.level import CENTER, Level
from graphviz_nn.layout.ranks import rank

Layers = list[list[int]]
"""The vertices of each layer from left to right."""


class Segment(NamedTuple):
    """A stretch between two neighbouring layers, with the ports that it joins (`CENTER` where there is none)."""

    upper: int
    lower: int
    upper_port: int = CENTER
    lower_port: int = CENTER


@dataclass(slots=True)
class Layered:
    """Vertices of a level followed by the bends, and the segments between them.

    Attributes:
        level: where it comes from.
        ranks: layer of each vertex.
        height: number of layers.
        trunks: the trunk of each edge of the level.
        bends: the bend of each trunk on each layer that it passes: `bends[trunk][rank]`.
        gaps: the segments between layer k and layer k + 1, for each k.
        up, down: each vertex's neighbours on the layer above and below.
        main: whether a vertex lies on the main path, the way through the level that its reader follows.
    """

    level: Level
    ranks: list[int]
    height: int
    trunks: list[int]
    bends: list[dict[int, int]] = field(default_factory=list)
    gaps: list[list[Segment]] = field(default_factory=list)
    up: list[list[int]] = field(default_factory=list)
    down: list[list[int]] = field(default_factory=list)
    main: list[bool] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.ranks)

    def below(self, number: int) -> int:
        """The first vertex that edge `number` meets after its source: a bend, or its target."""
        edge = self.level.edges[number]
        r = self.ranks[edge.source] + 1
        return edge.target if r == self.ranks[edge.target] else self.bends[self.trunks[number]][r]

    def above(self, number: int) -> int:
        """The last vertex that edge `number` meets before its target: a bend, or its source."""
        edge = self.level.edges[number]
        r = self.ranks[edge.target] - 1
        return edge.source if r == self.ranks[edge.source] else self.bends[self.trunks[number]][r]


def rank_level(level: Level) -> list[int]:
    """The layer of each vertex: ports on the first and the last, sections of a long container one below another."""
    if level.stacked:
        items = list(range(level.items))
    else:
        count = level.items
        pulls = {(min(e.source, count), e.target if e.target < count else count + 1) for e in level.edges}
        items = rank(count, sorted(pulls))
    shift = 1 if level.tops else 0
    last = max(items, default=0) + shift + 1
    return [r + shift for r in items] + [0] * level.tops + [last] * level.bottoms


def insert_bends(level: Level, ranks: Sequence[int], shared: bool) -> Layered:
    """The level as a proper layered graph.

    Long edges of one net share one chain of bends when `shared`, else only those that also lead to the same target.
    """
    numbers: dict[tuple[int, int], int] = {}
    trunks = [numbers.setdefault((e.net, -1 if shared else e.target), len(numbers)) for e in level.edges]
    layered = Layered(level, list(ranks), max(ranks, default=-1) + 1, trunks)
    layered.gaps = [[] for _ in range(max(0, layered.height - 1))]
    _lay_trunks(layered, len(numbers))
    for number in range(len(level.edges)):
        _branch(layered, number)
    layered.gaps = [list(dict.fromkeys(gap)) for gap in layered.gaps]
    layered.up = [[] for _ in range(layered.count)]
    layered.down = [[] for _ in range(layered.count)]
    for gap in layered.gaps:
        for segment in gap:
            layered.down[segment.upper].append(segment.lower)
            layered.up[segment.lower].append(segment.upper)
    _mark_main(layered)
    return layered


def _lay_trunks(layered: Layered, count: int) -> None:
    """One bend a trunk on each layer strictly between its highest and its lowest end."""
    ranks = layered.ranks
    spans = [(layered.height, 0)] * count
    for edge, trunk in zip(layered.level.edges, layered.trunks, strict=True):
        first, last = spans[trunk]
        spans[trunk] = min(first, ranks[edge.source]), max(last, ranks[edge.target])
    layered.bends = [{} for _ in spans]
    for bends, (first, last) in zip(layered.bends, spans, strict=True):
        for r in range(first + 1, last):
            bends[r] = len(ranks)
            ranks.append(r)
            if r > first + 1:
                layered.gaps[r - 1].append(Segment(bends[r - 1], bends[r]))


def _branch(layered: Layered, number: int) -> None:
    """Ties the two ends of an edge to its trunk, or to each other where the edge is short."""
    edge = layered.level.edges[number]
    first, last = layered.ranks[edge.source], layered.ranks[edge.target]
    if last == first + 1:
        layered.gaps[first].append(Segment(*edge[:4]))
    else:
        layered.gaps[first].append(Segment(edge.source, layered.below(number), edge.source_port))
        layered.gaps[last - 1].append(Segment(layered.above(number), edge.target, CENTER, edge.target_port))


def _mark_main(layered: Layered) -> None:
    """Marks the longest way from the upper border to the lower one; where there is none, one that touches one border.

    Ways are as long as they have items; of equally long ones that of the lowest numbers is marked.
    """
    level, ranks = layered.level, layered.ranks
    layered.main = [False] * layered.count
    if not level.edges:
        return
    into: list[list[tuple[int, int]]] = [[] for _ in range(level.vertices)]
    for edge, trunk in zip(level.edges, layered.trunks, strict=True):
        into[edge.target].append((edge.source, trunk))
    ways = [(level.is_top(vertex), 0) for vertex in range(level.vertices)]
    for vertex in sorted(range(level.vertices), key=ranks.__getitem__):
        if into[vertex]:
            from_border, length = max(ways[source] for source, _ in into[vertex])
            ways[vertex] = from_border, length + 1
    vertex = max(range(level.vertices), key=lambda v: (level.is_bottom(v), ways[v], -v))
    layered.main[vertex] = True
    while into[vertex]:
        longest = max(ways[source] for source, _ in into[vertex])
        source, trunk = min(each for each in into[vertex] if ways[each[0]] == longest)
        for r in range(ranks[source] + 1, ranks[vertex]):
            layered.main[layered.bends[trunk][r]] = True
        layered.main[source] = True
        vertex = source

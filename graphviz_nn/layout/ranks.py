"""Ranks: on which layer each item stands, so that every edge leads down and all are short together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from graphviz_nn.layout.simplex import Weighted, shorten

Edge = tuple[int, int]

SIMPLEX_LIMIT: Final = 300
"""Graphs of more items than this are ranked by longest path, tightened."""

FAN: Final = 8
"""Readers of one item above which those that could stand anywhere stand near what they lead to."""

WIDE_RANK: Final = 24
"""More sources or sinks than this on one layer are spread over several, as a block."""


def rank(count: int, edges: Sequence[Edge]) -> list[int]:
    """Returns the layer of each of `count` items, from 0.

    Edges are acyclic and without repeats. They may also come from `count` or lead to `count + 1`, which stand for the
    upper and the lower border: they pull at the items, and get no layer themselves.
    """
    inner = [(u, v) for u, v in edges if u < count and v < count]
    pulls = [(u, v, 1) for u, v in edges]
    graph = _Graph(count + 2, pulls + _hold(count, edges))
    ranks = graph.longest_path()
    if count <= SIMPLEX_LIMIT:
        shorten(ranks, graph.edges)
    else:
        graph.tighten(ranks)
    graph.settle(ranks)
    highest = min(ranks[:count], default=0)
    return _spread([r - highest for r in ranks[:count]], inner)


def _hold(count: int, edges: Iterable[Edge]) -> list[Weighted]:
    """Edges without weight that keep items between the borders, and the graph connected."""
    targets = {v for _, v in edges}
    sources = {u for u, _ in edges}
    above = [(count, u, 0) for u in range(count) if u not in targets]
    below = [(u, count + 1, 0) for u in range(count) if u not in sources]
    return above + below


class _Graph:
    """Weighted edges, by their ends."""

    def __init__(self, count: int, edges: Sequence[Weighted]) -> None:
        self.edges = edges
        self._above: list[list[int]] = [[] for _ in range(count)]
        self._below: list[list[int]] = [[] for _ in range(count)]
        self._pull = [[0, 0] for _ in range(count)]
        for u, v, weight in edges:
            self._below[u].append(v)
            self._above[v].append(u)
            self._pull[u][1] += weight
            self._pull[v][0] += weight
        self._order = self._topological()

    def _topological(self) -> list[int]:
        missing = [len(each) for each in self._above]
        order = [u for u, count in enumerate(missing) if count == 0]
        for u in order:
            for v in self._below[u]:
                missing[v] -= 1
                if missing[v] == 0:
                    order.append(v)
        return order

    def longest_path(self) -> list[int]:
        """Ranks that put every vertex as high as it can be."""
        ranks = [0] * len(self._above)
        for u in self._order:
            ranks[u] = max((ranks[v] + 1 for v in self._above[u]), default=0)
        return ranks

    def tighten(self, ranks: list[int]) -> None:
        """Slides each vertex down where more pulls it down than up."""
        for u in reversed(self._order):
            up, down = self._pull[u]
            if down > up:
                ranks[u] = min(ranks[v] for v in self._below[u]) - 1

    def settle(self, ranks: list[int]) -> None:
        """Places what is pulled up and down alike close to what it reads.

        Where many read the same (the slices of a sequence, one for each time step), each stands close to its reader
        instead: side by side they would fan out as wide as the sequence is long.
        """
        even = {u for u, (up, down) in enumerate(self._pull) if up == down > 0}
        crowded = {u for u in even if min(len(self._below[v]) for v in self._above[u]) > FAN}
        for u in self._order:
            if u in even:
                ranks[u] = max(ranks[v] for v in self._above[u]) + 1
        for u in reversed(self._order):
            if u in crowded:
                ranks[u] = min(ranks[v] for v in self._below[u]) - 1


def _spread(ranks: list[int], edges: Sequence[Edge]) -> list[int]:
    """Layers crowded with sources (or sinks) become blocks of several layers, so that no picture is a thin line."""
    ranks = _spread_sources(ranks, {v for _, v in edges})
    height = max(ranks, default=0)
    flipped = _spread_sources([height - r for r in ranks], {u for u, _ in edges})
    height = max(flipped, default=0)
    return [height - r for r in flipped]


def _spread_sources(ranks: list[int], targets: set[int]) -> list[int]:
    sources: dict[int, list[int]] = {}
    for u, r in enumerate(ranks):
        if u not in targets:
            sources.setdefault(r, []).append(u)
    rows: dict[int, int] = {}
    added, shifts = 0, []
    for r in range(max(ranks, default=-1) + 1):
        members = sources.get(r, [])
        if len(members) > WIDE_RANK:
            columns = max(WIDE_RANK, int((3 * len(members)) ** 0.5))
            rows.update((u, r + added + k // columns) for k, u in enumerate(members))
            added += (len(members) - 1) // columns
        shifts.append(added)
    return [rows.get(u, r + shifts[r]) for u, r in enumerate(ranks)]

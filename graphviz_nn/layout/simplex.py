"""Ranks of least total edge length.

The network simplex method of Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (1993),
section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

Weighted = tuple[int, int, int]
"""Upper end, lower end, and how much its length counts."""


def shorten(ranks: list[int], edges: Sequence[Weighted]) -> None:
    """Changes feasible `ranks` of a connected graph so that the weighted lengths of its edges sum up to the least."""
    if edges:
        _Simplex(ranks, edges).solve()


class _Simplex:
    """A spanning tree of tight edges, improved edge by edge."""

    def __init__(self, ranks: list[int], edges: Sequence[Weighted]) -> None:
        self._ranks = ranks
        self._edges = edges
        self._surplus = [0] * len(ranks)
        self._near: list[list[int]] = [[] for _ in ranks]
        for u, v, weight in edges:
            self._surplus[u] += weight
            self._surplus[v] -= weight
            self._near[u].append(v)
            self._near[v].append(u)
        self._tree: list[dict[int, None]] = [{} for _ in ranks]
        self._parents = [0] * len(ranks)
        self._order: list[int] = []

    def solve(self) -> None:
        """Exchanges tree edges until none has a negative cut value.

        The bound is never met in practice; it guards against the cycling that degenerate steps allow.
        """
        self._span()
        for _ in range(8 * len(self._ranks)):
            self._hang()
            leaving = self._negative_cut()
            if leaving is None:
                break
            self._exchange(leaving)

    def _span(self) -> None:
        """Builds the tree; where no tight edge leads on, moves all that it has reached until one does."""
        ranks = self._ranks
        reached = [False] * len(ranks)
        reached[0] = True
        frontier = [0]
        while True:
            while frontier:
                u = frontier.pop()
                for v in self._near[u]:
                    if not reached[v] and abs(ranks[v] - ranks[u]) == 1:
                        reached[v] = True
                        frontier.append(v)
                        self._tree[u][v] = self._tree[v][u] = None
            crossing = [
                (ranks[v] - ranks[u] - 1, reached[u], u, v) for u, v, _ in self._edges if reached[u] != reached[v]
            ]
            if not crossing:
                return
            slack, downwards, u, v = min(crossing)
            move = slack if downwards else -slack
            for member, known in enumerate(reached):
                if known:
                    ranks[member] += move
            frontier.append(u if downwards else v)

    def _hang(self) -> None:
        """Hangs the tree on its first vertex: parents, and an order with parents first."""
        self._parents[0] = 0
        self._order = [0]
        for u in self._order:
            for v in self._tree[u]:
                if v != self._parents[u]:
                    self._parents[v] = u
                    self._order.append(v)

    def _negative_cut(self) -> int | None:
        """The lower end (in the tree) of the tree edge whose cut value is least, or None where none is negative.

        A cut value sums the weights of the edges along the tree edge less those against it. Edges inside the subtree
        cancel in the sum of its members' surplus, so one sweep gives all cut values.
        """
        flow = list(self._surplus)
        best, least = None, 0
        for u in reversed(self._order[1:]):
            parent = self._parents[u]
            flow[parent] += flow[u]
            cut = flow[u] if self._ranks[u] < self._ranks[parent] else -flow[u]
            if cut < least:
                best, least = u, cut
        return best

    def _exchange(self, leaving: int) -> None:
        """Takes the tree edge above `leaving` out, and the tightest edge that leads the other way across in."""
        ranks, parent = self._ranks, self._parents[leaving]
        below = [False] * len(ranks)
        below[leaving] = True
        for u in self._order[1:]:
            below[u] = below[u] or below[self._parents[u]]
        upwards = ranks[leaving] < ranks[parent]
        slack, u, v = min(
            (ranks[v] - ranks[u] - 1, u, v) for u, v, _ in self._edges if below[v] == upwards and below[u] != upwards
        )
        del self._tree[leaving][parent], self._tree[parent][leaving]
        self._tree[u][v] = self._tree[v][u] = None
        for member, inside in enumerate(below):
            if inside:
                ranks[member] += -slack if upwards else slack

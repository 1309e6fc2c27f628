"""Ranks: on which layer each item stands, so that every edge leads down and all are short together.

Small graphs get the optimum by the network simplex method of Gansner, Koutsofios, North and Vo, "A technique for
drawing directed graphs" (1993), section 2; larger ones the longest path, tightened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

Edge = tuple[int, int]

SIMPLEX_LIMIT: Final = 300
"""Graphs of more items than this are ranked by longest path."""

WIDE_RANK: Final = 24
"""More sources or sinks than this on one layer are spread over several, as a block."""


def rank(count: int, edges: Sequence[Edge]) -> list[int]:
    """Returns the layer of each of `count` items, from 0, given acyclic `edges` without repeats."""
    successors, predecessors = neighbours(count, edges)
    order = topological(successors, predecessors)
    ranks = _longest_path(order, successors)
    if count <= SIMPLEX_LIMIT:
        for members in _components(successors, predecessors):
            if len(members) > 2:
                _Simplex(members, successors, predecessors, ranks).solve()
    else:
        _tighten(order, successors, predecessors, ranks)
    _settle(order, successors, predecessors, ranks)
    return _spread(ranks, successors, predecessors)


def neighbours(count: int, edges: Sequence[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    """Successors and predecessors of each item."""
    successors: list[list[int]] = [[] for _ in range(count)]
    predecessors: list[list[int]] = [[] for _ in range(count)]
    for u, v in edges:
        successors[u].append(v)
        predecessors[v].append(u)
    return successors, predecessors


def topological(successors: Sequence[Sequence[int]], predecessors: Sequence[Sequence[int]]) -> list[int]:
    """The items, each after all its predecessors."""
    missing = [len(each) for each in predecessors]
    order = [u for u, count in enumerate(missing) if count == 0]
    for u in order:
        for v in successors[u]:
            missing[v] -= 1
            if missing[v] == 0:
                order.append(v)
    return order


def _longest_path(order: Sequence[int], successors: Sequence[Sequence[int]]) -> list[int]:
    ranks = [0] * len(order)
    for u in order:
        below = ranks[u] + 1
        for v in successors[u]:
            ranks[v] = max(ranks[v], below)
    return ranks


def _tighten(
    order: Sequence[int], successors: Sequence[Sequence[int]], predecessors: Sequence[Sequence[int]], ranks: list[int]
) -> None:
    """Slides each item towards the side where it has more edges."""
    for u in reversed(order):
        if len(successors[u]) > len(predecessors[u]):
            ranks[u] = max(ranks[u], min(ranks[v] for v in successors[u]) - 1)
    for u in order:
        if len(predecessors[u]) > len(successors[u]):
            ranks[u] = max(ranks[v] for v in predecessors[u]) + 1


def _settle(
    order: Sequence[int], successors: Sequence[Sequence[int]], predecessors: Sequence[Sequence[int]], ranks: list[int]
) -> None:
    """Lifts items that may stand on several layers at equal total length to the first: close to what they read."""
    for u in order:
        if predecessors[u] and len(predecessors[u]) == len(successors[u]):
            ranks[u] = max(ranks[v] for v in predecessors[u]) + 1


def _components(successors: Sequence[Sequence[int]], predecessors: Sequence[Sequence[int]]) -> list[list[int]]:
    """The connected components, each in order of discovery."""
    seen = [False] * len(successors)
    components = []
    for start in range(len(successors)):
        if seen[start]:
            continue
        seen[start] = True
        members = [start]
        for u in members:
            for v in (*successors[u], *predecessors[u]):
                if not seen[v]:
                    seen[v] = True
                    members.append(v)
        components.append(members)
    return components


def _spread(ranks: list[int], successors: list[list[int]], predecessors: list[list[int]]) -> list[int]:
    """Layers crowded with sources (or sinks) become blocks of several layers, so that no picture is a thin line."""
    ranks = _spread_sources(ranks, predecessors)
    height = max(ranks, default=0)
    flipped = _spread_sources([height - r for r in ranks], successors)
    height = max(flipped, default=0)
    return [height - r for r in flipped]


def _spread_sources(ranks: list[int], predecessors: list[list[int]]) -> list[int]:
    sources: dict[int, list[int]] = {}
    for u, above in enumerate(predecessors):
        if not above:
            sources.setdefault(ranks[u], []).append(u)
    crowded = {r: members for r, members in sources.items() if len(members) > WIDE_RANK}
    if not crowded:
        lowest = min(ranks, default=0)
        return [r - lowest for r in ranks]
    moved = {}
    added = 0
    shifts = []
    for r in range(max(ranks) + 1):
        members = crowded.get(r, [])
        columns = max(WIDE_RANK, int((3 * len(members)) ** 0.5))
        rows = max(1, -(-len(members) // columns))
        for k, u in enumerate(members):
            moved[u] = r + added + k // columns
        added += rows - 1
        shifts.append(added)
    return [moved.get(u, r + shifts[r]) for u, r in enumerate(ranks)]


class _Simplex:
    """Network simplex on one connected component; `solve` lowers `ranks` in place to the least total length."""

    def __init__(
        self,
        members: Sequence[int],
        successors: Sequence[Sequence[int]],
        predecessors: Sequence[Sequence[int]],
        ranks: list[int],
    ) -> None:
        self._members = members
        self._successors = successors
        self._predecessors = predecessors
        self._ranks = ranks
        self._edges = [(u, v) for u in members for v in successors[u]]
        self._surplus = {u: len(successors[u]) - len(predecessors[u]) for u in members}
        self._tree: dict[int, set[int]] = {}
        self._parents: dict[int, int] = {}
        self._order: list[int] = []

    def solve(self) -> None:
        self._span()
        for _ in range(4 * len(self._members)):
            self._hang()
            leaving = self._negative_cut()
            if leaving is None:
                break
            self._exchange(leaving)
        lowest = min(self._ranks[u] for u in self._members)
        for u in self._members:
            self._ranks[u] -= lowest

    def _span(self) -> None:
        """Builds a spanning tree of tight edges, moving the part that has been reached to tighten one more edge."""
        ranks = self._ranks
        reached = {self._members[0]}
        self._tree = {u: set() for u in self._members}
        frontier = [self._members[0]]
        while True:
            while frontier:
                u = frontier.pop()
                for v in (*self._successors[u], *self._predecessors[u]):
                    if v not in reached and abs(ranks[v] - ranks[u]) == 1:
                        reached.add(v)
                        frontier.append(v)
                        self._tree[u].add(v)
                        self._tree[v].add(u)
            if len(reached) == len(self._members):
                return
            crossing = [(u, v) for u, v in self._edges if (u in reached) != (v in reached)]
            u, v = min(crossing, key=lambda edge: ranks[edge[1]] - ranks[edge[0]])
            slack = ranks[v] - ranks[u] - 1
            move = slack if u in reached else -slack
            for member in reached:
                ranks[member] += move
            frontier = list(reached)

    def _hang(self) -> None:
        """Hangs the tree on its first member: parents, and an order with parents first."""
        root = self._members[0]
        self._parents = {root: root}
        self._order = [root]
        for u in self._order:
            for v in self._tree[u]:
                if v != self._parents[u]:
                    self._parents[v] = u
                    self._order.append(v)

    def _negative_cut(self) -> int | None:
        """The lower end (in the tree) of the tree edge whose cut value is least, or None where none is negative.

        A cut value counts the edges along the tree edge less those against it. Edges inside the subtree cancel in
        the sum of out-degree less in-degree over its members, so one sweep gives all cut values.
        """
        flow = dict(self._surplus)
        best, least = None, 0
        for u in reversed(self._order[1:]):
            parent = self._parents[u]
            flow[parent] += flow[u]
            cut = flow[u] if self._ranks[u] < self._ranks[parent] else -flow[u]
            if cut < least:
                best, least = u, cut
        return best

    def _exchange(self, leaving: int) -> None:
        """Takes the tree edge above `leaving` out, and the tightest edge that leads the other way in."""
        ranks, parent = self._ranks, self._parents[leaving]
        subtree = {leaving}
        for u in self._order:
            if u != leaving and self._parents[u] in subtree and self._parents[u] != u:
                subtree.add(u)
        upwards = ranks[leaving] < ranks[parent]
        entering, slack = (leaving, parent), -1
        for u, v in self._edges:
            if ((v if upwards else u) in subtree) and ((u if upwards else v) not in subtree):
                length = ranks[v] - ranks[u] - 1
                if slack < 0 or length < slack:
                    entering, slack = (u, v), length
        self._tree[leaving].discard(parent)
        self._tree[parent].discard(leaving)
        self._tree[entering[0]].add(entering[1])
        self._tree[entering[1]].add(entering[0])
        for u in subtree:
            ranks[u] += -slack if upwards else slack

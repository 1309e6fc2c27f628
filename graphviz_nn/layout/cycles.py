"""Which edges of a graph to turn round so that no cycle is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def closing_edges(edges: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Returns the edges inside a cycle that lead to a lower number, that is, against the order of execution.

    With these turned round the graph has no cycle: inside a strongly connected component every edge then ascends.
    """
    edges = set(edges)
    component = _components(edges)
    return {(u, v) for u, v in edges if u > v and component[u] == component[v]}


def _components(edges: set[tuple[int, int]]) -> dict[int, int]:
    """Strongly connected component of every vertex (Tarjan 1972, without recursion)."""
    successors: dict[int, list[int]] = defaultdict(list)
    for u, v in sorted(edges):
        successors[u].append(v)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    component: dict[int, int] = {}
    path: list[int] = []
    for start in sorted({vertex for edge in edges for vertex in edge}):
        if start in index:
            continue
        index[start] = low[start] = len(index)
        path.append(start)
        stack = [(start, iter(successors[start]))]
        while stack:
            u, remaining = stack[-1]
            for v in remaining:
                if v not in index:
                    index[v] = low[v] = len(index)
                    path.append(v)
                    stack.append((v, iter(successors[v])))
                    break
                if v not in component:
                    low[u] = min(low[u], index[v])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[u])
                if low[u] == index[u]:
                    cut = path.index(u)
                    component.update(dict.fromkeys(path[cut:], u))
                    del path[cut:]
    return component

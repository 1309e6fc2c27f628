"""Rolling: the calls of one module become one, with loops for what they hand on to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from operator import itemgetter
from typing import Any

import networkx as nx

from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.graph.schema import LOOP
from graphviz_nn.model.nodes import SOURCE_KINDS

Edge = dict[str, Any]
_UNIQUE_KINDS = SOURCE_KINDS - {"constant"}


@collector_paused()
def rolled(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Returns a copy of the graph in which repeated calls of a module are shown once: an RNN without its time.

    Two calls are the same when they stand in calls of the same module (by path) and in the same phase, run the same
    operator, and are the k-th to do so in their module call. The node has the id, name and attributes of the first
    of them, `calls` (how many they are), `members` (their ids), and the outputs of the one with the most outputs.
    Calls outside any module, and calls that a module that ran once made, stand for themselves; so does every
    parameter, buffer and input.

    Edges that agree in ends, output, argument and kind are one edge with their `count`. An edge has kind "loop" where
    it leads from one call of a module into another call of the same module, or back to a node that was first run
    before the one that it comes from. With its loops the graph may have cycles; without them it has none.

    Args:
        graph: from `build_graph` or `collapse`. Collapse first to see a recurrent cell as one node.
    """
    members = _members(graph)
    firsts = {node: same[0] for same in members for node in same}
    result = nx.MultiDiGraph(**{**graph.graph, "view": "rolled"})
    for same in members:
        result.add_node(same[0], **_merged(graph, same, firsts))
    for target in sorted(graph):
        for source, _, _, edge in sorted(graph.in_edges(target, keys=True, data=True), key=itemgetter(2)):
            _add_edge(result, firsts[source], firsts[target], _lifted(graph, firsts, source, target, edge))
    return result


def _members(graph: nx.MultiDiGraph) -> list[list[int]]:
    """The nodes that are the same, in order of the first of them."""
    seen: Counter[Hashable] = Counter()
    found: dict[Hashable, list[int]] = {}
    for node in sorted(graph):
        attributes = graph.nodes[node]
        key: Hashable = node
        if attributes["module_call"] is not None and attributes["kind"] not in _UNIQUE_KINDS:
            what = attributes["module"], attributes["phase"], attributes["kind"], attributes["op"]
            here = attributes["module_call"], *what
            seen[here] += 1
            key = *what, seen[here]
        found.setdefault(key, []).append(node)
    return list(found.values())


def _merged(graph: nx.MultiDiGraph, same: list[int], firsts: Mapping[int, int]) -> dict[str, Any]:
    nodes = [graph.nodes[node] for node in same]
    parent = nodes[0]["parent"]
    merged = {
        **nodes[0],
        "parent": None if parent is None else firsts[parent],
        "outputs": max((node["outputs"] for node in nodes), key=len),
        "calls": len(same),
        "members": tuple(sorted(i for key, node in zip(same, nodes, strict=True) for i in node.get("members", (key,)))),
    }
    if "flops" in merged:
        merged["flops"] = sum(node.get("flops", 0) for node in nodes)
    return merged


def _lifted(graph: nx.MultiDiGraph, firsts: Mapping[int, int], source: int, target: int, edge: Edge) -> Edge:
    start, end = firsts[source], firsts[target]
    is_loop = start >= end or _is_carried(graph.nodes[source], graph.nodes[target])
    return {"count": 1, **edge, "kind": LOOP if is_loop else edge["kind"]}


def _add_edge(result: nx.MultiDiGraph, source: int, target: int, edge: Edge) -> None:
    for known in (result.get_edge_data(source, target) or {}).values():
        if all(known[name] == edge[name] for name in ("output", "argument", "kind")):
            known["count"] += edge["count"]
            return
    result.add_edge(source, target, result.in_degree(target), **edge)


def _is_carried(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether the value goes from one call of a module into another one of the same module."""
    if source["kind"] in _UNIQUE_KINDS or source["module"] is None:
        return False
    return bool(source["module"] == target["module"] and source["module_call"] != target["module_call"])

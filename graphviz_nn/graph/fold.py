"""Folding: several nodes become one, and the edges between them are lifted to what they became."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import networkx as nx

from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.model.nodes import SOURCE_KINDS

Attributes = dict[str, Any]
Value = tuple[int, int]
"""A node and the place of a value among its outputs."""


class Segment(NamedTuple):
    """Part `number` of `parts` of a group. A group has one part, unless it was interrupted."""

    group: Any
    number: int = 1
    parts: int = 1


Describe = Callable[[Segment, list[int]], Attributes]
"""Gives the attributes of a folded node, but for `outputs`, from its group and its members in order of id."""


@collector_paused()
def fold(graph: nx.MultiDiGraph, groups: Mapping[int, Hashable], describe: Describe) -> nx.MultiDiGraph:
    """Returns a copy of the graph in which each group of nodes is one node, and which has no cycle.

    A folded node has the id of its last call, so that edges still lead from lower to higher ids. Its outputs are the
    values that leave the group, by reader or by role, in order; its inputs are the distinct values that enter it, in
    the order in which they are first read. A group whose values are read outside before it is done becomes one node
    for each of its uninterrupted runs.

    Args:
        graph: a graph whose edges lead from lower to higher ids.
        groups: by node the group that it belongs to, at least one of each a call; other nodes are kept as they are.
        describe: gives the attributes of a folded node.
    """
    whole = {group: Segment(group) for group in set(groups.values())}
    segments = _split_interrupted(graph, {node: whole[group] for node, group in groups.items()})
    places = _places(graph, segments)
    members: dict[int, list[int]] = {}
    for node in sorted(segments):
        members.setdefault(places[node], []).append(node)
    folded = nx.MultiDiGraph(**{**graph.graph, "view": "collapsed"})
    outputs = _lift_outputs(graph, places)
    for node in sorted(graph):
        if node not in segments:
            folded.add_node(node, **{**graph.nodes[node], "parent": outer_parent(graph, node, segments)})
        elif node == places[node]:
            lifted = [_lifted_output(graph, value) for value in outputs[node]]
            folded.add_node(node, **{**describe(segments[node], members[node]), "outputs": lifted})
    _lift_edges(graph, folded, places, {node: {v: k for k, v in enumerate(vs)} for node, vs in outputs.items()})
    return folded


def outer_parent(graph: nx.MultiDiGraph, node: int, groups: Mapping[int, Hashable]) -> int | None:
    """The innermost composite or custom function around the node that is in no group."""
    parent: int | None = graph.nodes[node]["parent"]
    while parent is not None and parent in groups:
        parent = graph.nodes[parent]["parent"]
    return parent


# ---- groups that were interrupted


def _split_interrupted(graph: nx.MultiDiGraph, segments: dict[int, Segment]) -> dict[int, Segment]:
    """Splits each group whose values are read outside before the group is done into its uninterrupted runs."""
    while early := _read_before_done(graph, segments):
        segments = _split(graph, segments, early)
    return segments


def _read_before_done(graph: nx.MultiDiGraph, segments: Mapping[int, Segment]) -> set[Segment]:
    places = _places(graph, segments)
    return {
        segments[source]
        for source, target in graph.edges()
        if source in segments
        and segments.get(target) != segments[source]
        and places.get(target, target) <= places[source]
    }


def _split(graph: nx.MultiDiGraph, segments: Mapping[int, Segment], early: set[Segment]) -> dict[int, Segment]:
    calls = [node for node in sorted(graph) if _is_call(graph, node)]
    runs = [(segment, list(nodes)) for segment, nodes in groupby(calls, key=segments.get) if segment in early]
    counts = Counter(segment for segment, _ in runs)
    numbers: Counter[Segment | None] = Counter()
    split = dict(segments)
    for segment, nodes in runs:
        assert segment is not None
        numbers[segment] += 1
        split.update(dict.fromkeys(nodes, Segment(segment.group, numbers[segment], counts[segment])))
    for node, segment in segments.items():
        if segment in early and not _is_call(graph, node):
            split[node] = split[min(reader for reader in graph.successors(node) if segments.get(reader) == segment)]
    return split


def _is_call(graph: nx.MultiDiGraph, node: int) -> bool:
    return graph.nodes[node]["kind"] not in SOURCE_KINDS


def _places(graph: nx.MultiDiGraph, segments: Mapping[int, Segment]) -> dict[int, int]:
    """By member the id of the node that it becomes part of.

    A source says nothing of when its group was done: its id is of the moment when it was first seen.
    """
    last: dict[Segment, int] = {}
    for node, segment in segments.items():
        if _is_call(graph, node):
            last[segment] = max(node, last.get(segment, node))
    return {node: last[segment] for node, segment in segments.items()}


# ---- values and edges


def _lift_outputs(graph: nx.MultiDiGraph, places: Mapping[int, int]) -> dict[int, list[Value]]:
    """The values that leave each folded node: those read outside it, and those with a role."""
    leaving: dict[int, set[Value]] = {place: set() for place in places.values()}
    for node, place in places.items():
        outputs = graph.nodes[node]["outputs"]
        leaving[place].update((node, index) for index, output in enumerate(outputs) if output["role"])
    for source, target, output in graph.edges(data="output"):
        if source in places and places[source] != places.get(target):
            leaving[places[source]].add((source, output))
    return {place: sorted(values) for place, values in leaving.items()}


def _lifted_output(graph: nx.MultiDiGraph, value: Value) -> Attributes:
    node, index = value
    return {"value": value, **graph.nodes[node]["outputs"][index]}


def _lift_edges(
    graph: nx.MultiDiGraph,
    folded: nx.MultiDiGraph,
    places: Mapping[int, int],
    outputs: Mapping[int, Mapping[Value, int]],
) -> None:
    for target in sorted(graph):
        reader = graph.nodes[target]
        for source, _, key, edge in sorted(graph.in_edges(target, keys=True, data=True), key=itemgetter(2)):
            start, end = places.get(source, source), places.get(target, target)
            if start == end:
                continue
            output = outputs[start][source, edge["output"]] if source in places else edge["output"]
            lifted = {**edge, "output": output}
            if target not in places:
                folded.add_edge(start, end, key, **lifted)
            else:
                argument = _inside(reader["module"], folded.nodes[end]["module"], edge["argument"])
                _enter(folded, start, end, {"count": 1, **lifted, "argument": argument})


def _inside(reader: str | None, module: str | None, argument: str) -> str:
    """The argument as seen from the folded node: "0.conv1.input" where "layer1.0.conv1" reads inside "layer1"."""
    if reader == module or reader is None:
        return argument
    return f"{reader.removeprefix(f'{module}.')}.{argument}"


def _enter(folded: nx.MultiDiGraph, source: int, target: int, edge: Attributes) -> None:
    """Adds the edge into a folded node, or counts it where the same value enters already."""
    for known in (folded.get_edge_data(source, target) or {}).values():
        if known["output"] == edge["output"]:
            known["count"] += edge["count"]
            if edge["kind"] == "data":
                known["kind"] = "data"
            return
    folded.add_edge(source, target, folded.in_degree(target), **edge)

"""Collapsing: whole module calls, and composite and custom functions, become one node each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import networkx as nx

from graphviz_nn.errors import OptionError, SelectorError, did_you_mean
from graphviz_nn.graph.fold import Attributes, Segment, fold, outer_parent
from graphviz_nn.graph.schema import MODULE
from graphviz_nn.model.nodes import SOURCE_KINDS


@dataclass(frozen=True, slots=True)
class _ModuleGroup:
    """A module call, by its index."""

    call: int


@dataclass(frozen=True, slots=True)
class _FunctionGroup:
    """A composite or custom function, by the id of its node."""

    node: int


def collapse(
    graph: nx.MultiDiGraph,
    *,
    depth: int | None = None,
    modules: str | Iterable[str] | None = None,
    composites: bool = False,
) -> nx.MultiDiGraph:
    """Returns a copy of the graph in which some module calls are one node of kind "module" each.

    Every *call* is a node of its own, so a module that is called twice gives two, and the result has no cycle. A call
    inside a collapsed one disappears in it. A parameter, buffer or constant goes inside where only calls in there
    read it in the forward pass; the program's inputs stay. A module that made no call of its own is not shown.

    A collapsed call has the id of its last call inside, the module's path as its name (with `_2`, … for later calls,
    as everywhere), its class as `op`, its settings as `attributes`, its `members`, its number of `parameters`, and as
    `outputs` the values that leave it. Its `flops` are the sum over its members, where the graph has them.
    A call that was interrupted (a generator, another thread), such that its values are read outside before it is
    done, becomes several, named "path (1 of 2)".

    Args:
        graph: from `build_graph`, or from a collapse of it.
        depth: collapse the calls that stand inside this many others: 0 collapses the roots, 1 their children.
        modules: also collapse the modules with these paths; glob patterns such as "layer*.0" are allowed.
        composites: also collapse composite and custom functions. They keep their kind, id and name.

    Raises:
        OptionError: a negative depth, or a rolled graph, which has no calls any more.
        SelectorError: a pattern that matches no called module.
    """
    if depth is not None and depth < 0:
        raise OptionError(f"depth={depth} is below zero: 0 collapses each root module into one node.")
    if graph.graph["view"] == "rolled":
        raise OptionError("A rolled graph cannot be collapsed: collapse first, then roll.")
    calls = graph.graph["module_calls"]
    groups = _group_calls(graph, _outermost(calls, depth, _matching(calls, modules)), composites)
    groups |= _group_sources(graph, groups)
    return fold(graph, groups, _Describer(graph, groups).describe)


def _matching(calls: list[dict[str, Any]], modules: str | Iterable[str] | None) -> set[str]:
    """Paths of the called modules that match."""
    patterns = [modules] if isinstance(modules, str) else list(modules or ())
    paths = dict.fromkeys(call["path"] for call in calls)
    found: set[str] = set()
    for pattern in patterns:
        matched = [path for path in paths if fnmatchcase(path, pattern)]
        if not matched:
            raise SelectorError(f"No called module matches {pattern!r}.{did_you_mean(pattern, paths)}")
        found.update(matched)
    return found


def _outermost(calls: list[dict[str, Any]], depth: int | None, paths: set[str]) -> list[int | None]:
    """For each module call the outermost collapsed call that it stands in, itself included."""
    outermost: list[int | None] = []
    depths: list[int] = []
    for index, call in enumerate(calls):
        parent = call["parent"]
        depths.append(0 if parent is None else depths[parent] + 1)
        around = None if parent is None else outermost[parent]
        chosen = depths[index] == depth or call["path"] in paths
        outermost.append(around if around is not None else index if chosen else None)
    return outermost


def _group_calls(graph: nx.MultiDiGraph, outermost: list[int | None], composites: bool) -> dict[int, Any]:
    """The group of each call; what is one node already stays as it is."""
    nodes = graph.nodes
    groups: dict[int, Any] = {}
    for node in sorted(nodes):
        if nodes[node]["kind"] in SOURCE_KINDS:
            continue
        function = _outermost_function(graph, node) if composites else None
        around = nodes[node if function is None else function]["module_call"]
        call = None if around is None else outermost[around]
        if call is not None:
            groups[node] = _ModuleGroup(call)
        elif function is not None:
            groups[node] = _FunctionGroup(function)
    return _without_folded(graph, groups)


def _outermost_function(graph: nx.MultiDiGraph, node: int) -> int | None:
    nodes = graph.nodes
    found = node if nodes[node]["kind"] in ("composite", "custom") else None
    parent = nodes[node]["parent"]
    while parent is not None:
        found, parent = parent, nodes[parent]["parent"]
    return found


def _without_folded(graph: nx.MultiDiGraph, groups: dict[int, Any]) -> dict[int, Any]:
    sizes: dict[Any, int] = {}
    for group in groups.values():
        sizes[group] = sizes.get(group, 0) + 1

    def is_done(node: int, group: Any) -> bool:
        if sizes[group] > 1:
            return False
        if isinstance(group, _FunctionGroup):
            return True
        return bool(graph.nodes[node]["kind"] == MODULE and graph.nodes[node]["module_call"] == group.call)

    return {node: group for node, group in groups.items() if not is_done(node, group)}


def _group_sources(graph: nx.MultiDiGraph, groups: Mapping[int, Any]) -> dict[int, Any]:
    """Parameters, buffers and constants whose readers in the forward pass are all in one group go inside it."""
    last: dict[Any, int] = {}
    for node, group in groups.items():
        last[group] = max(node, last.get(group, node))
    found = {}
    for node, attributes in graph.nodes(data=True):
        if attributes["kind"] not in SOURCE_KINDS or attributes["kind"] == "input":
            continue
        readers = sorted(graph.successors(node))
        group = groups.get(readers[0]) if readers else None
        if group is not None and all(
            groups.get(reader) == group or (graph.nodes[reader]["phase"] != "forward" and reader > last[group])
            for reader in readers
        ):
            found[node] = group
    return found


class _Describer:
    """Gives the attributes of collapsed nodes."""

    def __init__(self, graph: nx.MultiDiGraph, groups: Mapping[int, Any]) -> None:
        self._graph = graph
        self._groups = groups
        self._taken = {name for node, name in graph.nodes(data="name") if node not in groups}

    def describe(self, segment: Segment, members: list[int]) -> Attributes:
        """The attributes of a group, but for its outputs."""
        nodes = self._graph.nodes
        group = segment.group
        described = self._module(group, members) if isinstance(group, _ModuleGroup) else dict(nodes[group.node])
        name = described["name"]
        described["name"] = self._unique(
            name if segment.parts == 1 else f"{name} ({segment.number} of {segment.parts})"
        )
        described["source"] = next((nodes[n]["source"] for n in members if nodes[n]["source"] is not None), None)
        described["parent"] = outer_parent(self._graph, members[-1], self._groups)
        described["members"] = tuple(sorted(i for n in members for i in nodes[n].get("members", (n,))))
        counted = [nodes[n]["flops"] for n in members if "flops" in nodes[n]]
        return {**described, "flops": sum(counted)} if counted else described

    def _module(self, group: _ModuleGroup, members: list[int]) -> Attributes:
        call = self._graph.graph["module_calls"][group.call]
        module = self._graph.graph["modules"][call["path"]]
        return {
            "kind": MODULE,
            "op": module["type"],
            "name": call["path"] or module["type"],
            "module": call["path"],
            "call": call["call"],
            "module_call": group.call,
            "phase": self._phase(call, members),
            "attributes": dict(module["attributes"]),
            "parameters": module["parameter_count"],
        }

    def _phase(self, call: Attributes, members: list[int]) -> str:
        """That of the calls inside, if they agree; bookkeeping has no say."""
        inside = {self._graph.nodes[n]["phase"] for n in members if self._graph.nodes[n]["kind"] not in SOURCE_KINDS}
        inside.discard("infra")
        return str(inside.pop() if len(inside) == 1 else call["phase"])

    def _unique(self, name: str) -> str:
        candidate, count = name, 1
        while candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        self._taken.add(candidate)
        return candidate

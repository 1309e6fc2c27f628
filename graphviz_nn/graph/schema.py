"""What the attributes of a graph mean, in one table; and a check that a graph keeps to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import networkx as nx

from graphviz_nn.errors import UsageError
from graphviz_nn.model.nodes import KINDS, PHASES, ROLES

MODULE: Final = "module"
"""Kind of a node that stands for a whole module call."""
LOOP: Final = "loop"
"""Kind of an edge of a rolled graph that carries a value from one call of a module to a later one."""

NODE_KINDS: Final = (*KINDS, MODULE)
EDGE_KINDS: Final = ("data", "alias", LOOP)
VIEWS: Final = ("recorded", "collapsed", "rolled")
_SHOWN_VIOLATIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a graph, its nodes, their outputs, or its edges.

    `only` says where the attribute is found if not everywhere; `choices` are the values it may take, if few.
    """

    owner: str
    name: str
    types: tuple[type, ...]
    meaning: str
    only: str = ""
    choices: tuple[str, ...] = ()

    def accepts(self, value: Any) -> bool:
        """Whether the value has one of the types (a bool is no int) and is one of the choices."""
        if isinstance(value, bool) and bool not in self.types:
            return False
        return isinstance(value, self.types) and (not self.choices or value in self.choices)


_NONE: Final = type(None)

ATTRIBUTES: Final = (
    Attribute("graph", "view", (str,), "what was done to the graph since it was recorded", choices=VIEWS),
    Attribute("graph", "digest", (str,), "digest of the structure that the graph was built from"),
    Attribute("graph", "modules", (dict,), "by path: `type parameters parameter_count training attributes`"),
    Attribute(
        "graph", "module_calls", (list,), "in order of entry: `path`, `call`, `parent` (index), `phase`, `training`"
    ),
    Attribute(
        "graph",
        "parameters",
        (list,),
        "every parameter of the program: `names shape dtype requires_grad`; empty in runs of format 1",
    ),
    Attribute("node", "kind", (str,), "what sort of call or source it is", choices=NODE_KINDS),
    Attribute("node", "op", (str,), "operator (`conv2d`); of a source its kind; of a module its class"),
    Attribute("node", "name", (str,), "readable and unique in the graph"),
    Attribute("node", "module", (str, _NONE), 'dotted path of the module that was being called; `""` the root'),
    Attribute("node", "call", (int,), "how many times that module had been called, from 1; 0 outside any"),
    Attribute("node", "module_call", (int, _NONE), "index into the graph's `module_calls`"),
    Attribute("node", "source", (tuple, _NONE), "file, line and function of the user's program"),
    Attribute("node", "phase", (str,), "part of the step", choices=PHASES),
    Attribute("node", "parent", (int, _NONE), "id of the composite or custom node that it stands inside"),
    Attribute("node", "attributes", (dict,), "the arguments that are not tensors; of a module its settings"),
    Attribute("node", "outputs", (list,), "one dict a value, see below; of a folded node the values that leave it"),
    Attribute("node", "names", (tuple,), "every dotted name, several when tied", "parameters and buffers"),
    Attribute("node", "aten", (tuple,), "ATen operators that ran inside the call, in order", "runs with `aten=True`"),
    Attribute("node", "aten_backward", (tuple,), "those of its part of the backward passes", "runs with `aten=True`"),
    Attribute(
        "node",
        "saved",
        (list,),
        "what autograd saved of the call for the backward pass: `name shape dtype bytes` of each tensor",
        "runs with `saved=True`, calls",
    ),
    Attribute("node", "flops", (int,), "floating-point operations; a multiply-add counts 2", "after `annotate`"),
    Attribute("node", "members", (tuple,), "ids of the recorded nodes that it stands for", "folded and rolled nodes"),
    Attribute("node", "parameters", (int,), "elements of the module's parameters, tied ones once", "kind `module`"),
    Attribute("node", "calls", (int,), "how many recorded calls it stands for", "rolled graphs"),
    Attribute("output", "shape", (tuple,), "sizes of the dimensions; -1 where the parts of a nested tensor differ"),
    Attribute("output", "dtype", (str,), "name without `torch.`"),
    Attribute("output", "device", (str,), "where the tensor is: `cpu`, `cuda:0`"),
    Attribute("output", "requires_grad", (bool,), "whether a gradient can flow to it"),
    Attribute("output", "bytes", (int,), "elements × element size, also where memory is shared"),
    Attribute("output", "role", (str,), "what it is to the program", choices=ROLES),
    Attribute("output", "value", (tuple,), "node and index of the recorded value", "folded nodes"),
    Attribute("edge", "output", (int,), "place of the value among the outputs of the node that it comes from"),
    Attribute(
        "edge",
        "argument",
        (str,),
        "which argument it fills; of a folded node that of the module inside: `0.conv1.input`",
    ),
    Attribute(
        "edge", "kind", (str,), "`alias`: reads what another view wrote; `loop`: to a later call", "", EDGE_KINDS
    ),
    Attribute("edge", "count", (int,), "how many recorded edges it stands for", "folded and rolled graphs"),
)
"""Every attribute. The keys of nodes are ids (int); the key of an edge is its place among its reader's inputs."""

_REQUIRED: Final = {
    owner: tuple(a for a in ATTRIBUTES if a.owner == owner and not a.only)
    for owner in ("graph", "node", "output", "edge")
}
_OPTIONAL: Final = {
    owner: tuple(a for a in ATTRIBUTES if a.owner == owner and a.only) for owner in ("graph", "node", "output", "edge")
}


def markdown_table() -> str:
    """Returns the attributes as a Markdown table, for the documentation."""
    rows = ["| of | attribute | type | meaning |", "|---|---|---|---|"]
    for attribute in ATTRIBUTES:
        meaning = attribute.meaning + _choices(attribute) + (f" ({attribute.only} only)" if attribute.only else "")
        rows.append(f"| {attribute.owner} | `{attribute.name}` | {_type_names(attribute)} | {meaning} |")
    return "\n".join(rows)


def _type_names(attribute: Attribute) -> str:
    return " or ".join("None" if t is _NONE else t.__name__ for t in attribute.types)


def _choices(attribute: Attribute) -> str:
    if not attribute.choices:
        return ""
    return ": " + ", ".join(f"`{choice}`" if choice else '`""`' for choice in attribute.choices)


def validate(graph: nx.MultiDiGraph) -> None:
    """Checks that the graph keeps to the table and that its parts fit together.

    Raises:
        UsageError: it does not; the message lists the first ten violations and says how many more there are.
    """
    found = list(_violations(graph))
    if not found:
        return
    shown = "\n".join(f"  - {line}" for line in found[:_SHOWN_VIOLATIONS])
    more = f"\n  and {len(found) - _SHOWN_VIOLATIONS} more" if len(found) > _SHOWN_VIOLATIONS else ""
    raise UsageError(
        "This graph does not keep to graphviz_nn.graph.schema (start from build_graph, and change copies):\n"
        + shown
        + more
    )


def _violations(graph: nx.MultiDiGraph) -> Iterator[str]:
    if not (graph.is_directed() and graph.is_multigraph()):
        yield "the graph is not a networkx.MultiDiGraph"
        return
    yield from _check_attributes("graph", "the graph", graph.graph)
    broken = list(_check_nodes(graph))
    yield from broken
    if not broken:
        yield from _check_names(graph)
        yield from _check_places(graph)
        yield from _check_edges(graph)
    yield from _check_order(graph)


def _check_nodes(graph: nx.MultiDiGraph) -> Iterator[str]:
    for key, node in graph.nodes(data=True):
        if not isinstance(key, int):
            yield f"node {key!r}: its key is not an int"
            continue
        yield from _check_attributes("node", f"node {key}", node)
        outputs = node.get("outputs")
        for index, output in enumerate(outputs if isinstance(outputs, list) else ()):
            yield from _check_attributes("output", f"output {index} of node {key}", output)


def _check_attributes(owner: str, what: str, attributes: Any) -> Iterator[str]:
    if not isinstance(attributes, Mapping):
        yield f"{what} is not a dict"
        return
    for attribute in _REQUIRED[owner]:
        if attribute.name not in attributes:
            yield f"{what} has no {attribute.name!r}"
        elif not attribute.accepts(attributes[attribute.name]):
            yield _wrong(what, attribute, attributes[attribute.name])
    for attribute in _OPTIONAL[owner]:
        if attribute.name in attributes and not attribute.accepts(attributes[attribute.name]):
            yield _wrong(what, attribute, attributes[attribute.name])


def _wrong(what: str, attribute: Attribute, value: Any) -> str:
    if attribute.choices and isinstance(value, str):
        return f"{what} has {attribute.name}={value!r}, which is none of {', '.join(map(repr, attribute.choices))}"
    return f"{what} has {attribute.name}={value!r}, which is not of type {_type_names(attribute)}"


def _check_names(graph: nx.MultiDiGraph) -> Iterator[str]:
    first: dict[str, int] = {}
    for key, name in graph.nodes(data="name"):
        if name in first:
            yield f"nodes {first[name]} and {key} are both named {name!r}"
        first.setdefault(name, key)


def _check_places(graph: nx.MultiDiGraph) -> Iterator[str]:
    """Parents and module calls must exist; a parent completes after what it contains.

    A rolled node has the id of the first of its calls, which may have run later than the first of its parent's.
    """
    calls = len(graph.graph.get("module_calls") or ())
    for key, node in graph.nodes(data=True):
        parent, module_call = node["parent"], node["module_call"]
        if parent is not None and parent not in graph:
            yield f"node {key} has parent {parent}, which is not in the graph"
        elif parent is not None and parent <= key and graph.graph.get("view") != "rolled":
            yield f"node {key} has parent {parent}, which completed before it"
        if module_call is not None and not 0 <= module_call < calls:
            yield f"node {key} has module_call={module_call}, but there are {calls} module calls"


def _check_edges(graph: nx.MultiDiGraph) -> Iterator[str]:
    for source, target, key, edge in graph.edges(keys=True, data=True):
        what = f"edge {source} → {target} ({key})"
        wrong = list(_check_attributes("edge", what, edge))
        yield from wrong
        if not wrong and not 0 <= edge["output"] < len(graph.nodes[source]["outputs"]):
            yield f"{what} has output={edge['output']}, but node {source} has {len(graph.nodes[source]['outputs'])}"


def _check_order(graph: nx.MultiDiGraph) -> Iterator[str]:
    """Without its loops the graph has no cycle."""
    plain = nx.DiGraph(_plain_edges(graph.edges(data="kind")))
    if not nx.is_directed_acyclic_graph(plain):
        cycle = nx.find_cycle(plain)
        yield f"the edges make a cycle: {' → '.join(str(edge[0]) for edge in cycle)} → {cycle[0][0]}"


def _plain_edges(edges: Iterable[tuple[int, int, str | None]]) -> Iterator[tuple[int, int]]:
    return ((source, target) for source, target, kind in edges if kind != LOOP)

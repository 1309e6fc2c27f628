"""The table of attributes is what the documentation shows, and `validate` finds what breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest

from graphviz_nn.errors import UsageError
from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.schema import ATTRIBUTES, markdown_table, validate
from tests.support import structures

DOCUMENT = Path(__file__).parents[3] / "docs" / "graph.md"


def test_the_document_holds_the_table():
    assert markdown_table() in DOCUMENT.read_text(encoding="utf-8")


def test_no_attribute_is_listed_twice():
    names = [(attribute.owner, attribute.name) for attribute in ATTRIBUTES]
    assert len(names) == len(set(names))


def set_node(node: int, **attributes: object) -> Callable[[nx.MultiDiGraph], None]:
    return lambda graph: graph.nodes[node].update(attributes)


def set_output(node: int, **attributes: object) -> Callable[[nx.MultiDiGraph], None]:
    return lambda graph: graph.nodes[node]["outputs"][0].update(attributes)


EDGE = {"output": 0, "argument": "x", "kind": "data"}

BROKEN = {
    "a cycle": (lambda g: g.add_edge(5, 3, 9, **EDGE), "the edges make a cycle: 3 → 4 → 5 → 3"),
    "an unknown kind": (set_node(3, kind="layer"), "node 3 has kind='layer', which is none of 'op'"),
    "an unknown phase": (set_node(3, phase="sideways"), "node 3 has phase='sideways'"),
    "a missing attribute": (lambda g: g.nodes[3].pop("op"), "node 3 has no 'op'"),
    "a wrong type": (set_node(3, call="once"), "node 3 has call='once', which is not of type int"),
    "a bool for an int": (set_node(3, call=True), "call=True, which is not of type int"),
    "an optional attribute of a wrong type": (set_node(3, flops=1.5), "node 3 has flops=1.5"),
    "an unknown role": (set_output(3, role="logits"), "output 0 of node 3 has role='logits'"),
    "an output that is no dict": (lambda g: g.nodes[3]["outputs"].append(1), "output 1 of node 3 is not a dict"),
    "a value that does not exist": (lambda g: g.add_edge(3, 5, 9, **{**EDGE, "output": 7}), "output=7"),
    "an edge without a kind": (lambda g: g.add_edge(3, 5, 9, output=0, argument="x"), "edge 3 → 5 (9) has no 'kind'"),
    "an edge to nowhere": (lambda g: g.add_edge(3, 999, 0, **EDGE), "node 999 has no 'kind'"),
    "two nodes of one name": (set_node(3, name="x"), "nodes 0 and 3 are both named 'x'"),
    "a parent that does not exist": (set_node(3, parent=999), "parent 999, which is not in the graph"),
    "a parent that is done too early": (set_node(3, parent=0), "parent 0, which completed before it"),
    "a module call that does not exist": (set_node(3, module_call=99), "module_call=99, but there are"),
    "an unknown view": (lambda g: g.graph.update(view="squinted"), "the graph has view='squinted'"),
    "a key that is no id": (lambda g: g.add_node("relu"), "node 'relu': its key is not an int"),
}  # fmt: skip


def chain() -> nx.MultiDiGraph:
    """An input, node 0, and 30 operators, each reading the one before."""
    builder = structures.StructureBuilder()
    value = builder.input("x", (2, 2))
    for _ in range(30):
        value = builder.op("relu", value)
    return build_graph(builder.build())


@pytest.mark.parametrize("what", BROKEN)
def test_a_violation_is_named(what: str):
    graph = chain()
    breaks, message = BROKEN[what]
    breaks(graph)
    with pytest.raises(UsageError, match=re.escape(message)):
        validate(graph)


def test_a_long_list_is_cut():
    graph = chain()
    for node in list(graph)[:25]:
        graph.nodes[node]["kind"] = "layer"
    with pytest.raises(UsageError, match="and 15 more"):
        validate(graph)


def test_another_sort_of_graph_is_refused():
    with pytest.raises(UsageError, match="not a networkx"):
        validate(nx.DiGraph())

"""Rolling the calls of a module into one."""

from __future__ import annotations

import networkx as nx
import pytest

from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.collapse import collapse
from graphviz_nn.graph.rolled import rolled
from graphviz_nn.graph.schema import validate
from tests.support import structures
from tests.support.structures import StructureBuilder


def recurrent(steps: int) -> nx.MultiDiGraph:
    """h = tanh(h @ w + x) in a cell called `steps` times; then a sum."""
    builder = StructureBuilder()
    with builder.module("", "Net"):
        x, h = builder.input("x", (2, 2)), builder.input("h", (2, 2))
        for _ in range(steps):
            with builder.module("cell", "Cell"):
                h = builder.op("matmul", h, builder.parameter("w", (2, 2)))
                h = builder.op("tanh", builder.op("add", h, x))
        builder.op("sum", h, shape=())
    return build_graph(builder.build())


def edges(graph: nx.MultiDiGraph) -> dict[tuple[str, str, str], int]:
    names = dict(graph.nodes(data="op"))
    return {(names[u], names[v], e["kind"]): e["count"] for u, v, e in graph.edges(data=True)}


def test_the_calls_of_a_cell_become_one_with_a_loop():
    graph = rolled(recurrent(7))
    validate(graph)
    assert {node["op"]: node["calls"] for _, node in graph.nodes(data=True)} == {
        "input": 1, "parameter": 1, "matmul": 7, "add": 7, "tanh": 7, "sum": 1,
    }  # fmt: skip
    assert edges(graph) == {
        ("input", "matmul", "data"): 1,
        ("parameter", "matmul", "data"): 7,
        ("input", "add", "data"): 7,
        ("matmul", "add", "data"): 7,
        ("add", "tanh", "data"): 7,
        ("tanh", "matmul", "loop"): 6,
        ("tanh", "sum", "data"): 1,
    }


def test_time_does_not_show():
    few, many = rolled(recurrent(3)), rolled(recurrent(30))
    assert edges(few).keys() == edges(many).keys()
    assert len(few) == len(many)


def test_a_collapsed_cell_is_one_node_with_a_loop_to_itself():
    graph = rolled(collapse(recurrent(7), depth=1))
    cells = [(node, attributes) for node, attributes in graph.nodes(data=True) if attributes["kind"] == "module"]
    assert [attributes["calls"] for _, attributes in cells] == [7]
    cell = cells[0][0]
    assert [(e["kind"], e["count"]) for e in graph.get_edge_data(cell, cell).values()] == [("loop", 6)]
    assert len(cells[0][1]["members"]) == 21


def test_a_call_that_did_something_else_shows_what_it_did():
    builder = StructureBuilder()
    x = builder.input("x", (2, 2))
    for step in range(3):
        with builder.module("cell", "Cell"):
            x = builder.op("relu", x)
            if step == 1:
                x = builder.op("dropout", x)
            x = builder.op("relu", x)
    graph = rolled(build_graph(builder.build()))
    assert [(node["op"], node["calls"]) for _, node in graph.nodes(data=True)] == [
        ("input", 1), ("relu", 3), ("relu", 3), ("dropout", 1),
    ]  # fmt: skip
    validate(graph)


def test_calls_outside_repeated_modules_stand_for_themselves():
    builder = StructureBuilder()
    x = builder.input("x", (2, 2))
    for _ in range(4):
        x = builder.op("relu", x)
    recorded = build_graph(builder.build())
    graph = rolled(recorded)
    assert list(graph.edges()) == list(recorded.edges())


@pytest.mark.parametrize("make", [structures.resnet, lambda: structures.lstm(steps=6), structures.functions])
def test_without_its_loops_it_has_no_cycle_and_every_edge_is_counted(make):
    recorded = build_graph(make())
    graph = rolled(recorded)
    validate(graph)
    plain = nx.DiGraph((u, v) for u, v, kind in graph.edges(data="kind") if kind != "loop")
    assert nx.is_directed_acyclic_graph(plain)
    assert sum(count for *_, count in graph.edges(data="count")) == recorded.number_of_edges()
    assert sorted(i for _, members in graph.nodes(data="members") for i in members) == sorted(recorded)

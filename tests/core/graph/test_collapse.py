"""Collapsing module calls and functions: what the nodes become, what their edges become, and that no cycle appears."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest

from graphviz_nn.errors import OptionError, SelectorError
from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.collapse import collapse
from graphviz_nn.graph.rolled import rolled
from graphviz_nn.graph.schema import validate
from graphviz_nn.model.structure import Structure
from tests.support import structures
from tests.support.structures import StructureBuilder

EXAMPLES = {
    "resnet": structures.resnet,
    "unet": structures.unet,
    "transformer": lambda: structures.transformer(layers=2),
    "lstm": lambda: structures.lstm(steps=5),
    "functions": structures.functions,
}


def two_blocks() -> Structure:
    """x → body(0: linear, 1: relu) → body again → add x → sum; the weight of body.0 is shared by the two calls."""
    builder = StructureBuilder()
    with builder.module("", "Net"):
        x = y = builder.input("x", (2, 4))
        for _ in range(2):
            with builder.module("body", "Block", width=4):
                y = builder.linear("0", y, 4)
                y = builder.layer("1", "ReLU", "relu", y)
        z = builder.op("add", y, x)
        builder.op("sum", z, shape=(), role="output")
    return builder.build()


def node_named(graph: nx.MultiDiGraph, name: str) -> dict[str, Any]:
    return next(node for _, node in graph.nodes(data=True) if node["name"] == name)


def edges(graph: nx.MultiDiGraph) -> list[tuple[str, str, str]]:
    names = dict(graph.nodes(data="name"))
    return sorted((names[u], names[v], e["argument"]) for u, v, e in graph.edges(data=True))


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_result_keeps_to_the_schema_and_to_the_order(name: str, depth: int):
    graph = collapse(build_graph(EXAMPLES[name]()), depth=depth, composites=True)
    validate(graph)
    assert all(source < target for source, target in graph.edges())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_recorded_node_is_shown_once(name: str):
    recorded = build_graph(EXAMPLES[name]())
    graph = collapse(recorded, depth=1, composites=True)
    shown = [i for node, attributes in graph.nodes(data=True) for i in attributes.get("members", (node,))]
    assert sorted(shown) == sorted(recorded)


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_nodes_are_connected_exactly_where_members_of_theirs_are(name: str):
    recorded = build_graph(EXAMPLES[name]())
    graph = collapse(recorded, depth=1)
    place = {i: node for node, attributes in graph.nodes(data=True) for i in attributes.get("members", (node,))}
    expected = {(place[u], place[v]) for u, v in recorded.edges() if place[u] != place[v]}
    assert set(graph.edges()) == expected


def test_each_call_is_a_node_with_the_attributes_of_its_module():
    graph = collapse(build_graph(two_blocks()), modules="body")
    first, second = node_named(graph, "body"), node_named(graph, "body_2")
    assert (first["kind"], first["op"], first["module"], first["attributes"]) == (
        "module",
        "Block",
        "body",
        {"width": 4},
    )
    assert (first["call"], second["call"]) == (1, 2)
    assert first["parameters"] == second["parameters"] == 4 * 4 + 4
    assert first["outputs"][0]["shape"] == (2, 4)


def test_shared_parameters_and_inputs_stay_and_edges_say_what_they_fill_inside():
    graph = collapse(build_graph(two_blocks()), modules="body")
    assert edges(graph) == [
        ("add", "sum", "input"),
        ("body", "body_2", "0.input"),
        ("body.0.bias", "body", "0.bias"),
        ("body.0.bias", "body_2", "0.bias"),
        ("body.0.weight", "body", "0.weight"),
        ("body.0.weight", "body_2", "0.weight"),
        ("body_2", "add", "input"),
        ("x", "add", "weight"),
        ("x", "body", "0.input"),
    ]


def test_a_parameter_of_one_call_goes_inside():
    builder = StructureBuilder()
    with builder.module("", "Net"):
        x = builder.input("x", (2, 3))
        builder.linear("head", x, 5)
    graph = collapse(build_graph(builder.build()), depth=1)
    assert [node["name"] for _, node in graph.nodes(data=True)] == ["x", "head"]
    assert node_named(graph, "head")["members"] == (1, 2, 3)


def test_a_parameter_that_the_optimizer_updates_goes_inside_and_leaves_again():
    builder = StructureBuilder()
    with builder.module("head", "Head"):
        weight = builder.parameter("weight", (3,))
        builder.op("exp", weight)
    builder.op("SGD", weight, phase="optimizer")
    graph = collapse(build_graph(builder.build()), depth=0)
    assert edges(graph) == [("head", "SGD", "input")]
    assert [output["value"] for output in node_named(graph, "head")["outputs"]] == [(0, 0)]


def test_outputs_are_the_values_that_leave():
    builder = StructureBuilder()
    with builder.module("block", "Block"):
        x = builder.input("x", (2, 2))
        inner = builder.op("relu", x)
        used = builder.op("exp", inner)
        builder.op("neg", inner)
        returned = builder.op("log", inner, role="output")
    builder.op("sum", used, shape=())
    graph = collapse(build_graph(builder.build()), depth=0)
    values = [output["value"] for output in node_named(graph, "block")["outputs"]]
    assert values == [tuple(used), tuple(returned)]
    assert graph.get_edge_data(returned.node, returned.node + 1)[0]["output"] == 0


def test_a_value_that_is_read_several_times_inside_enters_once():
    builder = StructureBuilder()
    x = builder.input("x", (2, 2))
    with builder.module("block", "Block"):
        builder.op("add", builder.op("relu", x), builder.op("mul", x, x))
    graph = collapse(build_graph(builder.build()), depth=0)
    assert [edge["count"] for *_, edge in graph.edges(data=True)] == [3]


def test_depth_counts_the_calls_around():
    recorded = build_graph(structures.transformer(layers=2))
    for depth in range(3):
        graph = collapse(recorded, depth=depth)
        calls = recorded.graph["module_calls"]

        def around(call: int, calls: list[dict[str, Any]] = calls) -> int:
            parent = calls[call]["parent"]
            return 0 if parent is None else 1 + around(parent)

        depths = {around(n["module_call"]) for _, n in graph.nodes(data=True) if n["kind"] == "module"}
        assert depths == {depth}


def test_collapsing_twice_is_collapsing_once():
    recorded = build_graph(structures.unet())
    fine, coarse = collapse(recorded, depth=2), collapse(recorded, depth=1)
    again = collapse(fine, depth=1)
    assert dict(again.nodes(data=True)) == dict(coarse.nodes(data=True))
    assert edges(again) == edges(coarse)


def test_functions_collapse_with_what_is_inside():
    recorded = build_graph(structures.functions())
    graph = collapse(recorded, composites=True)
    for node, attributes in recorded.nodes(data=True):
        if attributes["kind"] in ("composite", "custom") and attributes["parent"] is None:
            inside = [n for n, parent in recorded.nodes(data="parent") if parent == node]
            assert inside
            assert set(inside) <= set(graph.nodes[node]["members"])
            assert graph.nodes[node]["kind"] == attributes["kind"]
            assert graph.nodes[node]["outputs"]


def test_a_function_and_a_module_call_of_the_same_number_stay_apart():
    builder = StructureBuilder()
    x = builder.input("x", (2,))
    with builder.module("a", "A"):
        y = builder.op("relu", x)
    with builder.module("b", "B"):
        y = builder.op("exp", y)
    with builder.module("c", "C"):
        y = builder.op("neg", y)
    with builder.function("double", "custom", [y], (2,)) as results:
        results.append(builder.op("mul", y))
    for _ in range(4):
        with builder.module("d", "D"):
            y = builder.op("log", results[-1])
    graph = collapse(build_graph(builder.build()), depth=0, composites=True)
    assert [len(node.get("members", "x")) for _, node in graph.nodes(data=True)] == [1, 1, 1, 1, 2, 1, 1, 1, 1]


def test_a_call_that_was_interrupted_is_shown_in_parts():
    """Module `a` hands a value out and takes what was made of it back in before it is done, as a generator may."""
    structure = interrupted()
    graph = collapse(build_graph(structure), modules="a")
    assert [node["name"] for _, node in graph.nodes(data=True)] == ["x", "a (1 of 2)", "exp", "a (2 of 2)"]
    validate(graph)


def interrupted() -> Structure:
    builder = StructureBuilder()
    x = builder.input("x", (2,))
    with builder.module("a", "A"):
        inner = builder.op("relu", x)
    outer = builder.op("exp", inner)
    with builder.module("a", "A"):
        builder.op("neg", outer)
    structure = builder.build()
    *rest, last = structure.nodes
    as_first = {name: getattr(last, name) for name in last.__struct_fields__}
    last = type(last)(**{**as_first, "call": 1, "module_call": 0})
    return Structure((*rest, last), structure.modules, structure.module_calls)


def test_flops_add_up():
    recorded = build_graph(two_blocks())
    for node, op in recorded.nodes(data="op"):
        if op == "linear":
            recorded.nodes[node]["flops"] = 64
    assert node_named(collapse(recorded, depth=0), "Net")["flops"] == 128
    assert "flops" not in node_named(collapse(build_graph(two_blocks()), depth=0), "Net")


def test_the_recorded_graph_is_left_alone():
    recorded = build_graph(two_blocks())
    before = nx.node_link_data(recorded, edges="edges")
    collapse(recorded, depth=0)
    assert nx.node_link_data(recorded, edges="edges") == before


def test_a_pattern_that_matches_nothing_names_the_nearest():
    with pytest.raises(SelectorError, match=r"No called module matches 'boddy'. Did you mean 'body'\?"):
        collapse(build_graph(two_blocks()), modules="boddy")


def test_bad_requests_are_refused():
    graph = build_graph(two_blocks())
    with pytest.raises(OptionError, match="below zero"):
        collapse(graph, depth=-1)
    with pytest.raises(OptionError, match="collapse first"):
        collapse(rolled(graph), depth=1)

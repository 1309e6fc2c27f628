"""The networkx graph says what the structure says."""

from __future__ import annotations

import networkx as nx
import pytest

from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.schema import ATTRIBUTES, validate
from graphviz_nn.model.structure import Structure
from tests.support import structures

STRUCTURES = {
    "resnet": structures.resnet,
    "unet": structures.unet,
    "transformer": lambda: structures.transformer(layers=2),
    "lstm": lambda: structures.lstm(steps=5),
    "broken": structures.broken,
    "functions": structures.functions,
}


@pytest.fixture(params=STRUCTURES, scope="module")
def structure(request: pytest.FixtureRequest) -> Structure:
    return STRUCTURES[request.param]()


def test_nodes_are_the_calls_by_id(structure: Structure):
    graph = build_graph(structure)
    assert list(graph) == [node.id for node in structure.nodes]
    for node in structure.nodes:
        attributes = graph.nodes[node.id]
        assert [attributes[name] for name in ("kind", "op", "name", "module", "call", "module_call")] == [
            node.kind, node.op, node.name, node.module, node.call, node.module_call,
        ]  # fmt: skip
        assert (attributes["phase"], attributes["parent"]) == (node.phase, node.parent)
        assert attributes["attributes"] == node.attributes
        assert [(o["shape"], o["dtype"], o["role"], o["bytes"]) for o in attributes["outputs"]] == [
            (o.shape, o.dtype, o.role, o.bytes) for o in node.outputs
        ]


def test_edges_are_the_inputs_in_order(structure: Structure):
    graph = build_graph(structure)
    for node in structure.nodes:
        edges = sorted(graph.in_edges(node.id, keys=True, data=True), key=lambda edge: edge[2])
        assert [(source, key, e["output"], e["argument"], e["kind"]) for source, _, key, e in edges] == [
            (given.node, place, given.output, given.argument, given.kind) for place, given in enumerate(node.inputs)
        ]


def test_it_keeps_to_the_schema_and_has_no_cycle(structure: Structure):
    graph = build_graph(structure)
    validate(graph)
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.graph["digest"] == structure.digest


def test_a_value_that_fills_two_arguments_is_two_edges():
    builder = structures.StructureBuilder()
    x = builder.input("x", (2, 2))
    builder.op("mul", x, x)
    graph = build_graph(builder.build())
    assert graph.number_of_edges(0, 1) == 2


def test_only_parameters_and_buffers_have_names():
    graph = build_graph(structures.resnet())
    named = {graph.nodes[node]["kind"] for node in graph if "names" in graph.nodes[node]}
    assert named == {"parameter", "buffer"}
    assert all(node["names"] == (node["name"],) for _, node in graph.nodes(data=True) if node["kind"] == "parameter")


def test_modules_know_their_parameters():
    builder = structures.StructureBuilder()
    with builder.module("", "Net"):
        x = builder.input("x", (2, 3))
        with builder.module("body", "Sequential"):
            x = builder.linear("0", x, 5)
        builder.linear("head", x, 2)
    modules = build_graph(builder.build()).graph["modules"]
    counts = {path: module["parameter_count"] for path, module in modules.items()}
    assert counts == {"": 20 + 12, "body": 20, "body.0": 20, "head": 12}


def test_changing_the_graph_leaves_the_structure_alone():
    builder = structures.StructureBuilder()
    x = builder.input("x", (2, 2))
    builder.op("sum", x, shape=(), dim=[0, 1])
    structure = builder.build()
    before = structure.encode()
    graph = build_graph(structure)
    graph.nodes[1]["attributes"]["dim"].append(7)
    graph.nodes[1]["outputs"][0]["role"] = "loss"
    assert structure.encode() == before


def test_every_attribute_of_a_recorded_graph_is_in_the_table(structure: Structure):
    graph = build_graph(structure)
    known = {owner: {a.name for a in ATTRIBUTES if a.owner == owner} for owner in ("graph", "node", "output", "edge")}
    assert graph.graph.keys() <= known["graph"]
    assert all(node.keys() <= known["node"] for _, node in graph.nodes(data=True))
    assert all(output.keys() <= known["output"] for _, outputs in graph.nodes(data="outputs") for output in outputs)
    assert all(edge.keys() <= known["edge"] for *_, edge in graph.edges(data=True))

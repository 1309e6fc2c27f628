"""Operations, parameters and bytes, by node and by module."""

from __future__ import annotations

from math import prod

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import graphviz_nn as gnn
from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.collapse import collapse
from graphviz_nn.graph.cost import annotate, costs
from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin.manager import plugins
from tests.support import structures
from tests.support.structures import StructureBuilder


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4, stride=2))
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.head = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.up(self.body(x)).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.layers = nn.ModuleList([nn.Linear(16, 32), nn.Linear(32, 16)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(x, x, x)[0]
        for layer in self.layers:
            x = layer(x).relu()
        return x @ x.transpose(1, 2)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 6)
        self.block = nn.Linear(6, 6)
        self.head = nn.Linear(6, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.block(self.block(self.embed(tokens))))


MODELS = {
    "convolutions": (Convolutions, lambda: torch.randn(2, 3, 8, 8)),
    "attention": (Attention, lambda: torch.randn(2, 5, 16)),
    "shared": (Shared, lambda: torch.arange(6).reshape(2, 3)),
}


@pytest.mark.parametrize("name", MODELS)
def test_operations_are_those_of_the_flop_counter(name: str):
    make, inputs = MODELS[name]
    model, x = make(), inputs()
    with FlopCounterMode(display=False) as counter:
        model(x)
    structure = gnn.trace(model, x, keep="none").structure()
    counted = costs(structure, plugins().layer_types)
    assert counted.flops == counter.get_total_flops() > 0
    seen = {path: sum(flops.values()) for path, flops in counter.get_flop_counts().items()}
    root = type(model).__name__
    for path in {call.path for call in structure.module_calls}:
        assert counted.module_flops[path] == seen.get(f"{root}.{path}" if path else root, 0), path


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_those_of_the_model(name: str):
    make, inputs = MODELS[name]
    model = make()
    structure = gnn.trace(model, inputs(), keep="none").structure()
    counted = costs(structure, plugins().layer_types)
    assert counted.parameters == sum(p.numel() for p in model.parameters())
    for path, module in model.named_modules():
        assert counted.module_parameters[path] == sum(p.numel() for p in module.parameters()), path
        assert counted.own_parameters[path] == sum(p.numel() for p in module.parameters(recurse=False)), path
        assert counted.module_parameter_bytes[path] == 4 * counted.module_parameters[path]


def test_a_container_counts_what_it_holds():
    structure = gnn.trace(Attention(), torch.randn(2, 5, 16), keep="none").structure()
    flops = costs(structure, plugins().layer_types).module_flops
    assert flops["layers"] == flops["layers.0"] + flops["layers.1"] > 0


def test_the_backward_pass_and_recomputation_are_not_forward():
    model, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh()), torch.randn(2, 3)
    alone = costs(gnn.trace(model, x, keep="none").structure(), plugins().layer_types).flops

    def step() -> None:
        out = torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False)
        out.sum().backward()

    structure = gnn.trace(step, keep="none").structure()
    counted = costs(structure, plugins().layer_types)
    assert counted.flops == alone
    assert sum(counted.node_flops.values()) == 2 * alone


def test_collapsing_adds_up():
    structure = gnn.trace(Convolutions(), torch.randn(2, 3, 8, 8), keep="none").structure()
    counted = costs(structure, plugins().layer_types)
    graph = build_graph(structure)
    annotate(graph, counted)
    shown = {node["name"]: node.get("flops") for _, node in collapse(graph, depth=1).nodes(data=True)}
    assert {path: shown[path] for path in ("body", "up", "head")} == {
        path: counted.module_flops[path] for path in ("body", "up", "head")
    }


def test_bytes_are_those_of_the_values_made():
    builder = StructureBuilder()
    with builder.module("net", "Net"):
        x = builder.input("x", (2, 3))
        with builder.module("inner", "Inner"):
            x = builder.op("relu", x)
        builder.op("sum", x, shape=())
    found = costs(builder.build(), plugins().layer_types).module_bytes
    assert found == {"net": 4 * 6 + 4, "net.inner": 4 * 6}


class OneLayerType:
    """Covers every call with one layer type."""

    def __init__(self, flops) -> None:
        self._type = LayerType("counted", Category.OTHER, flops=flops)

    def for_node(self, node: Node, structure: Structure) -> LayerType:
        del node, structure
        return self._type


def test_a_layer_type_sees_the_arguments_and_the_module():
    seen: list[LayerCall] = []
    structure = structures.resnet()
    costs(structure, OneLayerType(lambda call: seen.append(call) or prod(call.outputs[0].shape)))
    call = next(call for call in seen if call.node.op == "conv2d")
    assert call.module is not None
    assert call.module.type == "Conv2d"
    assert len(call.arguments["weight"].shape) == 4


def test_a_call_with_an_inside_counts_its_inside():
    structure = structures.functions()
    parents = {node.parent for node in structure.nodes if node.parent is not None}
    assert parents
    assert not parents & costs(structure, OneLayerType(lambda call: 1)).node_flops.keys()


def test_a_broken_layer_type_is_logged_once_and_counts_none(caplog):
    counted = costs(structures.resnet(), OneLayerType(lambda call: 1 // 0))
    assert counted.flops == 0
    assert [record.message for record in caplog.records] == [
        f"layer type 'counted' cannot count the operations of {caplog.records[0].args[1]!r}: "
        "integer division or modulo by zero"
    ]

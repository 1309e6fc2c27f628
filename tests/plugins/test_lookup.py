"""Which layer type covers what, and what happens where one misbehaves."""

from __future__ import annotations

import pytest

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.layer_types import LayerTypes
from graphviz_nn.plugin.manager import PluginManager


def kind(name: str, modules: tuple[str, ...] = (), functions: tuple[str, ...] = ()) -> LayerType:
    return LayerType(name, Category.OTHER, modules, functions)


def module(*bases: str) -> Module:
    return Module("layer", bases[0].rpartition(".")[2], bases, {}, (), training=True)


def node(op: str) -> Node:
    return Node(0, "op", op, op, None, 0, None, None, "forward", None, "", None, {}, (), ())


def name_of(found: LayerType | None) -> str | None:
    return found.name if found is not None else None


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("relu", "plain"),
        ("relu_", "plain"),
        ("_relu", "plain"),
        ("normal_", "in place"),
        ("normal", None),
        ("relu__", "plain"),
        ("relux", None),
        ("", None),
    ],
)
def test_by_operator(op: str, expected: str | None) -> None:
    types = LayerTypes([kind("plain", functions=("relu",)), kind("in place", functions=("normal_",))])
    found = types.for_node(node(op), Structure((), (), ()))
    assert name_of(found) == expected
    assert types.for_op(op) is found


def test_the_nearest_base_counts() -> None:
    types = LayerTypes([kind("child", ("lib.Child",)), kind("base", ("lib.Base",))])
    assert name_of(types.for_module(module("own.Grandchild", "lib.Child", "lib.Base"))) == "child"
    assert name_of(types.for_module(module("lib.Base"))) == "base"
    assert types.for_module(module("own.Other")) is None


def test_a_name_comes_before_a_pattern_and_a_later_pattern_before_an_earlier_one() -> None:
    types = LayerTypes([kind("exact", ("lib.OwnNorm",)), kind("any", ("*Norm",)), kind("lib", ("lib.*",))])
    assert name_of(types.for_module(module("lib.OwnNorm"))) == "exact"
    assert name_of(types.for_module(module("lib.OtherNorm"))) == "lib"
    assert name_of(types.for_module(module("app.OtherNorm"))) == "any"
    assert types.for_module(module("app.Normal")) is None


def test_a_pattern_of_the_class_comes_before_a_name_of_its_base() -> None:
    types = LayerTypes([kind("base", ("torch.Linear",)), kind("own", ("app.*",))])
    assert name_of(types.for_module(module("app.MyLinear", "torch.Linear"))) == "own"


def test_answers_are_remembered() -> None:
    types = LayerTypes([kind("plain", functions=("relu",))])
    assert types.for_op("unknown") is None
    assert types.for_op("unknown") is None
    assert types.for_op("relu") is types.for_op("relu")
    assert len(types) == len(list(types)) == 1


class Misbehaving:
    """Its label raises, and its FLOPs are a fraction."""

    @hookimpl
    def register_layer_types(self) -> list[LayerType]:
        def label(of: LayerCall | Module) -> str | None:
            return str(of.attributes["missing"])

        def flops(call: LayerCall) -> int:
            return 0.5  # type: ignore[return-value]  # what a careless plugin does

        return [LayerType("Careless", Category.OTHER, functions=("swirl",), label=label, flops=flops)]


def test_a_label_that_raises_is_no_label(caplog: pytest.LogCaptureFixture) -> None:
    manager = PluginManager()
    manager.register(Misbehaving(), "careless")
    found = manager.layer_types.for_op("swirl")
    assert found is not None
    assert found.flops is not None
    call = LayerCall(node("swirl"), None, {})
    for _ in range(3):
        assert found.label(call) is None
        assert found.flops(call) == 0
    assert [record.message for record in caplog.records] == [
        "label of layer type 'Careless' of plugin 'careless' raised KeyError: 'missing'; it is left out",
        "flops of layer type 'Careless' of plugin 'careless' returned float '0.5'; it is left out",
    ]

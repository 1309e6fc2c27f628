"""What calls and modules say of themselves, asked of a layer type once for those that are alike."""

from collections import Counter

import pytest

from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.plugin.layer_types import LayerTypes
from graphviz_nn.scene.compose import compose
from graphviz_nn.scene.scene import Scene, SceneBox
from tests.support.structures import StructureBuilder


class Asked:
    """A label that counts how often it is asked for, by what it is asked of."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, of: LayerCall | Module) -> str:
        self.counts["module" if isinstance(of, Module) else of.node.op] += 1
        return f"scaled by {of.attributes.get('scale')}"


def drawn(builder: StructureBuilder, label: Asked) -> Scene:
    kind = LayerType("Scale", Category.ACTIVATION, modules=("project.Scale",), functions=("scale",), label=label)
    return compose(builder.build(), PictureOptions(depth=None), layer_types=LayerTypes([kind]))


def boxes(scene: Scene) -> dict[str, SceneBox]:
    return {box.path: box for box in scene.boxes}


def start(builder: StructureBuilder) -> ValueRef:
    """A value that requires a gradient, as those of the calls to come."""
    return builder.op("relu", builder.input("x", (2, 4)))


def chain(builder: StructureBuilder, *scales: object) -> None:
    x = start(builder)
    for scale in scales:
        x = builder.op("scale", x, scale=scale)


def test_calls_that_differ_in_name_and_line_alone_share_one_answer() -> None:
    label, builder = Asked(), StructureBuilder()
    chain(builder, 2, 2, 2)
    found = boxes(drawn(builder, label))
    assert label.counts == {"scale": 1}
    assert {found[name].subtitle for name in ("scale", "scale_1", "scale_2")} == {"scaled by 2"}
    tooltips = [found[name].tooltip.splitlines() for name in ("scale", "scale_1")]
    assert tooltips == [
        ["scale", "scaled by 2", "scale: 2×4 → 2×4", "model.py:3 in forward"],
        ["scale_1", "scaled by 2", "scale: 2×4 → 2×4", "model.py:4 in forward"],
    ]


@pytest.mark.parametrize(
    ("one", "other"), [(2, 3), (1, True), (1, 1.0), ([1, 2], [2, 1]), ("1", 1), (2**80, 2**81), ("\ud800", "\ud801")]
)
def test_calls_of_different_attributes_are_asked_each(one: object, other: object) -> None:
    label, builder = Asked(), StructureBuilder()
    chain(builder, one, other)
    found = drawn(builder, label)
    assert label.counts == {"scale": 2}
    assert found.boxes[-1].tooltip.splitlines()[1].startswith("scaled by")


def test_calls_of_different_shapes_are_asked_each() -> None:
    label, builder = Asked(), StructureBuilder()
    x = builder.op("scale", start(builder), scale=2)
    builder.op("scale", builder.op("scale", x, scale=2, shape=(2, 8)), scale=2)
    shapes = [box.shape for box in drawn(builder, label).boxes]
    assert label.counts == {"scale": 3}
    assert shapes == ["2×4", "2×4", "2×4", "2×8", "2×8"]


def test_modules_of_one_class_and_equal_attributes_share_one_answer() -> None:
    label, builder = Asked(), StructureBuilder()
    x = builder.input("x", (2, 4))
    with builder.module("", "Net"):
        for name, scale in (("a", 2), ("b", 2), ("c", 3)):
            with builder.module(name, "Scale", scale=scale):
                x = builder.op("relu", x)
    found = boxes(drawn(builder, label))
    assert label.counts == {"module": 2}
    assert [found[name].subtitle for name in "abc"] == ["scaled by 2", "scaled by 2", "scaled by 3"]


def test_calls_in_modules_that_are_not_alike_are_asked_each() -> None:
    label, builder = Asked(), StructureBuilder()
    x = start(builder)
    with builder.module("", "Net"):
        for name, width in (("a", 2), ("b", 2), ("c", 3)):
            with builder.module(name, "Block", width=width):
                x = builder.op("relu", builder.op("scale", x, scale=2))
    drawn(builder, label)
    assert label.counts == {"scale": 2}


def test_each_picture_asks_anew() -> None:
    label, builder = Asked(), StructureBuilder()
    chain(builder, 2, 2)
    drawn(builder, label)
    drawn(builder, label)
    assert label.counts == {"scale": 2}

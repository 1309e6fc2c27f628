"""A scene's words, sizes and places."""

from itertools import combinations

import pytest

from graphviz_nn.layout.cache import LayoutCache
from graphviz_nn.layout.geometry import Rect
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene import metrics
from graphviz_nn.scene.compose import compose
from graphviz_nn.scene.overlay import overlay
from graphviz_nn.scene.scene import Scene, SceneBox
from graphviz_nn.scene.text import text_width
from tests.support.runs import with_gradients
from tests.support.structures import StructureBuilder, broken, functions, lstm, resnet, transformer, unet


def scene(structure: Structure, **options: object) -> Scene:
    return compose(structure, PictureOptions(**options))  # type: ignore[arg-type]


def box(found: Scene, path: str) -> SceneBox:
    return next(box for box in found.boxes if box.path == path)


def test_convolution_says_name_kind_shape_and_parameters() -> None:
    conv = box(scene(resnet(), depth=None), "layer1.0.conv1")
    assert (conv.title, conv.subtitle, conv.shape) == ("conv1", "Conv 3×3, 64", "8×64×56×56")
    assert conv.category is Category.CONVOLUTION
    assert conv.parameters is not None
    assert (conv.parameters.elements, conv.parameters.text, conv.parameters.trained) == (36864, "36.9k", True)
    lines = conv.tooltip.split("\n")
    assert lines[0] == "layer1.0.conv1"
    assert "layer1.0.conv1.weight: 64×64×3×3" in lines
    assert "conv2d: 8×64×56×56 → 8×64×56×56" in lines
    assert any(line.startswith("model.py:") for line in lines)


def test_names_are_shortened_by_their_container() -> None:
    found = scene(resnet(), depth=2)
    assert box(found, "layer2.0").title == "0"
    assert next(c for c in found.containers if c.path == "layer2").title == "layer2"
    assert found.title == "ResNet"
    assert next(c for c in found.containers if c.path == "").title == "ResNet"


def test_subtitle_adds_to_the_title_or_is_left_out() -> None:
    found = scene(transformer(1), depth=None)
    matmul, softmax = box(found, "h.0.attn.matmul"), box(found, "h.0.attn.softmax")
    assert (matmul.title, matmul.subtitle) == ("matmul", "")
    assert softmax.subtitle.lower() != "softmax"
    relu = box(scene(broken(), depth=1), "act")
    assert (relu.title, relu.subtitle) == ("act", "ReLU")


def test_calls_of_a_shared_module_are_counted() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    with b.module("", "Net"):
        y = b.linear("shared", x, 8)
        b.linear("shared", b.op("tanh", y), 8)
    found = scene(b.build())
    assert [box.subtitle for box in found.boxes if box.path == "shared"] == [
        "Linear 8 → 8 · call 1 of 2",
        "Linear 8 → 8 · call 2 of 2",
    ]


def test_folded_blocks_name_both_ends() -> None:
    block = box(scene(transformer(12)), "h.0")
    assert (block.title, block.repeat, block.looped, block.shape) == ("h.0 … h.11", 12, True, "1×128×768")
    assert "12 equal ones, each feeds the next" in block.tooltip
    cell = box(scene(lstm(50)), "cell")
    assert (cell.title, cell.repeat) == ("cell", 50)
    assert "call" not in cell.subtitle


def test_folded_operators_say_what_changes_from_one_to_the_next() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    for place in range(3):
        x = b.op("softmax", b.op("transpose", x, line=3, dim0=0, dim1=1), line=4, dim=place)
    found = scene(b.build())
    assert [(each.subtitle, each.repeat) for each in found.boxes[1:]] == [
        ("0, 1", 3),
        ("Softmax dim 0 … Softmax dim 2", 3),
    ]


def test_marks() -> None:
    assert box(scene(resnet()), "cross_entropy").marks == ("loss",)
    assert box(scene(resnet()), "cross_entropy").category is Category.LOSS
    assert box(scene(functions()), "relu").marks == ("output",)
    failed = box(scene(broken()), "fc2")
    assert failed.marks == ("error",)
    assert "mat1 and mat2 shapes" in failed.tooltip


def test_frozen_parameters_are_told_apart() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    b.op("linear", x, b.parameter("weight", (8, 8), requires_grad=False))
    found = scene(b.build())
    badge = box(found, "linear").parameters
    assert badge is not None
    assert not badge.trained
    assert found.legend.frozen_parameters


def test_wires_say_the_shape_where_it_changes() -> None:
    found = scene(resnet(), depth=1)
    keys = {box.key: box.path for box in found.boxes}
    labels = {keys[wire.source]: wire.label for wire in found.wires}
    assert labels["conv1"] == "8×64×112×112"
    assert labels["maxpool"] == "8×64×56×56"
    assert labels["bn1"] == labels["relu"] == labels["layer1"] == labels["x"] == ""


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("depth", [0, 1, 2, None])
@pytest.mark.parametrize("build", [resnet, unet, lambda: transformer(2), functions, lambda: lstm(6)])
def test_nothing_overlaps_and_everything_fits(build: object, depth: int | None, direction: str) -> None:
    found = scene(build(), depth=depth, direction=direction)  # type: ignore[operator]
    for one, other in combinations(found.boxes, 2):
        assert not _overlap(one.rect, other.rect), (one.path, other.path)
    for each in found.boxes:
        assert metrics.TEXT_LEFT + text_width(each.title, metrics.TITLE_SIZE, True) <= each.rect.width
        assert metrics.TEXT_LEFT + text_width(each.subtitle, metrics.SUBTITLE_SIZE) <= each.rect.width
        assert each.rect.x >= 0
        assert each.rect.right <= found.width
        assert each.rect.bottom <= found.height
    for wire in found.wires:
        if wire.label_at is not None:
            x, y = wire.label_at
            label = Rect(x, y - metrics.LABEL_SIZE, text_width(wire.label, metrics.LABEL_SIZE), metrics.LABEL_SIZE)
            assert not any(_overlap(label, each.rect) for each in found.boxes), wire.label


def _overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def test_heat_spans_the_scale_and_reaches_modules() -> None:
    structure = resnet()
    found = compose(structure, PictureOptions(color_by="gradient"), overlay(with_gradients(structure), 0, "gradient"))
    heats = [box.heat for box in found.boxes if box.heat is not None]
    assert len(heats) == len(found.boxes)
    assert {0.0, 1.0} <= {heat.fraction for heat in heats}
    scale = found.legend.scale
    assert scale is not None
    assert scale.logarithmic
    assert (scale.low, scale.high) == (min(h.value for h in heats), max(h.value for h in heats))
    for heat in heats:
        assert f"gradient, L2 norm: {heat.text}" in next(b for b in found.boxes if b.heat is heat).tooltip
    assert found.containers[0].heat is not None


def test_legend_lists_what_is_there() -> None:
    legend = scene(resnet(), depth=None).legend
    assert Category.CONVOLUTION in legend.categories
    assert Category.RECURRENT not in legend.categories
    assert legend.parameters
    assert legend.marks == ("loss",)
    assert legend.scale is None


def test_same_input_gives_the_same_scene_with_and_without_a_cache() -> None:
    structure = transformer(3)
    cache = LayoutCache()
    first = compose(structure, PictureOptions(depth=3), cache=cache)
    compose(structure, PictureOptions(depth=1), cache=cache)
    assert compose(structure, PictureOptions(depth=3), cache=cache) == first
    assert compose(structure, PictureOptions(depth=3)) == first


def test_empty_structure_is_an_empty_scene() -> None:
    found = scene(Structure((), (), ()))
    assert found.boxes == found.wires == found.containers == ()
    assert found.title == "computation graph"

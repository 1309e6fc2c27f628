"""What is shown, what stands in what, and how it is wired."""

import pytest

from graphviz_nn.errors import OptionError, SelectorError
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.compose import build_picture
from graphviz_nn.scene.picture import Picture, PictureBox, PictureContainer
from tests.support.structures import StructureBuilder, functions, lstm, resnet, transformer


def picture(structure: Structure, **options: object) -> Picture:
    return build_picture(structure, PictureOptions(**options))  # type: ignore[arg-type]


def name(found: Picture, box: PictureBox) -> str:
    return box.group.path if box.group is not None else found.structure.nodes[box.nodes[0]].name


def names(found: Picture) -> list[str]:
    return [name(found, box) for box in found.boxes]


def wires(found: Picture) -> set[tuple[str, str]]:
    return {(name(found, wire.source), name(found, wire.target)) for wire in found.wires}


def containers(found: Picture) -> list[str]:
    def visit(container: PictureContainer) -> list[str]:
        inner = [child for child in container.children if isinstance(child, PictureContainer)]
        return [path for child in inner for path in (child.group.path, *visit(child))]

    return visit(found.root)


def test_depth_0_shows_each_root_as_one_box() -> None:
    found = picture(resnet(), depth=0)
    assert names(found) == ["x", "", "target", "cross_entropy"]
    assert wires(found) == {("x", ""), ("", "cross_entropy"), ("target", "cross_entropy")}


def test_depth_1_opens_the_root() -> None:
    found = picture(resnet(), depth=1)
    modules = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool"]
    assert names(found) == ["x", *modules, "flatten", "fc", "target", "cross_entropy"]
    assert containers(found) == [""]


def test_every_shown_call_is_in_one_box_at_any_depth() -> None:
    structure = transformer(2)
    counts = set()
    for depth in (0, 1, 2, 3, None):
        found = picture(structure, depth=depth)
        inside = [number for box in found.boxes for part in (box, *box.siblings) for number in part.nodes]
        assert len(inside) == len(set(inside))
        counts.add(len(inside))
    assert len(counts) == 1


def test_module_that_calls_one_operator_is_one_box() -> None:
    found = picture(resnet(), depth=None)
    by_name = {name(found, box): box for box in found.boxes}
    conv = by_name["layer1.0.conv1"]
    assert conv.role == "operator"
    assert [found.structure.nodes[number].op for number in conv.nodes] == ["conv2d"]
    # The count of batches is kept in a buffer, and no reader's business.
    assert [found.structure.nodes[number].op for number in by_name["bn1"].nodes] == ["batch_norm"]
    assert "layer2.0.downsample" in containers(found)


def test_hidden_calls_pass_their_wires_through() -> None:
    found = picture(transformer(1), depth=None)
    ops = {node.op for box in found.boxes for node in (found.structure.nodes[number] for number in box.nodes)}
    assert "contiguous" not in ops
    assert ("h.0.attn.transpose_4", "h.0.attn.view_3") in wires(found)


def test_parameters_are_badges_and_boxes_only_when_asked_for() -> None:
    shown = picture(resnet(), depth=None)
    conv = next(box for box in shown.boxes if name(shown, box) == "conv1")
    assert [shown.structure.nodes[number].name for number in conv.parameters] == ["conv1.weight"]
    everything = picture(resnet(), depth=None, show_all=True)
    assert ("conv1.weight", "conv1") in wires(everything)
    assert "conv1" in containers(everything)
    assert not any(box.parameters for box in everything.boxes)
    assert sum(len(box.nodes) for box in everything.boxes) == len(everything.structure.nodes)


def test_phases_after_the_forward_are_hidden() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 2))
    y = b.op("relu", x)
    b.op("relu", x, phase="recompute")
    b.op("add_", y, phase="optimizer")
    structure = b.build()
    assert names(picture(structure)) == ["x", "relu"]
    assert names(picture(structure, show_all=True)) == ["x", "relu", "relu_1", "add_"]


def test_calls_after_an_optimizer_step_read_the_parameters_that_it_changed() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 3))
    weights = [b.parameter(f"weight{k}", (3, 3)) for k in range(2)]
    updated = b.op("Adam", *weights, shapes=[(3, 3), (3, 3)], phase="optimizer")
    for k in range(2):
        b.op("linear", x, ValueRef(updated.node, k))
    boxes = [box for box in picture(b.build()).boxes if box.parameters]
    assert [box.parameters for box in boxes] == [{weight.node} for weight in weights]


def test_failed_call_loss_and_output_are_shown_whatever_they_are() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 2))
    b.op("contiguous", x, kind="noop")
    b.op("contiguous", x, kind="noop", role="output")
    b.op("contiguous", x, kind="noop", error="RuntimeError: no")
    assert names(picture(b.build())) == ["x", "contiguous_1", "contiguous_2"]


def test_numbers_that_only_python_reads_are_hidden() -> None:
    b = StructureBuilder()
    ids = b.input("ids", (2, 4), "int64")
    with b.module("", "Net"):
        positions = b.op("arange", shape=(4,), dtype="int64")
        b.op("all", b.op("eq", positions, dtype="bool"), shape=(), dtype="bool")
        b.op("relu", b.op("embedding", ids, positions), role="output")
    found = picture(b.build())
    assert names(found) == ["ids", "arange", "embedding", "relu"]
    assert "eq" in names(picture(b.build(), show_all=True))


def test_new_tensor_of_the_same_kind_carries_nothing() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 4))
    b.op("add", b.op("new_zeros", x), b.op("relu", x))
    assert wires(picture(b.build())) == {("x", "relu"), ("relu", "add")}


def test_custom_function_is_a_container_whose_last_call_makes_its_result() -> None:
    found = picture(functions(), depth=None)
    assert "Clip" in containers(found)
    assert {("mul", "clamp"), ("clamp", "Clip"), ("Clip", "relu")} <= {
        (source.rpartition(".")[2], target.rpartition(".")[2]) for source, target in wires(found)
    }
    closed = picture(functions(), depth=1)
    clip = next(box for box in closed.boxes if box.group is not None and box.group.node is not None)
    assert clip.role == "composite"
    assert len(clip.nodes) == 3


def test_modules_called_inside_a_custom_function_stand_inside_it() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 4))
    with b.module("", "Net"):
        with b.function("Checkpoint", "custom", [x], (2, 4)) as results, b.module("inner", "Block"):
            b.op("mul", b.op("add", x))
        b.op("relu", results[0])
    found = picture(b.build(), depth=None)
    assert containers(found) == ["", "Checkpoint", "inner"]


def test_module_around_one_composite_is_one_container() -> None:
    structure = functions()
    found = picture(structure, depth=1, expand=("attention",))
    attention = next(box for box in found.boxes if name(found, box) == "attention")
    assert attention.role == "module"
    found = picture(structure, depth=1, expand=("*multi_head_attention_forward",))
    assert containers(found) == ["", "attention"]
    assert "linear" in "".join(names(found))


def test_expand_opens_what_matches_and_what_is_around_it() -> None:
    found = picture(resnet(), depth=0, expand=("layer3.*",))
    assert containers(found) == ["", "layer3", "layer3.0", "layer3.0.downsample", "layer3.1"]
    assert "layer2" in names(found)


def test_expand_that_matches_nothing_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(SelectorError, match=r"'layr3'.*Did you mean 'layer3'\?"):
        picture(resnet(), expand=("layr3",))
    with pytest.raises(SelectorError, match="among others: avgpool"):
        picture(resnet(), expand=("layer3", "qqqqqq"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color_by": "gradeint"}, "Unknown color_by 'gradeint'.*activation.*Did you mean 'gradient'"),
        ({"theme": "drak"}, "Unknown theme 'drak'.*Did you mean 'dark'"),
        ({"direction": "up"}, "Unknown direction 'up': choose one of down, right"),
        ({"depth": -1}, "Depth -1"),
    ],
)
def test_unknown_option_values(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        picture(resnet(), **options)


def test_hidden_fan_in_does_not_repeat_a_wire() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 2))
    b.op("mul", b.op("contiguous", x, kind="noop"), b.op("contiguous", x, kind="noop"))
    found = picture(b.build())
    assert len(found.wires) == 1


def test_recurrence_folds_to_one_box_a_call() -> None:
    structure = lstm(50)
    found = picture(structure, depth=1)
    cell = next(box for box in found.boxes if name(found, box) == "cell")
    slices = next(box for box in found.boxes if name(found, box) == "getitem")
    assert (cell.repeat, slices.repeat) == (50, 50)
    assert cell.looped
    assert not slices.looped
    assert ("getitem", "cell") in wires(found)
    assert ("cell", "stack") in wires(found)


def test_whole_picture_folds_nothing() -> None:
    found = picture(lstm(50), depth=None)
    assert sum(name(found, box) == "cell" for box in found.boxes) == 50
    assert all(box.repeat == 1 for box in found.boxes)

"""Which runs fold, and which only look alike."""

import pytest

from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.scene.compose import build_picture
from graphviz_nn.scene.fold import Run, find_runs
from graphviz_nn.scene.picture import Picture
from tests.support.structures import StructureBuilder, resnet, transformer


@pytest.mark.parametrize(
    ("labels", "runs"),
    [
        ("aaaa", [Run(0, 1, 4)]),
        ("aa", []),
        ("zabababq", [Run(1, 2, 3)]),
        ("aabaabaab", [Run(0, 3, 3)]),
        ("abcabcabcddd", [Run(0, 3, 3), Run(9, 1, 3)]),
        ("abcdef", []),
        ("", []),
    ],
)
def test_find_runs(labels: str, runs: list[Run]) -> None:
    assert list(find_runs(list(labels))) == runs


def test_none_repeats_nothing() -> None:
    assert list(find_runs([None] * 6)) == []
    assert list(find_runs(["a", None, "a", None, "a", None])) == []


def repeats(found: Picture) -> dict[str, int]:
    paths = {box: box.group.path if box.group else found.structure.nodes[box.nodes[0]].name for box in found.boxes}
    return {paths[box]: box.repeat for box in found.boxes if box.repeat > 1}


def picture(builder: StructureBuilder) -> Picture:
    return build_picture(builder.build(), PictureOptions(depth=1))


def test_blocks_of_a_transformer_fold() -> None:
    found = build_picture(transformer(12), PictureOptions(depth=1))
    assert repeats(found) == {"h.0": 12}
    block = next(box for box in found.boxes if box.repeat == 12)
    assert block.looped
    assert [part.group.path for part in block.siblings if part.group] == [f"h.{i}" for i in range(1, 12)]


def test_opened_block_does_not_fold_with_its_siblings() -> None:
    found = build_picture(transformer(12), PictureOptions(depth=1, expand=("h.0",)))
    assert repeats(found) == {"h.1": 11}


def test_two_equal_blocks_do_not_fold() -> None:
    assert repeats(build_picture(resnet(), PictureOptions(depth=2))) == {}


def test_blocks_of_other_shape_do_not_fold() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    with b.module("", "Net"):
        for index, width in enumerate((8, 8, 8, 16, 4)):
            with b.module(str(index), "Block"):
                x = b.op("relu", b.linear("fc", x, width))
    assert repeats(picture(b)) == {"0": 3}


def test_equal_blocks_side_by_side_do_not_fold() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    with b.module("", "Net"):
        for name in ("query", "key", "value"):
            b.linear(name, x, 8)
    assert repeats(picture(b)) == {}


def test_same_line_run_on_each_of_three_values_is_no_loop() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    with b.module("", "Net"):
        for _ in range(3):
            b.op("view", x, line=7)
    assert repeats(picture(b)) == {}


def test_loop_over_operators_folds_with_a_wire_to_the_next_turn() -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 8))
    with b.module("", "Net"):
        for _ in range(5):
            y = b.op("mul", x, line=7)
            x = b.op("tanh", y, line=8)
        b.op("sum", x, shape=())
    found = picture(b)
    assert repeats(found) == {"mul": 5, "tanh": 5}
    nodes = found.structure.nodes
    kinds = {(nodes[w.source.nodes[0]].op, nodes[w.target.nodes[0]].op): w.kind for w in found.wires}
    assert kinds == {
        ("input", "mul"): "data",
        ("mul", "tanh"): "data",
        ("tanh", "mul"): "loop",
        ("tanh", "sum"): "data",
    }


def test_module_applied_to_each_of_many_values_folds_without_a_loop() -> None:
    b = StructureBuilder()
    with b.module("", "Net"):
        for index in range(4):
            b.linear("shared", b.input(f"x{index}", (2, 8)), 8)
    found = picture(b)
    assert repeats(found) == {"shared": 4}
    assert not any(box.looped for box in found.boxes)

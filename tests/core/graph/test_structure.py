"""What is looked up in a structure, against a plain search through all of it."""

from __future__ import annotations

from graphviz_nn.model.structure import Structure
from tests.support.structures import StructureBuilder, transformer


def tied() -> Structure:
    """A layer that is called twice, in a module that calls nothing else, and one that makes nothing."""
    builder = StructureBuilder()
    with builder.module("", "Model"):
        x = builder.input("x", (4, 8))
        with builder.module("body", "Body"):
            for _ in range(2):
                x = builder.linear("layer", x, 8)
        with builder.module("idle", "Idle"):
            pass
    return builder.build()


def test_who_reads_each_parameter() -> None:
    structure = tied()
    weight, bias = (structure.by_name[f"body.layer.{name}"].id for name in ("weight", "bias"))
    both = [node.id for node in structure.nodes if node.op == "linear"]
    assert len(both) == 2
    assert {key: [node.id for node in found] for key, found in structure.parameter_readers.items()} == {
        weight: both,
        bias: both,
    }


def test_the_last_node_that_each_call_made() -> None:
    for structure in (tied(), transformer(2)):
        calls = structure.module_calls

        def stands_inside(place: int | None, outer: int, structure: Structure = structure) -> bool:
            while place is not None and place != outer:
                place = structure.module_calls[place].parent
            return place == outer

        for place in range(len(calls)):
            made = [node.id for node in structure.nodes if node.outputs and stands_inside(node.module_call, place)]
            assert structure.last_outputs[place] == max(made, default=-1)
    assert tied().last_outputs[-1] == -1


def test_which_calls_hold_others() -> None:
    structure = tied()
    assert [structure.module_calls[place].path for place in sorted(structure.outer_calls)] == ["", "body"]

"""Structural hashes: equal for blocks built alike, different for all others."""

from __future__ import annotations

from graphviz_nn.layout import Box, Wire, structural_hash, structural_hashes
from tests.support import networks


def block(name: str, kinds: tuple[str, ...] = ("conv", "relu", "add")) -> Box:
    return Box(name, 0, 0, [Box((name, k), 60 + len(name), 20, kind=kind) for k, kind in enumerate(kinds)])


def chain(name: str) -> list[Wire]:
    return [Wire((name, 0), (name, 1)), Wire((name, 1), (name, 2)), Wire((name, 0), (name, 2))]


def test_blocks_that_differ_only_in_name_are_equal() -> None:
    assert structural_hash(block("a"), chain("a")) == structural_hash(block("longer"), chain("longer"))


def test_wires_and_kinds_inside_count() -> None:
    hashes = {
        structural_hash(block("a"), chain("a")),
        structural_hash(block("a"), chain("a")[:2]),
        structural_hash(block("a", ("conv", "gelu", "add")), chain("a")),
        structural_hash(block("a", ("conv", "relu", "add", "add")), chain("a")),
    }
    assert len(hashes) == 4


def test_sizes_count_where_there_is_no_kind() -> None:
    assert structural_hash(Box("a", 10, 20), []) != structural_hash(Box("b", 10, 30), [])
    assert structural_hash(Box("a", 10, 20, kind="x"), []) == structural_hash(Box("b", 10, 30, kind="x"), [])


def test_places_where_wires_enter_count() -> None:
    def hashed(entry: int) -> str:
        root = Box("root", 0, 0, [Box("in", 9, 9), block("a")])
        return structural_hashes(root, [*chain("a"), Wire("in", ("a", entry))])["a"]

    assert hashed(0) != hashed(1)


def test_blocks_of_a_network_are_recognised() -> None:
    net = networks.gpt(5)
    hashes = structural_hashes(net.root, net.wires)
    assert len({hashes[f"gpt.h.{k}"] for k in range(5)}) == 1
    net = networks.resnet(8)
    hashes = structural_hashes(net.root, net.wires)
    assert hashes["resnet.layer1.0"] != hashes["resnet.layer1.1"]


def test_the_hash_does_not_depend_on_the_order_of_wires() -> None:
    assert structural_hash(block("a"), chain("a")) == structural_hash(block("a"), chain("a")[::-1])

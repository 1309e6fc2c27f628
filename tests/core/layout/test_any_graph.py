"""Graphs that no network has: random ones, and extremes."""

from __future__ import annotations

import pytest

from graphviz_nn.layout import Box, LayoutCache, Wire, layout
from tests.support.pictures import (
    covered_titles,
    loose_ends,
    moved_siblings,
    overlaps,
    pierced,
    random_nest,
    shut,
    strays,
)


@pytest.mark.parametrize("batch", range(20))
def test_random_nests_of_boxes(batch: int) -> None:
    for seed in range(20 * batch, 20 * batch + 20):
        root, wires = random_nest(seed, largest=40)
        placement = layout(root, wires, ("down", "right")[seed % 2])
        assert overlaps(root, placement) == [], seed
        assert strays(root, placement) == [], seed
        assert loose_ends(wires, placement) == [], seed
        if seed % 4 == 0:
            assert pierced(root, wires, placement) == [], seed
            assert covered_titles(root, wires, placement) == [], seed


@pytest.mark.parametrize("batch", range(8))
def test_siblings_stay_in_order_whatever_is_opened_or_closed(batch: int) -> None:
    for seed in range(12 * batch, 12 * batch + 12):
        root, wires = random_nest(seed, largest=40)
        containers = [box for box in root.walk() if box.children]
        cache = LayoutCache()
        before = layout(root, wires, cache=cache)
        for box in containers[1:]:
            seen = layout(*shut(root, wires, {box.key}), cache=cache)
            hidden = set(box.walk())
            for outer in containers:
                if outer not in hidden:
                    assert moved_siblings(before, seen, outer.children) == [], (seed, box.key)
        assert layout(root, wires, cache=cache) == before, seed


def level(count: int, edges: list[tuple[int, int]]) -> tuple[Box, list[Wire]]:
    return Box("root", 0, 0, [Box(k, 80, 24) for k in range(count)]), [Wire(u, v, u) for u, v in edges]


EXTREMES = {
    "nothing": (0, []),
    "one": (1, []),
    "isolated": (500, []),
    "fan-in": (1001, [(k, 1000) for k in range(1000)]),
    "fan-out": (1001, [(0, k) for k in range(1, 1001)]),
    "chain": (3000, [(k, k + 1) for k in range(2999)]),
    "dense": (60, [(i, j) for j in range(60) for i in range(j)]),
    "ring": (50, [(k, (k + 1) % 50) for k in range(50)]),
    "against the order": (40, [(k + 1, k) for k in range(39)]),
    "all loops": (10, [(k, k) for k in range(10)]),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(name: str) -> None:
    root, wires = level(*EXTREMES[name])
    placement = layout(root, wires)
    assert len(placement.rects) == len(root.children) + 1
    assert overlaps(root, placement) == []
    assert strays(root, placement) == []
    assert loose_ends(wires, placement) == []
    assert pierced(root, wires, placement) == []


def test_many_boxes_without_order_form_a_block_rather_than_a_line() -> None:
    placement = layout(*level(*EXTREMES["isolated"]))
    assert 0.3 < placement.width / placement.height < 3


def test_edges_against_the_order_are_no_reason_to_turn_the_picture_round() -> None:
    root, wires = level(*EXTREMES["against the order"])
    placement = layout(root, wires)
    assert placement.rects[39].y < placement.rects[0].y
    assert all(path[0][1] < path[-1][1] for path in placement.paths)


def test_a_wire_that_closes_a_cycle_runs_up() -> None:
    root, wires = level(3, [(0, 1), (1, 2), (2, 0)])
    placement = layout(root, wires)
    assert [path[0][1] < path[-1][1] for path in placement.paths] == [True, True, False]


def test_a_wire_from_a_box_to_itself_runs_round_its_side() -> None:
    root, wires = level(3, [(0, 1), (1, 1), (1, 2)])
    placement = layout(root, wires)
    loop, box = placement.paths[1], placement.rects[1]
    assert max(x for x, _ in loop) > box.right
    assert loop[0][1] == box.bottom
    assert loop[-1][1] == box.y


def test_a_deep_nest_of_boxes() -> None:
    box = inner = Box(0, 20, 20)
    for depth in range(1, 1500):
        box = Box(depth, 0, 0, [box], title_height=2)
    placement = layout(Box("root", 0, 0, [box, Box("out", 20, 20)]), [Wire(inner.key, "out")])
    assert placement.paths[0][0][1] == placement.rects[0].bottom
    assert placement.paths[0][-1][1] == placement.rects["out"].y


def test_a_wire_may_end_at_an_expanded_container() -> None:
    inner = Box("outer", 0, 0, [Box("a", 60, 20), Box("b", 60, 20)], title_height=20)
    root = Box("root", 0, 0, [Box("first", 60, 20), inner, Box("last", 60, 20)])
    wires = [Wire("first", "outer"), Wire("a", "b"), Wire("outer", "last")]
    placement = layout(root, wires)
    assert loose_ends(wires, placement) == []
    assert placement.paths[0][-1][1] == placement.rects["outer"].y
    assert placement.paths[2][0][1] == placement.rects["outer"].bottom

"""Ports, trunks, sections, titles, order on toggling, and errors."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from graphviz_nn.errors import OptionError, UsageError
from graphviz_nn.layout import Box, LayoutCache, Wire, layout
from tests.support import networks
from tests.support.pictures import overlaps, pierced, strays


def container(key: str, *children: Box, title: float = 0.0) -> Box:
    return Box(key, 0, 0, list(children), title_height=20.0, title_width=title)


def leaf(key: str) -> Box:
    return Box(key, 60, 24)


def test_a_wire_between_containers_is_one_path_through_ports_on_their_borders() -> None:
    left, right = container("left", leaf("a")), container("right", container("inner", leaf("b")))
    placement = layout(Box("root", 0, 0, [left, right]), [Wire("a", "b")])
    path = placement.paths[0]
    borders = [placement.rects["left"].bottom, placement.rects["right"].y, placement.rects["inner"].y]
    assert [y for y in borders if any(abs(y - point[1]) < 1e-6 for point in path)] == borders
    assert path[0][1] == placement.rects["a"].bottom
    assert path[-1][1] == placement.rects["b"].y


def test_wires_of_one_net_share_their_trunk_and_others_do_not() -> None:
    chain = [leaf(f"n{k}") for k in range(5)]
    wires = [Wire(f"n{k}", f"n{k + 1}", k) for k in range(4)]
    skips = [Wire("n0", "n3", "x"), Wire("n0", "n4", "x"), Wire("n0", "n3", "y")]
    placement = layout(Box("root", 0, 0, chain), wires + skips)
    to_third, to_fourth, other = ({round(x, 3) for x, _ in path[1:-1]} for path in placement.paths[4:])
    assert to_third & to_fourth
    assert not to_third & other


def test_many_values_into_one_box_share_one_trunk() -> None:
    net = networks.lstm(30, 1)
    placement = layout(net.root, net.wires)
    stack = next(key for key, label in net.labels.items() if label == "stack")
    outer = placement.rects["lstm"]
    wires = [path for wire, path in zip(net.wires, placement.paths, strict=True) if wire.target == stack]
    lanes = {round(x) for path in wires for (x, y), (x1, y1) in pairwise(path) if x == x1 and y1 - y > 500}
    assert len(wires) == 30
    assert len(lanes) <= 4
    assert outer.width < 1500


@pytest.mark.parametrize("direction", ["down", "right"])
def test_a_long_title_stays_clear_of_the_wire_that_enters(direction: str) -> None:
    box = container("box", leaf("b"), title=150.0)
    placement = layout(Box("root", 0, 0, [leaf("a"), box]), [Wire("a", "b")], direction)
    title, outer = placement.titles["box"], placement.rects["box"]
    assert (title.width, title.height) == (150.0, 20.0)
    assert outer.x <= title.x
    assert title.right <= outer.right
    if direction == "down":
        assert all(not title.x <= x <= title.right for x, y in placement.paths[0] if outer.y <= y <= title.bottom)
    else:
        assert all(y > title.bottom for x, y in placement.paths[0] if x >= outer.x)


def test_a_chain_stays_in_the_middle_of_its_frame_however_long_the_title() -> None:
    for title in (10.0, 40.0, 150.0):
        box = container("box", leaf("b"), leaf("c"), title=title)
        placement = layout(Box("root", 0, 0, [leaf("a"), box]), [Wire("a", "b"), Wire("b", "c")])
        middle = placement.rects["box"].center[0]
        assert [placement.rects[key].center[0] for key in ("a", "b", "c")] == pytest.approx([middle] * 3)
        assert placement.titles["box"].x == placement.rects["box"].x


def test_a_title_that_fits_beside_the_wire_that_enters_takes_no_room() -> None:
    def width(title: float) -> float:
        box = container("box", leaf("b"), leaf("c"), leaf("d"), title=title)
        wires = [Wire("a", "b", 0), Wire("b", "c", 1), Wire("b", "d", 1)]
        return layout(Box("root", 0, 0, [leaf("a"), box]), wires).rects["box"].width

    assert width(90.0) == width(10.0) < width(400.0)


def test_containers_are_at_least_as_large_as_asked() -> None:
    box = Box("box", 300, 200, [leaf("a")])
    rect = layout(Box("root", 0, 0, [box]), []).rects["box"]
    assert (rect.width, rect.height) == (300, 200)


def test_sections_of_a_long_container_follow_one_another() -> None:
    boxes = [Box(k, 60, 24) for k in range(1000)]
    wires = [Wire(k, k + step, k) for k in range(990) for step in (1, 9)]
    root = Box("root", 0, 0, boxes)
    placement = layout(root, wires)
    thirds = [[placement.rects[k] for k in range(start, start + 330)] for start in (0, 335, 670)]
    assert max(r.bottom for r in thirds[0]) < min(r.y for r in thirds[1])
    assert max(r.bottom for r in thirds[1]) < min(r.y for r in thirds[2])
    assert overlaps(root, placement) == []
    assert strays(root, placement) == []
    assert pierced(root, wires, placement) == []
    assert set(placement.rects) == {"root", *range(1000)}


def rows(box: Box, placed: Callable[[object], float]) -> list[object]:
    return sorted((child.key for child in box.children), key=placed)


def test_what_enters_runs_straight_to_what_leaves_however_long_a_way_begins_inside() -> None:
    inner = [leaf(key) for key in ("read", "make", "scale", "shift", "join")]
    root = Box("root", 0, 0, [leaf("x"), container("net", *inner), leaf("loss")])
    pairs = [
        ("x", "read"),
        ("read", "join"),
        ("make", "scale"),
        ("scale", "shift"),
        ("shift", "join"),
        ("join", "loss"),
    ]
    placed = layout(root, [Wire(*pair) for pair in pairs])
    line = [placed.rects[key].center[0] for key in ("x", "read", "join", "loss")]
    assert line == pytest.approx([line[0]] * 4)
    assert placed.rects["shift"].center[0] != pytest.approx(line[0])


def test_wires_leave_a_container_on_the_side_where_their_ports_are() -> None:
    """As where attention hands its position bias on: it is made before the output, and stands to its right."""
    attention = container("attention", *(leaf(key) for key in ("query", "bias", "scores", "out")))
    layer = container("layer", leaf("norm"), attention, leaf("drop"), leaf("add"))
    pairs = [("x", "norm"), ("norm", "query"), ("bias", "scores"), ("query", "scores"), ("scores", "out")]
    pairs += [("out", "drop"), ("drop", "add"), ("x", "add"), ("add", "ff"), ("ff", "next"), ("bias", "next")]
    root = Box("root", 0, 0, [leaf("x"), layer, leaf("ff"), leaf("next")])
    placed = layout(root, [Wire(*pair) for pair in pairs])
    bias, main = placed.paths[-1], placed.paths[pairs.index(("out", "drop"))]
    assert all(x == pytest.approx(main[0][0]) for x, _ in main)
    assert all(x == pytest.approx(bias[0][0]) for x, _ in bias[:-1])


def test_equally_few_crossings_leave_calls_in_the_order_of_execution() -> None:
    """As in adversarial training: a network that reads data, then twice what another one made."""
    keys = ["noise", "generator", "data", *(f"{what}{k}" for k in range(3) for what in ("critic", "loss")), "sum"]
    pairs = [("noise", "generator"), ("data", "critic0"), ("generator", "critic1"), ("generator", "critic2")]
    pairs += [(f"critic{k}", f"loss{k}") for k in range(3)] + [("loss0", "sum"), ("loss1", "sum")]
    placed = layout(Box("root", 0, 0, [leaf(key) for key in keys]), [Wire(*pair) for pair in pairs])
    places = [placed.rects[f"critic{k}"].x for k in range(3)]
    assert places == sorted(places)


def test_a_lone_wire_that_has_to_bend_meets_its_boxes_in_their_middle() -> None:
    pairs = [("x", "main"), ("main", "main2"), ("main2", "join"), ("y", "join")]
    keys = ("x", "y", "main", "main2", "join")
    placed = layout(Box("root", 0, 0, [leaf(key) for key in keys]), [Wire(*pair) for pair in pairs])
    bending = placed.paths[-1]
    assert bending[0][0] != pytest.approx(bending[-1][0])
    assert bending[0][0] == pytest.approx(placed.rects["y"].center[0])
    assert bending[-1][0] != pytest.approx(placed.rects["join"].center[0]), "the main path has the middle"


def test_opening_and_closing_containers_keeps_their_siblings_in_order() -> None:
    cache = LayoutCache()
    closed = {}
    for opened in (set(), {1}, {1, 2}, {0, 1, 2, 3}, {3}, set()):
        root, wires = fan(opened)
        placement = layout(root, wires, cache=cache)
        order = rows(root, lambda key, placed=placement: placed.rects[key].center[0])
        ranks = rows(root, lambda key, placed=placement: placed.rects[key].bottom)
        closed.setdefault("order", [k for k in order if str(k).startswith("m")])
        closed.setdefault("ranks", ranks[0])
        assert [k for k in order if str(k).startswith("m")] == closed["order"]
        assert ranks[0] == closed["ranks"]


def fan(opened: set[int]) -> tuple[Box, list[Wire]]:
    """Four modules that read two values crosswise; an opened one has two calls inside."""
    modules, wires = [], []
    for k in range(4):
        first, last = (f"m{k}a", f"m{k}b") if k in opened else (f"m{k}", f"m{k}")
        if k in opened:
            modules.append(container(f"m{k}", leaf(f"m{k}a"), leaf(f"m{k}b")))
            wires.append(Wire(first, last, first))
        else:
            modules.append(leaf(f"m{k}"))
        wires += [Wire("x", last, "x"), Wire("y", first, "y"), Wire(last, "end", last)]
    return Box("root", 0, 0, [leaf("x"), leaf("y"), *modules, leaf("end")]), wires


def test_a_cache_changes_nothing_where_nothing_was_toggled() -> None:
    net, cache = networks.moe(1), LayoutCache()
    first = layout(net.root, net.wires, cache=cache)
    assert layout(net.root, net.wires, cache=cache) == first
    assert layout(net.root, net.wires) == first


def test_one_cache_serves_both_directions() -> None:
    net, cache = networks.unet(2), LayoutCache()
    down = layout(net.root, net.wires, "down", cache)
    right = layout(net.root, net.wires, "right", cache)
    assert layout(net.root, net.wires, "down", cache) == down
    assert right == layout(net.root, net.wires, "right")


def test_a_wire_to_nowhere_names_the_box_that_was_meant() -> None:
    root = Box("root", 0, 0, [leaf("conv1"), leaf("conv2")])
    with pytest.raises(UsageError, match=r"ends at 'conv3'.*Did you mean 'conv"):
        layout(root, [Wire("conv1", "conv3")])


def test_two_boxes_of_one_key_are_refused() -> None:
    with pytest.raises(UsageError, match="Two boxes have the key 'a'"):
        layout(Box("root", 0, 0, [leaf("a"), leaf("a")]), [])


def test_a_wire_into_its_own_container_is_refused() -> None:
    root = Box("root", 0, 0, [container("outer", leaf("a"))])
    with pytest.raises(UsageError, match="'outer' with 'a'"):
        layout(root, [Wire("outer", "a")])


def test_an_unknown_direction_names_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"'up'.*'down' and 'right'"):
        layout(Box("root", 0, 0), [], "up")

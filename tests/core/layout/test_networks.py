"""Pictures of networks as people build them: nothing overlaps, nothing strays, wires run clear."""

from __future__ import annotations

from itertools import pairwise

import pytest

from graphviz_nn.layout import layout
from graphviz_nn.layout.arrange import arrange
from graphviz_nn.layout.geometry import Placement
from graphviz_nn.layout.level import NO_PORTS, Canonizer
from graphviz_nn.layout.order import crossings
from graphviz_nn.layout.tree import flatten
from graphviz_nn.layout.wiring import connect
from tests.support import networks
from tests.support.networks import NETWORKS, Network
from tests.support.pictures import covered_titles, loose_ends, overlaps, pierced, strays


@pytest.fixture(scope="module", params=["down", "right"])
def direction(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[*NETWORKS, "flat gpt", "flat lstm"])
def picture(request: pytest.FixtureRequest, direction: str) -> tuple[Network, Placement]:
    name = request.param.removeprefix("flat ")
    small = {"gpt": 3, "lstm": 6}
    net = getattr(networks, name)(small[name]) if name in small else NETWORKS[name]()
    net = net.flat() if request.param.startswith("flat") else net
    return net, layout(net.root, net.wires, direction)


def test_siblings_do_not_overlap(picture: tuple[Network, Placement]) -> None:
    net, placement = picture
    assert overlaps(net.root, placement) == []


def test_boxes_lie_inside_their_container_below_its_title(picture: tuple[Network, Placement]) -> None:
    net, placement = picture
    assert strays(net.root, placement) == []


def test_leaves_keep_their_size(picture: tuple[Network, Placement]) -> None:
    net, placement = picture
    for box in net.root.walk():
        if not box.children:
            rect = placement.rects[box.key]
            assert (rect.width, rect.height) == pytest.approx((box.width, box.height))


def test_wires_join_the_borders_of_their_boxes(picture: tuple[Network, Placement]) -> None:
    net, placement = picture
    assert loose_ends(net.wires, placement) == []


def test_no_wire_runs_through_a_foreign_leaf(picture: tuple[Network, Placement]) -> None:
    net, placement = picture
    assert pierced(net.root, net.wires, placement) == []


def test_no_wire_runs_through_a_title(picture: tuple[Network, Placement]) -> None:
    net, placement = picture
    assert len(placement.titles) == sum(1 for box in net.root.walk() if box.title_width)
    assert covered_titles(net.root, net.wires, placement) == []


def test_wires_never_turn_back(picture: tuple[Network, Placement], direction: str) -> None:
    _, placement = picture
    along = 1 if direction == "down" else 0
    for path in placement.paths:
        assert all(a[along] <= b[along] + 1e-9 for a, b in pairwise(path))


def test_everything_lies_in_the_picture(picture: tuple[Network, Placement]) -> None:
    _, placement = picture
    for x, y in (point for path in placement.paths for point in path):
        assert 0 <= x <= placement.width
        assert 0 <= y <= placement.height


def test_the_same_input_gives_the_same_placement(picture: tuple[Network, Placement], direction: str) -> None:
    net, placement = picture
    assert layout(net.root, net.wires, direction) == placement


def test_the_way_through_a_residual_network_is_one_straight_line() -> None:
    net = networks.resnet(4)
    placement = layout(net.root, net.wires)
    shortcuts = {box.key for box in net.root.walk() if "downsample" in str(box.key)}
    beside = {child.key for box in net.root.walk() if box.key in shortcuts for child in box.children}
    line = [placement.rects[key].center[0] for key in net.labels if key not in beside]
    assert line == pytest.approx([line[0]] * len(line))
    assert beside
    assert all(abs(placement.rects[key].center[0] - line[0]) > 60 for key in beside)


def test_unrolled_cells_stand_below_one_another() -> None:
    net = networks.lstm(20)
    placement = layout(net.root, net.wires)
    steps = [placement.rects[f"lstm.step{k}"] for k in range(20)]
    assert all(above.bottom < below.y for above, below in pairwise(steps))
    line = [placement.rects[key].center[0] for key, label in net.labels.items() if label == "linear ih"]
    assert line == pytest.approx([line[0]] * len(line))
    assert max(rect.x for rect in steps) - min(rect.x for rect in steps) < 60


def test_equal_blocks_look_the_same() -> None:
    net = networks.gpt(4)
    placement = layout(net.root, net.wires)

    def inside(layer: int) -> list[tuple[float, float]]:
        outer = placement.rects[f"gpt.h.{layer}"]
        boxes = next(box for box in net.root.walk() if box.key == f"gpt.h.{layer}").walk()
        return [(placement.rects[box.key].x - outer.x, placement.rects[box.key].y - outer.y) for box in boxes]

    assert inside(1) == [pytest.approx(corner) for corner in inside(2)]


def test_sideways_is_a_layout_of_its_own_with_titles_on_top() -> None:
    net = networks.unet(2)
    down, right = layout(net.root, net.wires), layout(net.root, net.wires, "right")
    assert right.width > right.height
    assert down.height > down.width
    for key, title in right.titles.items():
        assert title.y == right.rects[key].y
        assert title.right <= right.rects[key].right


def test_boxes_stand_straight_above_what_they_lead_to_where_there_is_room() -> None:
    net = networks.moe(1)
    placement = layout(net.root, net.wires)
    chosen = [key for key, label in net.labels.items() if label == "index"]
    into_experts = [
        path
        for wire, path in zip(net.wires, placement.paths, strict=True)
        if wire.source in chosen and net.labels[wire.target] == "linear w1"
    ]
    assert len(into_experts) == 4
    assert all(x == pytest.approx(path[0][0]) for path in into_experts for x, _ in path)


@pytest.mark.parametrize(
    ("name", "size", "dot"),
    [
        ("gpt", (4,), 1),
        ("gpt", (11,), 7),
        ("lstm", (5, 1), 9),
        ("lstm", (5, 2), 16),
        ("lstm", (8, 2), 26),
        ("densenet", (3, 6), 57),
        ("inception", (4,), 0),
        ("moe", (2, 4), 13),
        ("moe", (3, 8), 85),
    ],
)
def test_crossings_are_about_as_few_as_in_dot(name: str, size: tuple[int, ...], dot: int) -> None:
    """`dot` is what Graphviz 2.43 reports for the same graph without containers (`dot -v`)."""
    net = getattr(networks, name)(*size).flat()
    tree = flatten(net.root)
    level, _, _ = Canonizer()(connect(tree, net.wires).edges[0], [NO_PORTS] * len(tree.children[0]), stacked=False)
    arrangement = arrange(level)
    assert crossings(arrangement.layered(level), arrangement.layers) <= 1.2 * dot

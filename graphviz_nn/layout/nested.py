"""The layout of nested boxes: every container on its own, the innermost first, equal ones once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.layout.assembly import Picture, assemble
from graphviz_nn.layout.cache import LayoutCache
from graphviz_nn.layout.geometry import DOWN, RIGHT, Box, Placement, Wire
from graphviz_nn.layout.level import NO_PORTS, Canonizer, Ports
from graphviz_nn.layout.shape import Frame, Shape
from graphviz_nn.layout.tree import Tree, flatten
from graphviz_nn.layout.wiring import Wiring, connect

PADDING: Final = 14.0
"""Room kept free inside a container's borders."""

LOOP_ROOM: Final = 16.0
"""Room at both sides of a box that has a wire to itself; the wire runs in it on the right."""


def layout(root: Box, wires: Sequence[Wire], direction: str = DOWN, cache: LayoutCache | None = None) -> Placement:
    """Places the boxes in layers along `direction` ("down" or "right") and finds a path for each wire.

    The same boxes and wires give the same placement. Takes time about linear in the number of boxes and wires;
    containers that look the same are laid out once.

    Args:
        root: the outermost container. Its children are to be in order of execution, and so on inside.
        wires: connections between boxes. An end at an expanded container meets its border.
        direction: where wires lead.
        cache: given to every layout of one picture, it keeps siblings in their order when containers open and close.

    Raises:
        OptionError: there is no such direction.
        UsageError: two boxes have one key, a wire names no box, or connects a container with its own inside.
    """
    if direction not in (DOWN, RIGHT):
        near = did_you_mean(direction, (DOWN, RIGHT))
        raise OptionError(f"There is no direction {direction!r}; known are {DOWN!r} and {RIGHT!r}.{near}")
    tree = flatten(root)
    wiring = connect(tree, wires)
    shapes, edges = _shapes(tree, wiring, _loops(tree, wires), direction, cache or LayoutCache())
    return assemble(Picture(tree, wiring, shapes, edges), wires, direction)


def _loops(tree: Tree, wires: Sequence[Wire]) -> set[int]:
    return {tree.numbers[wire.source] for wire in wires if wire.source == wire.target}


def _shapes(
    tree: Tree, wiring: Wiring, loops: set[int], direction: str, cache: LayoutCache
) -> tuple[list[Shape], dict[int, list[int]]]:
    """The shape of every box, and for each container the places of its edges among its shape's routes."""
    shapes: list[Shape] = [cache.leaf(0.0, 0.0, 0.0)] * len(tree)
    ports: list[Ports] = [NO_PORTS] * len(tree)
    edges: dict[int, list[int]] = {}
    canonical = Canonizer()
    for number in range(len(tree) - 1, -1, -1):
        box, inside = tree.boxes[number], tree.children[number]
        if not inside and box is not None:
            width, height = _size(box, direction)
            shapes[number] = cache.leaf(width, height, LOOP_ROOM if number in loops else 0.0)
            continue
        level, own, edges[number] = canonical(
            wiring.edges.get(number, {}), [ports[child] for child in inside], tree.has_sections(number)
        )
        names = [_name(tree, each) for each in inside]
        children = [shapes[child] for child in inside]
        shape = shapes[number] = cache.container(level, children, _frame(box, direction), _name(tree, number), names)
        ports[number] = own.placed(shape.top_places, shape.bottom_places)
    cache.retire()
    return shapes, edges


def _name(tree: Tree, number: int) -> Hashable:
    """What a box is known by from layout to layout: its key, or for a section that of the first box in it."""
    box, depth = tree.boxes[number], 0
    while box is None:
        number, depth = tree.children[number][0], depth + 1
        box = tree.boxes[number]
    return (depth, box.key) if depth else box.key


def _size(box: Box, direction: str) -> tuple[float, float]:
    """Lengths across and along the flow."""
    return (box.width, box.height) if direction == DOWN else (box.height, box.width)


def _frame(box: Box | None, direction: str) -> Frame:
    if box is None:
        return Frame()
    width, height = _size(box, direction)
    if direction == DOWN:
        return Frame(width, height, top=box.title_height, title=box.title_width, padding=PADDING)
    return Frame(width, max(height, box.title_width + 2 * PADDING), left=box.title_height, padding=PADDING)

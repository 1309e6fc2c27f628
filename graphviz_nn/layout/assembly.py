"""Shapes put together into one picture."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from graphviz_nn.layout.geometry import DOWN, RIGHT, Path, Placement, Point, Rect, Wire
from graphviz_nn.layout.shape import Shape
from graphviz_nn.layout.tree import Tree
from graphviz_nn.layout.wiring import Wiring

LOOP_REACH: Final = 8.0
"""How far a wire from a box to itself leaves it, along the flow and across."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is known once all shapes are.

    Attributes:
        shapes: by number of the box.
        edges: for each container, the place of its edges among its shape's routes.
    """

    tree: Tree
    wiring: Wiring
    shapes: Sequence[Shape]
    edges: dict[int, list[int]]


def assemble(picture: Picture, wires: Sequence[Wire], direction: str) -> Placement:
    """Returns the placement in the coordinates of the whole picture."""
    corners = _corners(picture)
    rects: dict[Hashable, Rect] = {}
    titles: dict[Hashable, Rect] = {}
    for box, shape, (x, y) in zip(picture.tree.boxes, picture.shapes, corners, strict=True):
        if box is None:
            continue
        margin = shape.margin
        outer = x + margin, y, shape.width - 2 * margin, shape.height
        rect = rects[box.key] = Rect(*outer) if direction == DOWN else _turned(outer)
        if box.children and box.title_width:
            titles[box.key] = Rect(rect.x + shape.title, rect.y, box.title_width, box.title_height)
    paths = [_path(picture, corners, number, wire) for number, wire in enumerate(wires)]
    if direction == RIGHT:
        paths = [[(y, x) for x, y in path] for path in paths]
    root = picture.shapes[0]
    width, height = (root.height, root.width) if direction == RIGHT else (root.width, root.height)
    return Placement(rects, titles, paths, width, height, direction)


def _corners(picture: Picture) -> list[Point]:
    """Upper left corner of every box."""
    corners: list[Point] = [(0.0, 0.0)] * len(picture.tree)
    for number, children in enumerate(picture.tree.children):
        left, top = corners[number]
        for child, (x, y) in zip(children, picture.shapes[number].corners, strict=True):
            corners[child] = (left + x, top + y)
    return corners


def _turned(outline: tuple[float, float, float, float]) -> Rect:
    x, y, width, height = outline
    return Rect(y, x, height, width)


def _path(picture: Picture, corners: Sequence[Point], number: int, wire: Wire) -> Path:
    route = picture.wiring.routes[number]
    if not route:
        return _loop(picture, corners, picture.tree.numbers[wire.source])
    shapes, edges = picture.shapes, picture.edges
    path: Path = []
    for container, edge in route:
        x0, y0 = corners[container]
        points = shapes[container].routes[edges[container][edge]]
        if path:
            path.pop()
        path += [(x0 + x, y0 + y) for x, y in points]
    return path[::-1] if picture.wiring.flipped[number] else path


def _loop(picture: Picture, corners: Sequence[Point], number: int) -> Path:
    """From the lower border of a box round its right side to its upper border."""
    shape = picture.shapes[number]
    left, top = corners[number]
    bottom, right = top + shape.height, left + shape.width - shape.margin
    inner, outer = right - min(LOOP_REACH, (shape.width - 2 * shape.margin) / 4), right + LOOP_REACH
    below, above = bottom + LOOP_REACH, top - LOOP_REACH
    return [(inner, bottom), (inner, below), (outer, below), (outer, above), (inner, above), (inner, top)]

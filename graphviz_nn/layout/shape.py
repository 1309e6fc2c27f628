"""One box with its inside laid out, in coordinates of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphviz_nn.layout.geometry import Path, Point


@dataclass(frozen=True, slots=True)
class Frame:
    """What a container asks of its own outline. Lengths are along and across the flow, which runs downwards here.

    Attributes:
        width, height: least size.
        left, top: room for the title at the left and upper border (one of them is 0).
        title: width of a title that shares the upper border with the ports, else 0.
        padding: room kept free at all borders.
    """

    width: float = 0.0
    height: float = 0.0
    left: float = 0.0
    top: float = 0.0
    title: float = 0.0
    padding: float = 0.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A box laid out, shared by all boxes that look the same. Points are relative to its top left corner.

    Attributes:
        number: equal for equal shapes.
        width, height: its size, margins included.
        margin: room to the left and the right that the box itself does not fill.
        anchor: where across the flow its main path runs.
        tops, bottoms: where across the flow its ports lie, from left to right.
        top_places, bottom_places: by number of a port in its level, its place in `tops` or `bottoms`.
        corners: top left corner of each child.
        routes: path of each edge of its level.
        title: where its title starts, from its left border in the picture.
    """

    number: int
    width: float
    height: float
    anchor: float
    margin: float = 0.0
    tops: tuple[float, ...] = ()
    bottoms: tuple[float, ...] = ()
    top_places: tuple[int, ...] = ()
    bottom_places: tuple[int, ...] = ()
    corners: list[Point] = field(default_factory=list)
    routes: list[Path] = field(default_factory=list)
    title: float = 0.0

"""What the layout takes and what it gives back: boxes and wires in, rectangles and paths out.

Lengths are in pixels of the unscaled picture; x grows to the right, y grows downwards.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

Point = tuple[float, float]
"""x, y."""

Path = list[Point]
"""A wire's points, from its source to its target; see `Placement.paths`."""

DOWN: Final = "down"
RIGHT: Final = "right"


class Box(msgspec.Struct, eq=False, gc=False):
    """A rectangle to place: a leaf, or an expanded container when it has children.

    Attributes:
        key: names the box in wires and in the placement; unique in its tree.
        width, height: size of a leaf; least size of a container.
        children: the boxes inside, in order of execution.
        title_height: strip kept free of boxes at the top of a container.
        title_width: room that the container's title needs in that strip; wires that enter keep clear of it.
        kind: what the box is, for `structural_hash` alone: siblings of different kinds are never equal.
    """

    key: Hashable
    width: float
    height: float
    children: list[Box] = []
    title_height: float = 0.0
    title_width: float = 0.0
    kind: Hashable = None

    def walk(self) -> Iterator[Box]:
        """This box and all boxes inside it, parents before their children, in order."""
        pending = [self]
        while pending:
            box = pending.pop()
            yield box
            pending.extend(reversed(box.children))


class Wire(msgspec.Struct, frozen=True, gc=False):
    """A connection from box `source` to box `target`, both by key.

    `net` names the value that flows: wires of one net out of one source share one trunk, and branch off it late.
    """

    source: Hashable
    target: Hashable
    net: Hashable = None


class Rect(NamedTuple):
    """An upright rectangle; `x` and `y` are its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def center(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything goes.

    Attributes:
        rects: rectangle of every box by key, the root's at (0, 0).
        titles: room for the title of every container that has one, by key: no wire that enters passes through it.
        paths: one path for each wire, in the order given. It starts on the border of the source and ends on the
            border of the target, with a point on the border of every container that it enters or leaves. Between two
            neighbouring points the wire runs straight where they share the coordinate across the flow (x for
            direction "down"), and otherwise as the cubic that `cubics` gives; either way it touches no foreign leaf.
            A wire that closes a cycle runs against the flow.
        width, height: size of the whole picture.
        direction: "down" or "right".
    """

    rects: dict[Hashable, Rect]
    titles: dict[Hashable, Rect]
    paths: list[Path]
    width: float
    height: float
    direction: str = DOWN


def cubics(path: Sequence[Point], direction: str = DOWN) -> Path:
    """The path as one chain of cubic Bézier curves: `[start, control, control, end, control, control, end, …]`.

    Each curve leaves and arrives along the flow, so the chain is smooth, and monotone wherever the path is.
    """
    curve = [path[0]]
    for (x0, y0), (x1, y1) in pairwise(path):
        if direction == DOWN:
            middle = (y0 + y1) / 2
            curve += (x0, middle), (x1, middle), (x1, y1)
        else:
            middle = (x0 + x1) / 2
            curve += (middle, y0), (middle, y1), (x1, y1)
    return curve

"""One level placed: coordinates of its items, its own outline with ports, and the paths of its edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphviz_nn.layout.coordinates import Sizes, assign
from graphviz_nn.layout.layered import Layered, Layers, Segment
from graphviz_nn.layout.level import CENTER
from graphviz_nn.layout.routes import Bands, Stage, route
from graphviz_nn.layout.shape import Frame, Shape

LAYER_GAP: Final = 26.0
"""Least distance of two layers of boxes."""

PORT_GAP: Final = 18.0
"""Least distance of a port and the first (or last) layer."""

SLOPE: Final = 0.09
STEEPEST: Final = 44.0
"""Wires that run far across get this much more room along the flow for each pixel across, up to a limit."""

TITLE_CLEARANCE: Final = 2.0
"""Room between a title, which has margins of its own, and a wire that enters beside it."""


def place(layered: Layered, layers: Layers, children: Sequence[Shape], frame: Frame, number: int) -> Shape:
    """Returns the container of these children as a shape."""
    sizes = _sizes(layered, children)
    centers = assign(layered, layers, sizes)
    left, right = _extent(centers, sizes.widths)
    centers = [x - left + frame.left + frame.padding for x in centers]
    level = layered.level
    first_bottom = level.items + level.tops
    inner = right - left + frame.left + 2 * frame.padding
    move, width, title = _outline(centers[level.items : first_bottom], inner, frame)
    centers = [x + move for x in centers]
    bands = _bands(layered, layers, _slants(layered, centers, sizes), children, frame)
    corners = [
        (centers[k] - shape.width / 2, _top(layered, bands, k, shape.height)) for k, shape in enumerate(children)
    ]
    tops, bottoms = centers[level.items : first_bottom], centers[first_bottom : level.vertices]
    return Shape(
        number=number,
        width=width,
        height=bands.height,
        anchor=next((centers[v] + sizes.anchors[v] for v in range(level.vertices) if layered.main[v]), width / 2),
        tops=tuple(sorted(tops)),
        bottoms=tuple(sorted(bottoms)),
        top_places=_places(tops),
        bottom_places=_places(bottoms),
        corners=corners,
        routes=route(Stage(layered, children, sizes, centers, bands, corners)),
        title=title,
    )


def _places(ports: Sequence[float]) -> tuple[int, ...]:
    """By number of a port, its place from left to right."""
    ascending = sorted(ports)
    return tuple(ascending.index(port) for port in ports)


def _sizes(layered: Layered, children: Sequence[Shape]) -> Sizes:
    widths = [shape.width for shape in children] + [0.0] * (layered.count - len(children))

    def upper_offset(segment: Segment) -> float:
        if segment.upper_port == CENTER:
            return 0.0
        shape = children[segment.upper]
        return shape.bottoms[segment.upper_port] - shape.width / 2

    def lower_offset(segment: Segment) -> float:
        if segment.lower_port == CENTER:
            return 0.0
        shape = children[segment.lower]
        return shape.tops[segment.lower_port] - shape.width / 2

    anchors = [shape.anchor - shape.width / 2 for shape in children] + [0.0] * (layered.count - len(children))
    return Sizes(widths, anchors, upper_offset, lower_offset)


def _extent(centers: Sequence[float], widths: Sequence[float]) -> tuple[float, float]:
    left = min((x - width / 2 for x, width in zip(centers, widths, strict=True)), default=0.0)
    right = max((x + width / 2 for x, width in zip(centers, widths, strict=True)), default=0.0)
    return left, right


def _outline(ports: Sequence[float], inner: float, frame: Frame) -> tuple[float, float, float]:
    """How far to move everything to the right, the container's width, and where its title starts.

    The title goes to the first stretch of the upper border that is wide enough between the wires that enter there.
    Where none is, the container grows until it fits to the left of them all. Beside a lone wire it grows to the right
    as well: a chain stays in the middle of its frame.
    """
    width = max(inner, frame.width)
    move = (width - inner) / 2
    if not frame.title:
        return move, width, 0.0
    entering = sorted(port + move for port in ports)
    starts = [0.0, *(port + TITLE_CLEARANCE for port in entering)]
    ends = [*(port - TITLE_CLEARANCE for port in entering), width]
    for start, end in zip(starts, ends, strict=True):
        if start + frame.title <= end:
            return move, width, start
    if not entering:
        return (frame.title - inner) / 2, frame.title, 0.0
    grown = frame.title - ends[0]
    least = 2 * (entering[0] + grown) if len(entering) == 1 else 0.0
    return move + grown, max(width + grown, least), 0.0


def _slants(layered: Layered, centers: Sequence[float], sizes: Sizes) -> list[float]:
    """How far across the widest segment of each gap runs."""
    return [
        max(
            (abs(centers[s.upper] + sizes.upper_offset(s) - centers[s.lower] - sizes.lower_offset(s)) for s in gap),
            default=0.0,
        )
        for gap in layered.gaps
    ]


def _bands(layered: Layered, layers: Layers, slants: Sequence[float], children: Sequence[Shape], frame: Frame) -> Bands:
    level, tops, bottoms = layered.level, [], []
    y = 0.0 if level.tops else frame.top + frame.padding
    for k, layer in enumerate(layers):
        tops.append(y)
        y += max((children[v].height for v in layer if v < level.items), default=0.0)
        if k == 0 and level.tops:
            y = frame.top
        bottoms.append(y)
        if k < len(slants):
            beside_ports = (k == 0 and level.tops) or (k == len(slants) - 1 and level.bottoms)
            y += (PORT_GAP if beside_ports else LAYER_GAP) + min(STEEPEST, SLOPE * slants[k])
    if not level.bottoms:
        y += frame.padding
    return Bands(tops, bottoms, max(y, frame.height))


def _top(layered: Layered, bands: Bands, item: int, height: float) -> float:
    """Boxes that only send stand at the foot of their layer, those that only receive at its head."""
    r = layered.ranks[item]
    free = bands.bottoms[r] - bands.tops[r] - height
    if layered.up[item]:
        free *= 0.5 if layered.down[item] else 0.0
    return bands.tops[r] + free

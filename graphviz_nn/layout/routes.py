"""The path of each edge of a level: straight down beside boxes, across only between layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphviz_nn.layout.attach import Ends, attach
from graphviz_nn.layout.coordinates import Sizes
from graphviz_nn.layout.geometry import Path, Point
from graphviz_nn.layout.layered import Layered, Segment
from graphviz_nn.layout.shape import Shape

SAME: Final = 0.01
"""Coordinates that differ by less are equal."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Upper and lower edge of each layer along the flow, and where the container ends."""

    tops: list[float]
    bottoms: list[float]
    height: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A level with the coordinates of everything on it."""

    layered: Layered
    children: Sequence[Shape]
    sizes: Sizes
    centers: Sequence[float]
    bands: Bands
    corners: Sequence[Point]

    def foot(self, vertex: int) -> float:
        """Where wires leave a vertex, along the flow."""
        if vertex < len(self.children):
            return self.corners[vertex][1] + self.children[vertex].height
        return 0.0

    def head(self, vertex: int) -> float:
        """Where wires reach a vertex, along the flow."""
        return self.corners[vertex][1] if vertex < len(self.children) else self.bands.height


def route(stage: Stage) -> list[Path]:
    """Returns one path an edge, from the border of its source to the border of its target."""
    layered = stage.layered
    widths = [shape.width - 2 * shape.margin for shape in stage.children]
    places = attach(layered, stage.centers, widths, _at_ports(stage))
    trunks = [_straights(stage, trunk) for trunk in range(len(layered.bends))]
    paths = []
    for number, edge in enumerate(layered.level.edges):
        start, end = places.starts[number], places.ends[number]
        first, last = layered.ranks[edge.source], layered.ranks[edge.target]
        path = [(start, stage.foot(edge.source)), (start, stage.bands.bottoms[first])]
        for top, bottom, x in trunks[layered.trunks[number]]:
            if top < last and bottom > first:
                path.append((x, stage.bands.tops[max(top, first + 1)]))
                path.append((x, stage.bands.bottoms[min(bottom, last - 1)]))
        path += (end, stage.bands.tops[last]), (end, stage.head(edge.target))
        paths.append(_simplified(path))
    return paths


def _at_ports(stage: Stage) -> Ends:
    """Where edges would start and end at the ports, or at the centres, of what they join."""
    starts, ends = [], []
    for edge in stage.layered.level.edges:
        segment = Segment(edge.source, edge.target, edge.source_port, edge.target_port)
        starts.append(stage.centers[edge.source] + stage.sizes.upper_offset(segment))
        ends.append(stage.centers[edge.target] + stage.sizes.lower_offset(segment))
    return Ends(starts, ends)


def _straights(stage: Stage, trunk: int) -> list[tuple[int, int, float]]:
    """First and last layer, and place, of each straight part of a trunk, downwards."""
    runs: list[tuple[int, int, float]] = []
    for r, bend in stage.layered.bends[trunk].items():
        x = stage.centers[bend]
        if runs and abs(runs[-1][2] - x) < SAME:
            runs[-1] = runs[-1][0], r, runs[-1][2]
        else:
            runs.append((r, r, x))
    return runs


def _simplified(path: Path) -> Path:
    """The path without repeated points, and without those inside a straight stretch."""
    kept = path[:1]
    for x, y in path[1:]:
        last_x, last_y = kept[-1]
        if abs(x - last_x) >= SAME:
            kept.append((x, y))
        elif abs(y - last_y) >= SAME:
            if len(kept) > 1 and kept[-2][0] == last_x:
                kept.pop()
            kept.append((last_x, y))
    return kept

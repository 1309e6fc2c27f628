"""A last look at the positions across the flow: blocks that could be straight in more places, or nearer, are moved.

The mean of four alignments leaves some boxes between the places where the alignments would have them, although there
is room at one of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from graphviz_nn.layout.layered import Layered, Segment

ROUNDS: Final = 3
"""Moves of one block make room for others; after this many rounds little is left to gain."""

SAME: Final = 0.01
"""Places that differ by less are equal."""

Spans = Sequence[tuple[int, int, float]]


def straighten(
    layered: Layered, centers: list[float], apart: Spans, slants: dict[Segment, float], fixed: Sequence[bool]
) -> list[float]:
    """Returns better centres for what is not `fixed`; order and least distances are kept.

    Args:
        apart: neighbours on a layer, left and right, and the least distance of their centres.
        slants: of each segment the distance, lower less upper centre, at which it is straight.
    """
    blocks = _Blocks(layered, list(centers), apart, slants, fixed)
    for _ in range(ROUNDS):
        if not blocks.improve():
            break
    return blocks.centers


class _Blocks:
    """Vertices that straight segments tie together move as one."""

    def __init__(
        self, layered: Layered, centers: list[float], apart: Spans, slants: dict[Segment, float], fixed: Sequence[bool]
    ) -> None:
        self.centers = centers
        self._slants = slants
        self._left: dict[int, tuple[int, float]] = {right: (left, gap) for left, right, gap in apart}
        self._right: dict[int, tuple[int, float]] = {left: (right, gap) for left, right, gap in apart}
        self._segments: list[list[Segment]] = [[] for _ in centers]
        for gap in layered.gaps:
            for segment in gap:
                self._segments[segment.upper].append(segment)
                self._segments[segment.lower].append(segment)
        self._fixed = fixed

    def improve(self) -> bool:
        """Moves each block once, to the best place that it can reach; returns whether any moved."""
        moved = False
        for block in self._all():
            if any(self._fixed[vertex] for vertex in block):
                continue
            loose = [self._bend(segment, vertex) for vertex in block for segment in self._segments[vertex]]
            loose = [bend for bend in loose if abs(bend) >= SAME]
            least, most = self._room(block)
            wishes = {round(bend, 3) for bend in loose if least <= bend <= most}
            wishes_by_size = sorted(wishes, key=lambda move: (abs(move), move))
            best = min([0.0, *wishes_by_size], key=lambda move: _cost(loose, move))
            if best:
                moved = True
                for vertex in block:
                    self.centers[vertex] += best
        return moved

    def _bend(self, segment: Segment, vertex: int) -> float:
        """How far the vertex would have to move for the segment to be straight."""
        bend = self.centers[segment.upper] + self._slants[segment] - self.centers[segment.lower]
        return bend if vertex == segment.lower else -bend

    def _all(self) -> Iterator[list[int]]:
        seen = [False] * len(self.centers)
        for start in range(len(self.centers)):
            if seen[start]:
                continue
            seen[start] = True
            block = [start]
            for vertex in block:
                for segment in self._segments[vertex]:
                    other = segment.upper + segment.lower - vertex
                    if not seen[other] and abs(self._bend(segment, vertex)) < SAME:
                        seen[other] = True
                        block.append(other)
            yield block

    def _room(self, block: Sequence[int]) -> tuple[float, float]:
        """How far the block can move to the left (negative) and to the right; its own members move along."""
        inside = set(block)
        least, most = -1e9, 1e9
        for vertex in block:
            left, gap = self._left.get(vertex, (vertex, 0.0))
            if left not in inside:
                least = max(least, self.centers[left] + gap - self.centers[vertex])
            right, gap = self._right.get(vertex, (vertex, 0.0))
            if right not in inside:
                most = min(most, self.centers[right] - gap - self.centers[vertex])
        return min(least, 0.0), max(most, 0.0)


def _cost(bends: Sequence[float], move: float) -> tuple[int, float]:
    """Segments left slanting after a move, then how far across they run in all."""
    left = [abs(bend - move) for bend in bends]
    return sum(each >= SAME for each in left), sum(left)

"""Positions across the flow, given the order of each layer.

Brandes and Köpf, "Fast and simple horizontal coordinate assignment" (2001): four alignments of vertices with their
median neighbours, each compacted, and for every vertex the mean of its two middle positions. Beyond the paper, boxes
have widths, segments end at ports off the centre, and some segments are kept straight before all others: those of the
main path, then those between bends.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from graphviz_nn.layout.layered import Layered, Layers, Segment
from graphviz_nn.layout.straighten import straighten

BOX_GAP: Final = 24.0
BOX_WIRE_GAP: Final = 16.0
WIRE_GAP: Final = 12.0

MAIN, INNER, PLAIN = 2, 1, 0
"""How much a segment should be straight."""

Offset = Callable[[Segment], float]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of each vertex its width, and how far from its centre what should line up along the main path lies; of each
    segment how far from their centres it meets its two ends.

    The main path lines up by anchors, not by ports: the ways through a row of containers would add up to a slant.
    """

    widths: Sequence[float]
    anchors: Sequence[float]
    upper_offset: Offset
    lower_offset: Offset


def assign(layered: Layered, layers: Layers, sizes: Sizes) -> list[float]:
    """Returns the centre of every vertex; neighbours on a layer keep their order and do not touch."""
    if not layered.count:
        return []
    position = _positions(layered.count, layers)
    gaps = _separations(layered, layers, sizes.widths)
    above, below = _candidates(layered, position, sizes)
    runs = []
    for downwards, candidates in ((True, above), (False, below)):
        for leftwards in (True, False):
            run = _Alignment(layers, position, candidates, leftwards)
            run.align(downwards)
            runs.append(run.compact(gaps))
    slants = {segment: _distance(layered, sizes, segment) for gap in layered.gaps for segment in gap}
    return straighten(layered, _balance(runs, sizes.widths), gaps, slants, layered.main)


def _distance(layered: Layered, sizes: Sizes, segment: Segment) -> float:
    """How far the lower centre lies to the right of the upper one where the segment is straight."""
    if _priority(layered, segment) == MAIN:
        return sizes.anchors[segment.upper] - sizes.anchors[segment.lower]
    return sizes.upper_offset(segment) - sizes.lower_offset(segment)


def _positions(count: int, layers: Layers) -> list[int]:
    position = [0] * count
    for layer in layers:
        for place, vertex in enumerate(layer):
            position[vertex] = place
    return position


Candidates = list[list[tuple[int, float]]]
"""Whom each vertex may align with on the layer before, from the left, and the distance that its centre then keeps
from the other's."""


def _candidates(layered: Layered, position: Sequence[int], sizes: Sizes) -> tuple[Candidates, Candidates]:
    """Candidates on the layer above and on the layer below."""
    above: list[list[tuple[int, Segment]]] = [[] for _ in range(layered.count)]
    below: list[list[tuple[int, Segment]]] = [[] for _ in range(layered.count)]
    fixed_above: dict[int, Segment] = {}
    fixed_below: dict[int, Segment] = {}
    for gap in layered.gaps:
        straight = _straight(layered, gap, position)
        for segment in straight.segments:
            fixed_below[segment.upper] = fixed_above[segment.lower] = segment
        for segment in gap:
            if straight.allows(position[segment.upper], position[segment.lower]):
                above[segment.lower].append((position[segment.upper], segment))
                below[segment.upper].append((position[segment.lower], segment))
    upwards: Candidates = []
    downwards: Candidates = []
    for vertex in range(layered.count):
        chosen = [fixed_above[vertex]] if vertex in fixed_above else _medians(above[vertex])
        free = [s for s in chosen if fixed_below.get(s.upper, s).lower == vertex]
        upwards.append([(s.upper, _distance(layered, sizes, s)) for s in free])
        chosen = [fixed_below[vertex]] if vertex in fixed_below else _medians(below[vertex])
        free = [s for s in chosen if fixed_above.get(s.lower, s).upper == vertex]
        downwards.append([(s.lower, -_distance(layered, sizes, s)) for s in free])
    return upwards, downwards


def _medians(near: list[tuple[int, Segment]]) -> list[Segment]:
    near.sort(key=lambda each: each[0])
    if not near:
        return []
    left, right = (len(near) - 1) // 2, len(near) // 2
    return [near[left][1]] if left == right else [near[left][1], near[right][1]]


@dataclass(slots=True)
class _Straight:
    """Segments of a gap that are kept straight; none crosses another. Sorted places of their ends."""

    segments: list[Segment]
    uppers: list[int]
    lowers: list[int]

    def allows(self, upper: int, lower: int) -> bool:
        """Whether a segment between these places crosses none of them."""
        return bisect_left(self.uppers, upper) <= bisect_right(self.lowers, lower) and bisect_left(
            self.lowers, lower
        ) <= bisect_right(self.uppers, upper)


def _straight(layered: Layered, gap: Sequence[Segment], position: Sequence[int]) -> _Straight:
    found = _Straight([], [], [])
    wanted = [(-_priority(layered, s), position[s.upper], position[s.lower], s) for s in gap]
    for priority, upper, lower, segment in sorted(wanted):
        if priority == -PLAIN:
            break
        place = bisect_left(found.uppers, upper)
        left_free = place == 0 or (found.uppers[place - 1] < upper and found.lowers[place - 1] < lower)
        right_free = place == len(found.uppers) or (found.uppers[place] > upper and found.lowers[place] > lower)
        if left_free and right_free:
            found.segments.append(segment)
            found.uppers.insert(place, upper)
            found.lowers.insert(place, lower)
    return found


def _priority(layered: Layered, segment: Segment) -> int:
    if layered.main[segment.upper] and layered.main[segment.lower]:
        return MAIN
    boxes = layered.level.items
    inner = segment.upper >= boxes and segment.lower >= boxes
    return INNER if inner else PLAIN


def _separations(layered: Layered, layers: Layers, widths: Sequence[float]) -> list[tuple[int, int, float]]:
    """Neighbours on a layer, and the least distance of their centres."""
    boxes = layered.level.items
    apart = []
    for layer in layers:
        for left, right in pairwise(layer):
            wires = (left >= boxes) + (right >= boxes)
            gap = (BOX_GAP, BOX_WIRE_GAP, WIRE_GAP)[wires]
            apart.append((left, right, (widths[left] + widths[right]) / 2 + gap))
    return apart


class _Alignment:
    """One of the four: blocks of vertices on one straight line, pushed to one side."""

    def __init__(self, layers: Layers, position: Sequence[int], candidates: Candidates, leftwards: bool) -> None:
        self._layers = layers
        self._position = position
        self._candidates = candidates
        self._leftwards = leftwards
        self._root = list(range(len(position)))
        self._shift = [0.0] * len(position)

    def align(self, downwards: bool) -> None:
        """Joins each vertex to the block of a neighbour on the layer before, leftmost (or rightmost) first."""
        taken = [False] * len(self._root)
        position, root, shift = self._position, self._root, self._shift
        sign = 1 if self._leftwards else -1
        for layer in self._layers if downwards else reversed(self._layers):
            border: float = -1 if self._leftwards else -len(position)
            for vertex in layer if self._leftwards else reversed(layer):
                candidates = self._candidates[vertex]
                for neighbour, distance in candidates if self._leftwards else reversed(candidates):
                    place = sign * position[neighbour]
                    if place > border and not taken[neighbour]:
                        border = place
                        taken[neighbour] = True
                        root[vertex] = root[neighbour]
                        shift[vertex] = shift[neighbour] + distance
                        break

    def compact(self, apart: Sequence[tuple[int, int, float]]) -> list[float]:
        """Pushes the blocks as far to one side as their neighbours let them, then back towards their followers."""
        blocks: dict[tuple[int, int], float] = {}
        root, shift = self._root, self._shift
        for left, right, gap in apart:
            if self._leftwards:
                pair, least = (root[left], root[right]), gap + shift[left] - shift[right]
            else:
                pair, least = (root[right], root[left]), gap - shift[right] + shift[left]
            if least > blocks.get(pair, -1e30):
                blocks[pair] = least
        after: dict[int, list[tuple[int, float]]] = {
            vertex: [] for vertex in range(len(root)) if root[vertex] == vertex
        }
        waiting = dict.fromkeys(after, 0)
        for (first, second), least in blocks.items():
            after[first].append((second, least))
            waiting[second] += 1
        place = dict.fromkeys(after, 0.0)
        ready = [block for block, count in waiting.items() if count == 0]
        for block in ready:
            for follower, least in after[block]:
                place[follower] = max(place[follower], place[block] + least)
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    ready.append(follower)
        for block in reversed(ready):
            if after[block]:
                place[block] = max(place[block], min(place[f] - least for f, least in after[block]))
        sign = 1 if self._leftwards else -1
        return [sign * place[root[vertex]] + shift[vertex] for vertex in range(len(root))]


def _balance(runs: list[list[float]], widths: Sequence[float]) -> list[float]:
    """Moves the four onto the narrowest of them and takes the mean of each vertex's two middle places."""
    extents = [_extent(run, widths) for run in runs]
    left, right = min(extents, key=lambda extent: extent[1] - extent[0])
    aligned = []
    for number, (run, extent) in enumerate(zip(runs, extents, strict=True)):
        move = left - extent[0] if number % 2 == 0 else right - extent[1]
        aligned.append([x + move for x in run])
    return [sum(sorted(places)[1:3]) / 2 for places in zip(*aligned, strict=True)]


def _extent(run: Sequence[float], widths: Sequence[float]) -> tuple[float, float]:
    return (
        min(x - width / 2 for x, width in zip(run, widths, strict=True)),
        max(x + width / 2 for x, width in zip(run, widths, strict=True)),
    )

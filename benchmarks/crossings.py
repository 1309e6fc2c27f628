"""Counting the crossings of a drawn layered graph, the same way for any program that drew it."""

from __future__ import annotations

import subprocess
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from graphviz_nn.layout import cubics, layout
from tests.support.networks import Network

Point = tuple[float, float]
Curves = Mapping[tuple[int, int], Sequence[Point]]
"""Points of one smooth chain of cubics a wire, by its two ends."""

POINTS_PER_INCH = 72.0


def ours(net: Network) -> int:
    """Crossings in this package's layout of the network without containers."""
    placement = layout(net.root, net.wires)
    centers = {key: placement.rects[key].center for key in net.labels}
    curves = {(wire.source, wire.target): cubics(path) for wire, path in zip(net.wires, placement.paths, strict=True)}
    return count(centers, curves)  # type: ignore[arg-type]


def of_dot(net: Network, patience: float) -> int | None:
    """Crossings in Graphviz's layout of the same graph, or None where `dot` takes longer than `patience` seconds."""
    lines = ['digraph { node [shape=box fixedsize=true label=""]; nodesep=0.33; ranksep=0.36;']
    inches = [(box.key, box.width / POINTS_PER_INCH, box.height / POINTS_PER_INCH) for box in net.root.children]
    lines += [f"{key} [width={width:.4f} height={height:.4f}];" for key, width, height in inches]
    lines += [f"{u} -> {v};" for u, v in dict.fromkeys((wire.source, wire.target) for wire in net.wires)]
    try:
        run = subprocess.run(
            ["dot", "-Tplain"],
            input="\n".join([*lines, "}"]),
            capture_output=True,
            text=True,
            timeout=patience,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return None
    centers: dict[int, Point] = {}
    curves: dict[tuple[int, int], list[Point]] = {}
    for words in map(str.split, run.stdout.splitlines()):
        if words[0] == "node":
            centers[int(words[1])] = (float(words[2]), -float(words[3]))
        elif words[0] == "edge":
            numbers = [float(word) for word in words[4 : 4 + 2 * int(words[3])]]
            curves[int(words[1]), int(words[2])] = [(x, -y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    return count(centers, curves)


def count(centers: Mapping[int, Point], curves: Curves) -> int:
    """Pairs of lines that change sides between two neighbouring layers, as a reader of the picture sees them.

    Every wire becomes straight segments: from the centre of its source, by where its curve meets each layer that it
    passes, to the centre of its target. Segments that share an end do not cross there. Wires that run on one line
    between two layers are one line.
    """
    layers = sorted({round(y, 3) for _, y in centers.values()})
    gaps: list[list[Point]] = [[] for _ in layers]
    for (source, target), chain in curves.items():
        upper, lower = sorted((centers[source], centers[target]), key=lambda point: point[1])
        line = sorted(_sampled(chain), key=lambda point: point[1])
        first = layers.index(round(upper[1], 3))
        last = layers.index(round(lower[1], 3))
        places = [upper[0], *(_place(line, layers[k]) for k in range(first + 1, last)), lower[0]]
        for k, (left, right) in enumerate(pairwise(places), first):
            gaps[k].append((left, right))
    return sum(_inversions(gap) for gap in gaps)


def _sampled(chain: Sequence[Point]) -> list[Point]:
    points = [chain[0]]
    for k in range(0, len(chain) - 1, 3):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = chain[k : k + 4]
        for step in range(1, 13):
            t = step / 12
            a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
            points.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return points


def _place(line: Sequence[Point], y: float) -> float:
    """Where the line, sorted downwards, is at that height."""
    k = bisect_right(line, y, key=lambda point: point[1])
    if k in (0, len(line)):
        return line[min(k, len(line) - 1)][0]
    (x0, y0), (x1, y1) = line[k - 1], line[k]
    return x0 + (x1 - x0) * (y - y0) / (y1 - y0) if y1 > y0 else x1


def _inversions(gap: Sequence[Point]) -> int:
    """Crossings of the segments of one gap, each given by where it starts and ends across."""
    crossings = 0
    passed: list[float] = []
    for _, lower in sorted({(round(upper, 2), round(lower, 2)) for upper, lower in gap}):
        place = bisect_right(passed, lower)
        crossings += len(passed) - place
        passed.insert(place, lower)
    return crossings

"""Wires taken apart: each becomes a chain of edges, one for every container that it runs through.

A wire between two boxes belongs to the lowest container that holds both. Below that container it runs through a port
on the border of each expanded box that it leaves or enters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphviz_nn.errors import UsageError, did_you_mean
from graphviz_nn.layout.cycles import closing_edges
from graphviz_nn.layout.geometry import Wire
from graphviz_nn.layout.tree import Tree

BORDER: Final = -1
"""Stands for a port on the container's own border where a slot is expected."""

BUS_SIZE: Final = 8
"""From this many nets into one box, or out of one box, they share one trunk: fifty parallel wires say no more."""

InnerEdge = tuple[int, int, int]
"""Slot of the source (or `BORDER`), slot of the target (or `BORDER`), net."""


@dataclass(slots=True)
class Wiring:
    """The edges inside each container, and the way of each wire along them.

    Attributes:
        edges: for each container, its edges and their numbers, in order of first use.
        routes: for each wire, `(container, edge)` from the upper end to the lower; empty for a wire from a box to
            itself.
        flipped: for each wire, whether it closes a cycle: its upper end is then its target.
    """

    edges: dict[int, dict[InnerEdge, int]] = field(default_factory=lambda: defaultdict(dict))
    routes: list[list[tuple[int, int]]] = field(default_factory=list)
    flipped: list[bool] = field(default_factory=list)


def connect(tree: Tree, wires: Sequence[Wire]) -> Wiring:
    """Takes the wires apart.

    Raises:
        UsageError: a wire names a box that is not in the tree, or connects a container with a box inside it.
    """
    ends = _ends(tree, wires)
    parents = tree.parents
    meetings = [end if parents[end[0]] == parents[end[1]] else _meeting(tree, *end) for end in ends]
    nets = _nets(ends, wires)
    closing = _closing(tree, meetings)
    wiring = Wiring()
    for (source, target), (left, right), net in zip(ends, meetings, nets, strict=True):
        flip = bool(closing) and (left, right) in closing
        wiring.flipped.append(flip)
        if source == target:
            wiring.routes.append([])
        elif flip:
            wiring.routes.append(_route(tree, wiring, (target, source), (right, left), -1 - net))
        else:
            wiring.routes.append(_route(tree, wiring, (source, target), (left, right), net))
    return wiring


def _ends(tree: Tree, wires: Sequence[Wire]) -> list[tuple[int, int]]:
    numbers = tree.numbers
    try:
        return [(numbers[wire.source], numbers[wire.target]) for wire in wires]
    except KeyError as error:
        key = error.args[0]
    known = (str(each) for each in numbers)
    raise UsageError(f"A wire ends at {key!r}, but no box has that key.{did_you_mean(str(key), known)}")


def _meeting(tree: Tree, source: int, target: int) -> tuple[int, int]:
    """The two siblings that hold the ends; equal for a wire from a box to itself."""
    parents, depths = tree.parents, tree.depths
    left, right = source, target
    while depths[left] > depths[right]:
        left = parents[left]
    while depths[right] > depths[left]:
        right = parents[right]
    if left == right and source != target:
        keys = [box.key for box in (tree.boxes[source], tree.boxes[target]) if box]
        raise UsageError(
            f"A wire connects {keys[0]!r} with {keys[1]!r}, and one is inside the other; end it at a leaf."
        )
    while parents[left] != parents[right]:
        left, right = parents[left], parents[right]
    return left, right


def _nets(ends: Sequence[tuple[int, int]], wires: Sequence[Wire]) -> list[int]:
    """One number a wire; wires of equal number share a trunk, and have one source or one target in common."""
    sent = [(source, wire.net) for (source, _), wire in zip(ends, wires, strict=True)]
    senders = _busy(sent)
    receivers = _busy([(target, key) for (_, target), key in zip(ends, sent, strict=True)])
    keys: Sequence[Hashable] = sent
    if senders or receivers:
        keys = [
            ("into", target) if target in receivers else ("out of", source) if source in senders else key
            for (source, target), key in zip(ends, sent, strict=True)
        ]
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _busy(ends: Sequence[tuple[int, Hashable]]) -> set[int]:
    """The boxes with at least `BUS_SIZE` different things at them."""
    often = {box for box, count in Counter([box for box, _ in ends]).items() if count >= BUS_SIZE}
    if not often:
        return often
    counts = Counter(box for box, _ in dict.fromkeys(ends) if box in often)
    return {box for box, count in counts.items() if count >= BUS_SIZE}


def _closing(tree: Tree, meetings: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs of siblings whose wires run against the order of execution within a cycle."""
    backward = {tree.parents[left] for left, right in meetings if left > right}
    pairs: dict[int, set[tuple[int, int]]] = defaultdict(set)
    if backward:
        for left, right in meetings:
            if tree.parents[left] in backward and left != right:
                pairs[tree.parents[left]].add((left, right))
    return {edge for edges in pairs.values() for edge in closing_edges(edges)}


def _route(
    tree: Tree, wiring: Wiring, ends: tuple[int, int], meeting: tuple[int, int], net: int
) -> list[tuple[int, int]]:
    parents, slots, edges = tree.parents, tree.slots, wiring.edges
    route: list[tuple[int, int]] = []
    box = ends[0]
    while box != meeting[0]:
        container = parents[box]
        inside = edges[container]
        route.append((container, inside.setdefault((slots[box], BORDER, net), len(inside))))
        box = container
    container = parents[box]
    inside = edges[container]
    route.append((container, inside.setdefault((slots[box], slots[meeting[1]], net), len(inside))))
    turn = len(route)
    box = ends[1]
    while box != meeting[1]:
        container = parents[box]
        inside = edges[container]
        route.append((container, inside.setdefault((BORDER, slots[box], net), len(inside))))
        box = container
    route[turn:] = reversed(route[turn:])
    return route

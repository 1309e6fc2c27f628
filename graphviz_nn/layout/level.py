"""One container's inside as a graph of its own: items, ports on its border, edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphviz_nn.layout.wiring import BORDER, InnerEdge

CENTER = -1
"""Stands for the middle of a box's side where the number of a port is expected."""


class Edge(NamedTuple):
    """An edge of a level, downwards.

    Attributes:
        source, target: vertices; see `Level`.
        source_port, target_port: number of the port at an expanded item, else `CENTER`.
        net: edges of one net share a trunk; they have the source or the target in common.
    """

    source: int
    target: int
    source_port: int
    target_port: int
    net: int


@dataclass(frozen=True, slots=True)
class Level:
    """The inside of one container. Two containers of equal levels with equal items look the same.

    Vertices are numbered: first the items (children) in order of execution, then the ports on the upper border, from
    which edges come, then those on the lower border.
    """

    items: int
    tops: int
    bottoms: int
    edges: tuple[Edge, ...]
    stacked: bool = False

    @property
    def vertices(self) -> int:
        return self.items + self.tops + self.bottoms

    @property
    def structure(self) -> tuple[object, ...]:
        """What the order of the items may depend on: not on their sizes, nor on what is inside them."""
        edges = tuple((edge.source, edge.target, edge.net) for edge in self.edges)
        return self.items, self.tops, self.bottoms, self.stacked, edges

    def is_top(self, vertex: int) -> bool:
        return self.items <= vertex < self.items + self.tops

    def is_bottom(self, vertex: int) -> bool:
        return vertex >= self.items + self.tops


class Ports(NamedTuple):
    """Number of the port of each net on a container's upper and lower border."""

    tops: dict[int, int]
    bottoms: dict[int, int]


NO_PORTS = Ports({}, {})


def canonical(inner: dict[InnerEdge, int], children: Sequence[Ports], stacked: bool) -> tuple[Level, Ports, list[int]]:
    """Numbers ports, nets and edges by what they connect, so that equal containers give equal levels.

    Returns the level, the container's own ports, and the place in `Level.edges` of each of the `inner` edges.
    """
    count = len(children)
    nets: dict[int, list[tuple[int, int]]] = {}
    for source, target, net in inner:
        nets.setdefault(net, []).append((source, target))
    ranked = sorted((sorted(ends), net) for net, ends in nets.items())
    tops = _numbered(net for ends, net in ranked if ends[0][0] == BORDER)
    bottoms = _numbered(net for ends, net in ranked if any(target == BORDER for _, target in ends))
    local = _numbered(net for _, net in ranked)
    first_bottom = count + len(tops)
    edges = []
    for (source, target, net), number in inner.items():
        edge = Edge(
            count + tops[net] if source == BORDER else source,
            first_bottom + bottoms[net] if target == BORDER else target,
            CENTER if source == BORDER else children[source].bottoms.get(net, CENTER),
            CENTER if target == BORDER else children[target].tops.get(net, CENTER),
            local[net],
        )
        edges.append((edge, number))
    edges.sort()
    places = [0] * len(edges)
    for place, (_, number) in enumerate(edges):
        places[number] = place
    level = Level(count, len(tops), len(bottoms), tuple(edge for edge, _ in edges), stacked)
    return level, Ports(tops, bottoms), places


def _numbered(nets: Iterable[int]) -> dict[int, int]:
    return {net: number for number, net in enumerate(nets)}

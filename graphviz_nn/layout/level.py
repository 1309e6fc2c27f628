"""One container's inside as a graph of its own: items, ports on its border, edges."""

from __future__ import annotations

from collections.abc import Sequence
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
    local: dict[int, int] = {}
    ports = Ports({}, {})
    for ends, net in ranked:
        local[net] = len(local)
        if ends[0][0] == BORDER:
            ports.tops[net] = len(ports.tops)
        elif any(target == BORDER for _, target in ends):
            ports.bottoms[net] = len(ports.bottoms)
    below = count + len(ports.tops)
    edges = []
    for (source, target, net), number in inner.items():
        upper = (
            (count + ports.tops[net], CENTER)
            if source == BORDER
            else (source, children[source].bottoms.get(net, CENTER))
        )
        lower = (
            (below + ports.bottoms[net], CENTER)
            if target == BORDER
            else (target, children[target].tops.get(net, CENTER))
        )
        edges.append((Edge(upper[0], lower[0], upper[1], lower[1], local[net]), number))
    edges.sort()
    places = [0] * len(edges)
    for place, (_, number) in enumerate(edges):
        places[number] = place
    level = Level(count, len(ports.tops), len(ports.bottoms), tuple(edge for edge, _ in edges), stacked)
    return level, ports, places

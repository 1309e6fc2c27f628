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

    def placed(self, tops: Sequence[int], bottoms: Sequence[int]) -> Ports:
        """The ports numbered by their places from left to right, so that what is around sees what would cross."""
        return Ports(
            {net: tops[port] for net, port in self.tops.items()},
            {net: bottoms[port] for net, port in self.bottoms.items()},
        )


NO_PORTS = Ports({}, {})


class Canonical(NamedTuple):
    """A level, the ports of its container, and the place in `Level.edges` of each edge as it was given."""

    level: Level
    ports: Ports
    places: list[int]


class Canonizer:
    """Numbers ports, nets and edges by what they connect, so that equal containers give equal levels.

    Containers whose edges come in the same order, as those of equal blocks do, are worked out once.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Canonical] = {}

    def __call__(self, inner: Iterable[InnerEdge], children: Sequence[Ports], stacked: bool) -> Canonical:
        """The level of a container with these edges and these ports of its children."""
        nets: dict[int, int] = {}
        edges = []
        for source, target, net in inner:
            below = children[source].bottoms if source != BORDER else None
            above = children[target].tops if target != BORDER else None
            edges.append(
                (
                    source,
                    target,
                    below.get(net, CENTER) if below else CENTER,
                    above.get(net, CENTER) if above else CENTER,
                    nets.setdefault(net, len(nets)),
                )
            )
        key = len(children), stacked, tuple(edges)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _canonical(len(children), edges, stacked)
        names = list(nets)
        tops, bottoms = ({names[net]: port for net, port in side.items()} for side in known.ports)
        return Canonical(known.level, Ports(tops, bottoms), known.places)


def _canonical(count: int, edges: Sequence[tuple[int, int, int, int, int]], stacked: bool) -> Canonical:
    nets: dict[int, list[tuple[int, int]]] = {}
    for source, target, _, _, net in edges:
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
    numbered = sorted(
        (
            Edge(
                count + ports.tops[net] if source == BORDER else source,
                below + ports.bottoms[net] if target == BORDER else target,
                source_port,
                target_port,
                local[net],
            ),
            number,
        )
        for number, (source, target, source_port, target_port, net) in enumerate(edges)
    )
    places = [0] * len(numbered)
    for place, (_, number) in enumerate(numbered):
        places[number] = place
    level = Level(count, len(ports.tops), len(ports.bottoms), tuple(edge for edge, _ in numbered), stacked)
    return Canonical(level, ports, places)

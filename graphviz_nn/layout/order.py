"""The order of the vertices on each layer, with few crossings.

The layer-by-layer sweep of Sugiyama, Tagawa and Toda (1981) with medians and barycentres, each followed by swaps of
neighbours as in Gansner et al. (1993), from several starts; the best order seen is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from graphviz_nn.layout.keeping import FREE, Stay, bound, put_back
from graphviz_nn.layout.layered import Layered, Layers
from graphviz_nn.layout.level import CENTER
from graphviz_nn.layout.starts import starts

PATIENCE: Final = 4
"""Sweeps in a row without a better order before a start is given up."""

HOPE: Final = 1.25
"""A start whose crossings are more than this times the best known is given up at the first sweep without gain."""

SWAP_LIMIT: Final = 4000
"""Above this many vertices neighbours are not swapped."""


def order(layered: Layered, stay: Stay = FREE) -> Layers:
    """Returns the vertices of each layer from left to right; items that were there before stay in their order."""
    best: Layers = []
    fewest = -1
    for number, start in starts(layered):
        sweeper = _Sweeper(layered, start, stay)
        found = sweeper.improve(number, fewest)
        if fewest < 0 or found < fewest:
            best, fewest = sweeper.best, found
        if fewest == 0:
            break
    return best


def crossings(layered: Layered, layers: Layers) -> int:
    """How many pairs of segments cross."""
    return _Sweeper(layered, layers).count()


class _Sweeper:
    """Improves one order of the layers in place and remembers the best that it has seen."""

    def __init__(self, layered: Layered, start: Layers, stay: Stay = FREE) -> None:
        self._layered = layered
        self._stay = stay
        self._layers = [list(layer) for layer in start]
        self._position = [0.0] * layered.count
        for layer in self._layers:
            if stay:
                put_back(layer, stay)
            self._number(layer)
        self._above, self._below, self._gaps = _shifted(layered)
        self.best = [list(layer) for layer in self._layers] if stay else start

    def _number(self, layer: Sequence[int]) -> None:
        for place, vertex in enumerate(layer):
            self._position[vertex] = place

    def count(self) -> int:
        """Crossings of all segments: inversions between the orders of their upper and their lower ends."""
        position, total = self._position, 0
        for gap in self._gaps:
            if len(gap) < 2:
                continue
            ends = sorted([(position[u] + a, position[v] + b) for u, a, v, b in gap])
            passed: list[float] = []
            for _, lower in ends:
                place = bisect_right(passed, lower)
                total += len(passed) - place
                passed.insert(place, lower)
        return total

    def improve(self, number: int, known: int) -> int:
        """Sweeps until nothing gets better; returns the crossings of the best order.

        Args:
            number: of the start; successive ones begin with different kinds of sweep.
            known: crossings of the best order from other starts, or -1; far from it, patience ends sooner.
        """
        swap = self._layered.count <= SWAP_LIMIT
        fewest, stale, sweep = self.count(), 0, number
        while fewest and stale < (PATIENCE if known < 0 or fewest <= HOPE * known else 1):
            self._sweep(sweep)
            if swap:
                self._swap_all(sweep % 2 == 1)
            crossings = self.count()
            stale += 1
            sweep += 1
            if crossings < fewest:
                fewest, stale = crossings, 0
                self.best = [list(layer) for layer in self._layers]
        return fewest

    def _sweep(self, number: int) -> None:
        """Orders each layer by its neighbours on the one before, going down and up in turn."""
        downwards = number % 2 == 0
        center = _median if number % 4 < 2 else _mean
        neighbours = self._above if downwards else self._below
        layers = self._layers[1:] if downwards else self._layers[-2::-1]
        for layer in layers:
            if len(layer) > 1:
                self._sort(layer, neighbours, center, number)

    def _sort(
        self,
        layer: list[int],
        neighbours: Sequence[Sequence[tuple[int, float]]],
        center: Callable[[list[float]], float],
        number: int,
    ) -> None:
        position = self._position
        wanted = {}
        for vertex in layer:
            near = neighbours[vertex]
            if len(near) == 1:
                wanted[vertex] = position[near[0][0]] + near[0][1]
            elif near:
                wanted[vertex] = center([position[u] + shift for u, shift in near])
        free = [vertex for vertex in layer if vertex in wanted]
        if number % 8 >= 4:
            free.reverse()
        free.sort(key=wanted.__getitem__)
        following = iter(free)
        layer[:] = [next(following) if vertex in wanted else vertex for vertex in layer]
        if self._stay:
            put_back(layer, self._stay)
        self._number(layer)

    def _swap_all(self, shake: bool) -> None:
        for layer in self._layers:
            if len(layer) > 1:
                self._swap(layer, shake)

    def _swap(self, layer: list[int], shake: bool) -> None:
        """Swaps neighbours on the layer as long as that removes crossings.

        With `shake`, a first pass swaps also those for which it makes no difference: that leads out of dead ends.
        """
        rows = [(*self._places(self._above[vertex]), *self._places(self._below[vertex])) for vertex in layer]
        least, stay = 0 if shake else 1, self._stay
        doubtful = list(range(len(layer) - 1))
        while doubtful:
            swapped = []
            for k in doubtful:
                above, _, last_above, below, _, last_below = rows[k]
                row = rows[k + 1]
                if least and last_above <= row[1] and last_below <= row[4]:
                    continue
                if stay and bound(stay, layer[k], layer[k + 1]):
                    continue
                if _gain(above, row[0]) + _gain(below, row[3]) >= least:
                    layer[k], layer[k + 1] = layer[k + 1], layer[k]
                    rows[k], rows[k + 1] = row, rows[k]
                    swapped.append(k)
            touched = {near for k in swapped for near in (k - 1, k, k + 1)}
            doubtful = [k for k in sorted(touched) if 0 <= k < len(layer) - 1]
            least = 1
        self._number(layer)

    def _places(self, near: Sequence[tuple[int, float]]) -> tuple[list[float], float, float]:
        """Where a vertex's neighbours on one side are, in order; the first, and the last."""
        position = self._position
        if len(near) == 1:
            place = position[near[0][0]] + near[0][1]
            return [place], place, place
        if not near:
            return _NOWHERE
        places = sorted([position[u] + shift for u, shift in near])
        return places, places[0], places[-1]


_NOWHERE: Final[tuple[list[float], float, float]] = ([], inf, -inf)


def _gain(left: list[float], right: list[float]) -> int:
    """Crossings that swapping two neighbours would remove, given the sorted places of what each is tied to."""
    if len(left) == 1 and len(right) == 1:
        return (left[0] > right[0]) - (left[0] < right[0])
    if not left or not right:
        return 0
    crossing = sum(bisect_left(right, place) for place in left)
    swapped = sum(bisect_left(left, place) for place in right)
    return crossing - swapped


def _median(places: list[float]) -> float:
    """The weighted median of Gansner et al.: between two middle places, nearer to the denser side."""
    places.sort()
    count = len(places)
    middle = count // 2
    if count % 2:
        return places[middle]
    if count == 2:
        return (places[0] + places[1]) / 2
    left, right = places[middle - 1] - places[0], places[-1] - places[middle]
    if left + right == 0:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * right + places[middle] * left) / (left + right)


def _mean(places: list[float]) -> float:
    return sum(places) / len(places)


def _shifted(
    layered: Layered,
) -> tuple[list[list[tuple[int, float]]], list[list[tuple[int, float]]], list[list[tuple[int, float, int, float]]]]:
    """Neighbours above and below each vertex, and the segments of each gap, with the shift that a port gives.

    The ports of one vertex lie within half a place of it, in order, so that segments to them count as crossing.
    """
    uppers: dict[int, int] = {}
    lowers: dict[int, int] = {}
    for gap in layered.gaps:
        for segment in gap:
            uppers[segment.upper] = max(uppers.get(segment.upper, 0), segment.upper_port + 1)
            lowers[segment.lower] = max(lowers.get(segment.lower, 0), segment.lower_port + 1)

    def shift(port: int, ports: int) -> float:
        return 0.0 if port == CENTER else 0.8 * ((port + 1) / (ports + 1) - 0.5)

    above: list[list[tuple[int, float]]] = [[] for _ in range(layered.count)]
    below: list[list[tuple[int, float]]] = [[] for _ in range(layered.count)]
    gaps = []
    for gap in layered.gaps:
        shifted = []
        for u, v, upper_port, lower_port in gap:
            a, b = shift(upper_port, uppers[u]), shift(lower_port, lowers[v])
            above[v].append((u, a))
            below[u].append((v, b))
            shifted.append((u, a, v, b))
        gaps.append(shifted)
    return above, below, gaps

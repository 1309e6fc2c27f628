"""What one layout leaves for the next: the order of siblings, and finished shapes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from graphviz_nn.layout.arrange import Arrangement, arrange
from graphviz_nn.layout.keeping import FREE, Stay, keeps, places_of
from graphviz_nn.layout.level import Level
from graphviz_nn.layout.place import place
from graphviz_nn.layout.shape import Frame, Shape

KEPT_ITEMS: Final = 10_000
"""Boxes in newly made shapes after which those not asked for since the last time are forgotten: what is opened again,
or opened in its twin, need not be laid out again."""


class _Former(NamedTuple):
    """What stood in a container: its level, the names of its items, and what kept them in their order."""

    level: Level
    names: Sequence[Hashable]
    stay: Stay


@dataclass(slots=True)
class LayoutCache:
    """Given to every layout of one picture, it keeps siblings in their order when containers open and close.

    It also saves time: what has not changed since the last layout is not laid out again. Not for use by two threads
    at once.
    """

    _arrangements: dict[Hashable, Arrangement] = field(default_factory=dict)
    _shapes: dict[Hashable, Shape] = field(default_factory=dict)
    _used: dict[Hashable, Shape] = field(default_factory=dict)
    _former: dict[Hashable, _Former] = field(default_factory=dict)
    _count: int = 0
    _items: int = 0

    def leaf(self, width: float, height: float, margin: float) -> Shape:
        """The shape of a leaf of that size, with room at both sides."""
        key = (width, height, margin)
        shape = self._recall(key)
        return shape or self._remember(key, Shape(self._next(), width + 2 * margin, height, width / 2 + margin, margin))

    def container(
        self, level: Level, children: list[Shape], frame: Frame, name: Hashable, names: Sequence[Hashable]
    ) -> Shape:
        """The shape of a container: the one known, or laid out now.

        Its `name` and the `names` of its children tell what stood in it before.
        """
        stay = self._stay(level, name, names)
        key = (level, stay, tuple(shape.number for shape in children), frame)
        shape = self._recall(key)
        if shape is None:
            arrangement = self._arrangement(level, stay)
            shape = place(arrangement.layered(level), arrangement.layers, children, frame, self._next())
            self._remember(key, shape)
            self._items += level.items
        return shape

    def retire(self) -> None:
        """Has a layout end: once many shapes are known, those that were not asked for lately are forgotten."""
        if self._items > KEPT_ITEMS:
            self._shapes, self._used, self._items = self._used, {}, 0

    def _stay(self, level: Level, name: Hashable, names: Sequence[Hashable]) -> Stay:
        """What must not change places; nothing where the order that is found without it is the one that was there."""
        former = self._former.get(name)
        if former is not None and former.level == level and former.names == names:
            return former.stay
        stay = FREE
        if former is not None:
            known = places_of(former.names, self._arrangement(former.level, former.stay).layers)
            wanted = tuple(map(known.get, names))
            if not keeps(self._arrangement(level, FREE).layers, wanted):
                stay = wanted
        self._former[name] = _Former(level, names, stay)
        return stay

    def _arrangement(self, level: Level, stay: Stay) -> Arrangement:
        key = level.structure, stay
        arrangement = self._arrangements.get(key)
        if arrangement is None:
            arrangement = self._arrangements[key] = arrange(level, stay)
        return arrangement

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _recall(self, key: Hashable) -> Shape | None:
        shape = self._used.get(key)
        if shape is None:
            shape = self._shapes.get(key)
            if shape is not None:
                self._used[key] = shape
        return shape

    def _remember(self, key: Hashable, shape: Shape) -> Shape:
        self._used[key] = shape
        return shape

"""What one layout leaves for the next: the order of siblings, and finished shapes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from graphviz_nn.layout.arrange import Arrangement, arrange
from graphviz_nn.layout.level import Level
from graphviz_nn.layout.place import place
from graphviz_nn.layout.shape import Frame, Shape


@dataclass(slots=True)
class LayoutCache:
    """Given to every layout of one picture, it keeps siblings in their order when containers open and close.

    It also saves time: what has not changed since the last layout is not laid out again. Not for use by two threads
    at once.
    """

    _arrangements: dict[Hashable, Arrangement] = field(default_factory=dict)
    _shapes: dict[Hashable, Shape] = field(default_factory=dict)
    _used: dict[Hashable, Shape] = field(default_factory=dict)
    _count: int = 0

    def leaf(self, width: float, height: float, margin: float) -> Shape:
        """The shape of a leaf of that size, with room at both sides."""
        key = (width, height, margin)
        shape = self._recall(key)
        return shape or self._remember(key, Shape(self._next(), width + 2 * margin, height, width / 2 + margin, margin))

    def container(self, level: Level, children: list[Shape], frame: Frame) -> Shape:
        """The shape of a container: the one known, or laid out now."""
        key = (level, tuple(shape.number for shape in children), frame)
        shape = self._recall(key)
        return shape or self._remember(key, self._place(level, children, frame))

    def retire(self) -> None:
        """Forgets the shapes that no call has asked for since the last `retire`."""
        self._shapes, self._used = self._used, {}

    def _place(self, level: Level, children: list[Shape], frame: Frame) -> Shape:
        arrangement = self._arrangements.get(level.structure)
        if arrangement is None:
            arrangement = self._arrangements[level.structure] = arrange(level)
        return place(arrangement.layered(level), arrangement.layers, children, frame, self._next())

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

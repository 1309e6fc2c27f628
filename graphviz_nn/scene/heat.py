"""Turns numbers of boxes into places on one scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.picture import Picture, PictureBox, PictureContainer
from graphviz_nn.scene.scene import Heat, Scale


class HeatMap:
    """The heat of every box and container of a picture, on a scale from the lowest to the highest box."""

    def __init__(self, picture: Picture, overlay: Overlay) -> None:
        self._overlay = overlay
        self._quantity = overlay.quantity
        self._numbers = {box: overlay.number(*_members(box)) for box in picture.boxes}
        self._low, self._high = _range(self._numbers.values(), self._quantity.logarithmic)
        self.alarms = {box for box in picture.boxes if overlay.alarms(_members(box)[0])}

    def box(self, box: PictureBox) -> Heat | None:
        """The heat of a box, or None where it has no number."""
        return self._heat(self._numbers[box])

    def container(self, container: PictureContainer, parameters: Mapping[PictureContainer, set[int]]) -> Heat | None:
        """The heat of all that is inside a container."""
        return self._heat(self._overlay.number(container.group.members(), sorted(parameters[container])))

    def scale(self) -> Scale:
        """What the colours mean; its range is NaN and its texts are "" where no box has a number."""
        quantity = self._quantity
        low, high = ("", "") if math.isnan(self._low) else (quantity.text(self._low), quantity.text(self._high))
        return Scale(quantity.title, self._low, self._high, quantity.logarithmic, quantity.colour_map, low, high)

    def _heat(self, value: float) -> Heat | None:
        if math.isnan(value):
            return None
        return Heat(value, self._fraction(value), self._quantity.text(value))

    def _fraction(self, value: float) -> float:
        low, high = self._low, self._high
        if math.isnan(low):
            return 0.0
        if self._quantity.logarithmic:
            if value <= 0:
                return 0.0
            value, low, high = math.log(value), math.log(low), math.log(high)
        return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 1.0


def parameters_by_container(root: PictureContainer) -> dict[PictureContainer, set[int]]:
    """Returns the parameters that are read inside each container, at any depth."""
    found: dict[PictureContainer, set[int]] = {}

    def visit(container: PictureContainer) -> set[int]:
        read: set[int] = set()
        for child in container.children:
            read |= child.parameters if isinstance(child, PictureBox) else visit(child)
        found[container] = read
        return read

    visit(root)
    return found


def _members(box: PictureBox) -> tuple[list[int], list[int]]:
    nodes = [number for part in (box, *box.siblings) for number in part.nodes] if box.siblings else box.nodes
    return nodes, sorted(box.parameters)


def _range(numbers: Iterable[float], logarithmic: bool) -> tuple[float, float]:
    known = [number for number in numbers if math.isfinite(number) and (number > 0 or not logarithmic)]
    return (min(known), max(known)) if known else (math.nan, math.nan)

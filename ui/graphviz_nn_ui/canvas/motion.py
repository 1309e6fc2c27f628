"""Short movements: a picture that gives way to another, and what flows at the cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEasingCurve, QObject, QVariantAnimation

from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.scene_painter import Fade

CHANGE_MS: Final = 160
PULSE_MS: Final = 420
MANY_BOXES: Final = 1_500
"""Boxes from which on a picture changes at once."""


class Clock(QObject):
    """Runs from 0 to 1 once in a while, and rests otherwise.

    Attributes:
        share: how far it is; 1 at rest.
    """

    def __init__(self, owner: QObject, milliseconds: int, tick: Callable[[], object]) -> None:
        super().__init__(owner)
        self.share = 1.0
        self._tick = tick
        self._animation = QVariantAnimation(self)
        self._animation.setDuration(milliseconds)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._advance)

    @property
    def runs(self) -> bool:
        return self._animation.state() == QVariantAnimation.State.Running

    def start(self) -> None:
        """Begins at 0, also where it is under way."""
        self._animation.stop()
        self.share = 0.0
        self._animation.start()

    def stop(self) -> None:
        """Goes to the end at once."""
        self._animation.stop()
        self.share = 1.0

    def _advance(self, share: float) -> None:
        self.share = share
        self._tick()


class Change:
    """A picture that gives way to another: boxes of both go from their old place to the new one, the others appear.

    `shift` is where the old picture's origin stands in the new one's coordinates.
    """

    def __init__(self, before: Drawing, after: Drawing, shift: tuple[float, float]) -> None:
        boxes, containers = after.tables.boxes, after.tables.containers
        self._boxes = boxes.rects
        self._containers = containers.rects
        offset = np.array([*shift, 0.0, 0.0])
        old_boxes, old_containers = before.box_places, before.container_places
        self._old_boxes, known = _former(
            list(boxes.keys), boxes.rects, offset, [(old_boxes, before.tables.boxes.rects)]
        )
        self._fresh = ~known
        self._old_containers, _ = _former(
            list(containers.keys),
            containers.rects,
            offset,
            [(old_containers, before.tables.containers.rects), (old_boxes, before.tables.boxes.rects)],
        )

    def at(self, share: float) -> Fade:
        """Returns what is seen when `share` (0…1) of the change has happened."""
        return Fade(
            self._old_boxes + (self._boxes - self._old_boxes) * share,
            self._old_containers + (self._containers - self._old_containers) * share,
            np.where(self._fresh, share, 1.0),
            share**2,
        )


def _former(
    keys: list[str],
    rects: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    places: list[tuple[dict[str, int], npt.NDArray[np.float64]]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Where each key stood before, with its new size for a box that moves; and which did."""
    former, known = rects.copy(), np.zeros(len(keys), np.bool_)
    for row, key in enumerate(keys):
        for place_of, table in places:
            place = place_of.get(key)
            if place is not None:
                former[row] = table[place] + offset
                known[row] = True
                break
    return former, known

"""Short movements: a picture that gives way to another, and what flows at the cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEasingCurve, QObject, QVariantAnimation

from graphviz_nn.scene.tables import Floats, Integers
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
        old = before.tables
        old_boxes, old_areas = _by_id(old.boxes.ids, old.boxes.rects), _by_id(old.containers.ids, old.containers.rects)
        self._old_boxes, known = _former(boxes.ids, boxes.rects, offset, old_boxes)
        self._fresh = ~known
        # What was a box grows into a container.
        self._old_containers, _ = _former(containers.ids, containers.rects, offset, old_boxes | old_areas)

    def at(self, share: float) -> Fade:
        """Returns what is seen when `share` (0…1) of the change has happened."""
        return Fade(
            self._old_boxes + (self._boxes - self._old_boxes) * share,
            self._old_containers + (self._containers - self._old_containers) * share,
            np.where(self._fresh, share, 1.0),
            share**2,
        )


def _by_id(ids: Integers, rects: Floats) -> dict[int, Floats]:
    return dict(zip(ids.tolist(), rects, strict=True))


def _former(
    ids: Integers, rects: Floats, offset: Floats, places: dict[int, Floats]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Where each box or container stood before, where it did, and which of them did."""
    former, known = rects.copy(), np.zeros(len(ids), np.bool_)
    for row, number in enumerate(ids.tolist()):
        place = places.get(number)
        if place is not None:
            former[row] = place + offset
            known[row] = True
    return former, known

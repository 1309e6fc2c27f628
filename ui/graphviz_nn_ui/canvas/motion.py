"""Short movements: a picture that gives way to another, and what flows at the cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEasingCurve, QObject, QVariantAnimation

from graphviz_nn.scene.tables import Floats, Integers, SceneTables
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.fading import Fade, Folded, Leaving

CHANGE_MS: Final = 160
PULSE_MS: Final = 420
MANY_BOXES: Final = 1_500
"""Boxes from which on a picture changes at once."""


class Clock(QObject):
    """Runs from 0 to 1 once in a while, and rests otherwise.

    Attributes:
        share: how far it is; 1 at rest.
    """

    def __init__(
        self, owner: QObject, milliseconds: int, tick: Callable[[], object], ended: Callable[[], object] | None = None
    ) -> None:
        super().__init__(owner)
        self.share = 1.0
        self._tick = tick
        self._animation = QVariantAnimation(self)
        self._animation.setDuration(milliseconds)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._advance)
        if ended is not None:
            self._animation.finished.connect(ended)

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
    """A picture that gives way to another.

    Boxes of both go from their old place to the new one. What stands in a group that was one box comes out of that box;
    what stood in one that becomes a box goes into it. Everything else appears.

    `shift` is where the old picture's origin stands in the new one's coordinates.
    """

    def __init__(self, before: Drawing, after: Drawing, shift: tuple[float, float]) -> None:
        offset = np.array([*shift, 0.0, 0.0])
        old, new = before.tables, after.tables
        old_boxes, old_areas = _by_id(old.boxes.ids, old.boxes.rects), _by_id(old.containers.ids, old.containers.rects)
        old_boxes, old_areas = ({k: rect + offset for k, rect in each.items()} for each in (old_boxes, old_areas))
        self._boxes, self._areas = new.boxes.rects, new.containers.rects
        self._old_boxes, known = _former(new.boxes.ids, self._boxes, old_boxes)
        self._old_areas, _ = _former(new.containers.ids, self._areas, old_areas)
        self._fresh = ~known
        opened = folded_inside(new, old_boxes)
        fresh = self._fresh[opened.boxes]
        self._old_boxes[opened.boxes[fresh]] = opened.box_rects[fresh]
        self._old_areas[opened.areas] = opened.area_rects
        self._old_frames = self._old_boxes.copy()
        for row in np.flatnonzero(self._fresh & np.isin(new.boxes.ids, old.containers.ids)).tolist():
            self._old_frames[row] = old_areas[int(new.boxes.ids[row])]
        self._before, self._shift = before, shift
        self._closed = folded_inside(old, _by_id(new.boxes.ids, new.boxes.rects))
        self._closing = old.boxes.rects[self._closed.boxes] + offset, old.containers.rects[self._closed.areas] + offset

    def at(self, share: float) -> Fade:
        """Returns what is seen when `share` (0…1) of the change has happened."""
        closed, (boxes, areas) = self._closed, self._closing
        return Fade(
            self._old_boxes + (self._boxes - self._old_boxes) * share,
            self._old_frames + (self._boxes - self._old_frames) * share,
            self._old_areas + (self._areas - self._old_areas) * share,
            np.where(self._fresh, share, 1.0),
            max(2.0 * share - 1.0, 0.0) ** 2,
            Leaving(
                self._before,
                self._shift,
                Folded(
                    closed.boxes,
                    boxes + (closed.box_rects - boxes) * share,
                    closed.areas,
                    areas + (closed.area_rects - areas) * share,
                ),
                1.0 - share,
                max(1.0 - 2.0 * share, 0.0) ** 2,
            ),
        )


def folded_inside(tables: SceneTables, places: dict[int, Floats]) -> Folded:
    """Returns what is inside the containers that are boxes in another picture, squeezed into these boxes: `places` are
    their rectangles by id. Boxes keep their size."""
    table, rects = tables.containers, tables.boxes.rects
    found = Folded.nothing()
    for place in [row for row, number in enumerate(table.ids.tolist()) if number in places]:
        first, end = int(table.first_box[place]), int(table.end_box[place])
        boxes = np.arange(first, end)
        inner = np.flatnonzero(
            (table.first_box >= first) & (table.end_box <= end) & (table.depths >= table.depths[place])
        )
        outer, box = table.rects[place], places[table.ids[place]]
        zoom = box[2:] / np.maximum(outer[2:], 1.0)
        middles = (rects[boxes, :2] + rects[boxes, 2:] / 2 - outer[:2]) * zoom + box[:2]
        squeezed = np.concatenate([middles - rects[boxes, 2:] / 2, rects[boxes, 2:]], axis=1)
        corners = (table.rects[inner, :2] - outer[:2]) * zoom + box[:2]
        areas = np.concatenate([corners, table.rects[inner, 2:] * zoom], axis=1)
        found = found.joined(Folded(boxes, squeezed, inner, areas))
    return found


def _by_id(ids: Integers, rects: Floats) -> dict[int, Floats]:
    return dict(zip(ids.tolist(), rects, strict=True))


def _former(ids: Integers, rects: Floats, places: dict[int, Floats]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Where each box or container stood before, where it did, and which of them did."""
    former, known = rects.copy(), np.zeros(len(ids), np.bool_)
    for row, number in enumerate(ids.tolist()):
        place = places.get(number)
        if place is not None:
            former[row] = place
            known[row] = True
    return former, known

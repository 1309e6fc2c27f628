"""The training steps of the run on one line: the loss, which were recorded, which is open."""

from __future__ import annotations

from typing import Final

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy

from graphviz_nn_ui.panels.timeline.margins import EDGE, RIGHT, BesideNames
from graphviz_nn_ui.viewmodels.numbers import short_text
from graphviz_nn_ui.viewmodels.training_steps import Floats, TrainingSteps
from graphviz_nn_ui.widgets.theme import Theme, theme_of

TICKS: Final = 9
"""Height of the line of ticks, in pixels."""


class StepsStrip(BesideNames):
    """A click goes to the step. Signals: chosen(position); hovered(position)."""

    chosen = pyqtSignal(int)
    hovered = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Training steps")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._steps = TrainingSteps([])
        self._position = -1

    @property
    def least_height(self) -> int:
        """Pixels from which everything can be read."""
        return 2 * self.fontMetrics().height() + TICKS + 8

    def show_steps(self, steps: TrainingSteps, position: int) -> None:
        self._steps, self._position = steps, position
        self.update()

    def position_at(self, x: float) -> int:
        """The recorded step that stands nearest to a place; -1 where there is none."""
        return self._steps.nearest(x - self.left, self._across())

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        theme = theme_of(self)
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.surface)
        if not len(self._steps):
            return
        self._paint_labels(painter, theme)
        self._paint_ticks(painter, theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_curve(painter, theme)
        self._paint_position(painter, theme)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and len(self._steps):
            self.chosen.emit(self.position_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is None or not len(self._steps):
            return
        position = self.position_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.chosen.emit(position)
        self.hovered.emit(position)

    def _across(self) -> int:
        return max(self.width() - self.left - RIGHT, 2)

    def _paint_labels(self, painter: QPainter, theme: Theme) -> None:
        """What is drawn, between its greatest and its least number, or above the only one."""
        finite = self._steps.loss[np.isfinite(self._steps.loss)]
        ends = [short_text(end) for end in (finite.max(), finite.min())] if len(finite) else []
        name = "Loss" if ends else "Steps"
        box = QRectF(EDGE, 2, self.left - 2 * EDGE, self.height() - TICKS - 4)
        align = Qt.AlignmentFlag
        painter.setPen(theme.muted)
        if len(set(ends)) == 1:
            painter.drawText(box, align.AlignVCenter | align.AlignRight, f"{name}\n{ends[0]}")
            return
        painter.drawText(box, align.AlignVCenter | align.AlignLeft, name)
        if ends and self.height() > 3 * self.fontMetrics().height() + TICKS:
            painter.drawText(box, align.AlignTop | align.AlignRight, ends[0])
            painter.drawText(box, align.AlignBottom | align.AlignRight, ends[1])

    def _paint_ticks(self, painter: QPainter, theme: Theme) -> None:
        """A tick for each recorded step: where there is none, none was recorded. One that failed is taller."""
        bottom = self.height() - 3
        places = self._steps.places(self._across() - 1)
        painter.setPen(theme.line)
        painter.drawLine(self.left, bottom, self.left + self._across(), bottom)
        painter.setPen(theme.muted)
        for x in np.unique(places.astype(int)):
            painter.drawLine(self.left + int(x), bottom - 4, self.left + int(x), bottom)
        painter.setPen(QPen(theme.error, 2))
        for x in np.unique(places[self._steps.failed].astype(int)):
            painter.drawLine(self.left + int(x), bottom - TICKS, self.left + int(x), bottom)

    def _paint_curve(self, painter: QPainter, theme: Theme) -> None:
        places, least, greatest = self._steps.curve(self._across())
        if not len(places):
            return
        low, high = float(least.min()), float(greatest.max())
        top, height = 6.0, self.height() - TICKS - 14.0
        scale = height / (high - low) if high > low else 0.0
        rise = (height / 2) if high == low else 0.0

        def y(values: Floats) -> Floats:
            return top + height - (values - low) * scale - rise

        painter.setPen(QPen(theme.forward, 1.4))
        lower, upper = y(least), y(greatest)
        if len(places) == 1:
            painter.drawEllipse(QPointF(self.left + places[0], lower[0]), 2, 2)
        line = QPolygonF([QPointF(self.left + x, v) for x, v in zip(places, (lower + upper) / 2, strict=True)])
        painter.drawPolyline(line)
        for x, a, b in zip(places, lower, upper, strict=True):
            if a - b > 1:
                painter.drawLine(QPointF(self.left + x, a), QPointF(self.left + x, b))

    def _paint_position(self, painter: QPainter, theme: Theme) -> None:
        if not 0 <= self._position < len(self._steps):
            return
        x = self.left + float(self._steps.places(self._across() - 1)[self._position])
        painter.setPen(QPen(theme.pointer, 2))
        painter.drawLine(QPointF(x, 3), QPointF(x, self.height() - 3))

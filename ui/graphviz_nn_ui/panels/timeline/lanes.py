"""The events of a step, painted in three lanes with the cursor, breakpoints and findings."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy

from graphviz_nn_ui.panels.timeline.margins import EDGE, RIGHT, BesideNames, fitted_font
from graphviz_nn_ui.panels.timeline.marks import Seqs, paint_marks, signs_of
from graphviz_nn_ui.panels.timeline.strip import strip
from graphviz_nn_ui.viewmodels.timeline import LANES, EventLanes, Range, ticks
from graphviz_nn_ui.widgets.theme import Theme, theme_of

TALLEST: Final = 190
"""Height from which more would be empty, in pixels."""

UNDER: Final = 13
"""Height of the line of marks under the lanes, in pixels."""

LEAST_ROW: Final = 12
"""Height of a lane, in pixels, in which its name can be read."""

_ASIDE: Final = 6
"""Pixels that the cursor takes on both sides of its place."""

_TICK: Final = 60
"""Pixels that the number of a tick has on both sides."""

_NOTHING: Final = np.empty(0, np.intp)


class Lanes(BesideNames):
    """Painted from numpy arrays. A drag scrubs, the wheel zooms, Shift with the wheel moves along.

    Signals: scrubbed(seq); hovered(seq, or -1).
    """

    scrubbed = pyqtSignal(int)
    hovered = pyqtSignal(int)
    stepped = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Events of the step")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMaximumHeight(TALLEST)
        self._lanes: EventLanes | None = None
        self._view = Range(0, 0)
        self._cursor = -1
        self._kept: tuple[EventLanes, Range, int, npt.NDArray[np.float64]] | None = None
        self._stops, self._findings, self._problems = _NOTHING, _NOTHING, _NOTHING

    @property
    def least_height(self) -> int:
        """Pixels from which everything can be read."""
        return int(self._top + 3 * max(LEAST_ROW, 0.7 * self.fontMetrics().height()) + UNDER)

    @property
    def _top(self) -> float:
        return self.fontMetrics().height() + 8.0

    @property
    def view(self) -> Range:
        """The events in view."""
        return self._view

    def show_events(self, lanes: EventLanes | None, cursor: int) -> None:
        """Shows a step, all of it; the same range of one that is as long as the former."""
        former = len(self._lanes) if self._lanes is not None else -1
        self._lanes, self._cursor = lanes, cursor
        if lanes is not None and len(lanes) != former:
            self._view = Range(0, len(lanes))
        self.update()

    def set_cursor(self, seq: int) -> None:
        """Moves the cursor; where the same events stay in view only what lies between both places is painted anew."""
        before, view, self._cursor = self._cursor, self._view, seq
        if self._lanes is not None and seq >= 0:
            self._view = self._view.showing(seq, len(self._lanes))
        first, last = sorted((self.x_of(before + 1), self.x_of(seq + 1)))
        changed = QRectF(first - _ASIDE, 0, last - first + 2 * _ASIDE, self.height())
        self.update(changed.toAlignedRect() if self._view == view else self.rect())

    def set_marks(self, stops: Seqs, findings: Seqs, problems: Seqs) -> None:
        """Where breakpoints stop, where findings begin, where errors, NaN and ±Inf are."""
        self._stops, self._findings, self._problems = stops, findings, problems
        self.update()

    def zoom(self, factor: float, around: float | None = None) -> None:
        if self._lanes is not None:
            place = self._cursor + 0.5 if around is None else around
            self._view = self._view.zoomed(factor, place, len(self._lanes))
            self.update()

    def seq_at(self, x: float) -> int:
        """The event under a place, kept within the step; -1 left of the first."""
        if self._lanes is None or x < self.left:
            return -1
        seq = int(self._view.start + (x - self.left) / self._across() * self._view.span)
        return min(max(seq, 0), len(self._lanes) - 1)

    def x_of(self, seq: float) -> float:
        """Where an event begins."""
        return self.left + (seq - self._view.start) / max(self._view.span, 1e-9) * self._across()

    # Events of Qt

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        theme = theme_of(self)
        seen = self.rect() if event is None else event.rect()
        painter = QPainter(self)
        painter.fillRect(seen, theme.surface)
        if self._lanes is None or not len(self._lanes):
            painter.setPen(theme.muted)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._empty())
            return
        top, height = self._rows()
        self._paint_axis(painter, theme, top, seen)
        if seen.left() < self.left:
            self._paint_names(painter, theme, top, height)
        self._paint_lanes(painter, theme, top, height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = self._view, self.left, self._across(), seen
        marks = [signs_of(seqs, *line) for seqs in (self._stops, self._findings, self._problems)]
        paint_marks(painter, theme, top + 3 * height + 3, *marks)
        self._paint_cursor(painter, theme, top, height)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.button() == Qt.MouseButton.LeftButton and self._lanes is not None:
            self.scrubbed.emit(self.seq_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is None or self._lanes is None:
            return
        seq = self.seq_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.scrubbed.emit(seq)
        self.hovered.emit(seq)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        if self._lanes is not None:
            self._view = Range(0, len(self._lanes))
            self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is None or self._lanes is None:
            return
        turned = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or event.angleDelta().x():
            self._view = self._view.moved(-turned * self._view.span / 8, len(self._lanes))
            self.update()
        else:
            x = event.position().x()
            self.zoom(0.8**turned, self._view.start + (x - self.left) / self._across() * self._view.span)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is None:
            return
        key = Qt.Key(event.key())
        if key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif key in _ZOOMS:
            self.zoom(_ZOOMS[key])
        else:
            super().keyPressEvent(event)

    # Inside

    def _across(self) -> float:
        return max(self.width() - self.left - RIGHT, 1)

    def _rows(self) -> tuple[float, float]:
        """Top of the first lane and height of each, in pixels."""
        return self._top, max((self.height() - self._top - UNDER) / 3, 10.0)

    def _empty(self) -> str:
        return "No run is open" if self._lanes is None else "Nothing happened in this step"

    def _paint_axis(self, painter: QPainter, theme: Theme, top: float, seen: QRect) -> None:
        painter.setPen(theme.muted)
        metrics = self.fontMetrics()
        most = int(self._across() / (metrics.horizontalAdvance(f"{self._view.stop:,.0f}") + 36))
        for tick in ticks(self._view.start, self._view.stop, most):
            x = self.x_of(tick)
            if not seen.left() - _TICK <= x <= seen.right() + _TICK:
                continue
            box = QRectF(x - _TICK, 2, 2 * _TICK, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, f"{tick:,}")
            painter.drawLine(QPointF(x, top - 4), QPointF(x, top - 1))

    def _paint_names(self, painter: QPainter, theme: Theme, top: float, height: float) -> None:
        painter.setPen(theme.muted)
        painter.setFont(fitted_font(self.font(), height))
        for lane, name in enumerate(LANES):
            label = QRectF(EDGE, top + lane * height - 2, self.left - 2 * EDGE, height)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, name.capitalize())

    def _paint_lanes(self, painter: QPainter, theme: Theme, top: float, height: float) -> None:
        assert self._lanes is not None
        scale = self.devicePixelRatioF()
        width = int(self._across() * scale)
        shares = self._columns(width)
        happened = int(min(max((self.x_of(self._cursor + 1) - self.left) * scale, 0), width))
        colours = (theme.forward, theme.backward, theme.update)
        for lane, colour in enumerate(colours):
            row = QRectF(self.left, top + lane * height, self._across(), height - 4)
            painter.fillRect(row, theme.window)
            painter.drawImage(row, strip(shares[lane], colour, happened))

    def _columns(self, width: int) -> npt.NDArray[np.float64]:
        """What the lanes show, kept while only the cursor moves."""
        assert self._lanes is not None
        if self._kept is None or self._kept[:3] != (self._lanes, self._view, width):
            self._kept = (self._lanes, self._view, width, self._lanes.columns(self._view, width))
        return self._kept[3]

    def _paint_cursor(self, painter: QPainter, theme: Theme, top: float, height: float) -> None:
        x = self.x_of(self._cursor + 1)
        if not self.left - 1 <= x <= self.left + self._across() + 1:
            return
        painter.setPen(QPen(theme.pointer, 2))
        painter.drawLine(QPointF(x, top - 3), QPointF(x, top + 3 * height + 2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.pointer)
        painter.drawPolygon(QPolygonF([QPointF(x - 5, top - 9), QPointF(x + 5, top - 9), QPointF(x, top - 2)]))


_STEPS: Final = {
    Qt.Key.Key_Left: "into_back",
    Qt.Key.Key_Right: "into",
    Qt.Key.Key_Up: "over_back",
    Qt.Key.Key_Down: "over",
    Qt.Key.Key_Home: "to_phase_start",
    Qt.Key.Key_End: "to_phase_end",
}
_ZOOMS: Final = {Qt.Key.Key_Plus: 0.5, Qt.Key.Key_Equal: 0.5, Qt.Key.Key_Minus: 2.0}

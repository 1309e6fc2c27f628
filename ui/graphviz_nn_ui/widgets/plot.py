"""Curves and bars with a cursor: painted, because they move with every step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from graphviz_nn.model.views import Curves
from graphviz_nn_ui.viewmodels.axis import BAR_ROOM, MARGIN, Axis, axis_of
from graphviz_nn_ui.viewmodels.numbers import number_text
from graphviz_nn_ui.widgets.plot_painter import LEFT, RIGHT, TOP, PlotPainter, room_below
from graphviz_nn_ui.widgets.theme import theme_of


class Plot(QWidget):
    """Shows `Curves`. Knows a cursor, and tells where somebody points and clicks.

    Signals:
        chosen: (place on the x axis) by a click or an arrow key: one at which a curve has a number.
        pointed: (text) what is under the pointer, "" where nothing is.
    """

    chosen = pyqtSignal(float)
    pointed = pyqtSignal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._curves: Curves | None = None
        self._x: Axis | None = None
        self._y: Axis | None = None
        self._places: npt.NDArray[np.float64] = np.empty(0)
        self._cursor: float | None = None
        self._pointed: float | None = None

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(360, 190)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(180, 110)

    def show_curves(self, curves: Curves) -> None:
        """Shows other curves, and their cursor."""
        self._curves = curves
        self._cursor = curves.cursor
        self._pointed = None
        self._places = np.unique(np.concatenate([curve.x for curve in curves.curves] or [np.empty(0)]))
        named = Axis(-0.5, len(curves.ticks) - 0.5) if curves.ticks else None
        self._x = named or axis_of([self._places], margin=0.0)
        room = BAR_ROOM if curves.bars else MARGIN
        zeros = curves.bars and not any(curve.y.any() for curve in curves.curves)
        numbers = [curve.y for curve in curves.curves]
        if curves.bars and not curves.logarithmic:
            numbers.append(np.zeros(1))  # lengths are compared by the eye, and mean nothing from elsewhere
        self._y = Axis(0.0, 1.0) if zeros else axis_of(numbers, curves.logarithmic, room)
        self.setAccessibleDescription(_in_words(curves))
        self.update()

    @property
    def curves(self) -> Curves | None:
        return self._curves

    @property
    def cursor_place(self) -> float | None:
        """Where the cursor is on the x axis."""
        return self._cursor

    def set_cursor(self, place: float | None) -> None:
        """Moves the cursor; tells nobody."""
        if place != self._cursor:
            self._cursor = place
            self.update()

    def text_at(self, place: float) -> str:
        """Returns what each curve has at a place of the x axis: "training step 12 · loss 0.43"."""
        if self._curves is None:
            return ""
        ticks = self._curves.ticks
        parts = [ticks[int(place)] if ticks else f"{self._curves.x_axis} {number_text(place, 8)}"]
        for curve in self._curves.curves:
            here = np.flatnonzero(curve.x == place)
            if len(here):
                parts.append(f"{curve.label} {number_text(float(curve.y[here[-1]]))}")
        return " · ".join(parts)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        theme = theme_of(self)
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.surface)
        if self._curves is None or self._x is None or self._y is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paints = PlotPainter(painter, theme, self._curves, self._x, self._y, self._area())
        paints.paint(self._cursor, self._pointed)
        if self.hasFocus():
            painter.setPen(theme.accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            title = self._curves.title if self._curves is not None and event.pos().y() < TOP else ""
            QToolTip.showText(event.globalPos(), title, self)  # there may be no room for all of it
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self._point(self._nearest(event.position().x()))

    def leaveEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        del event
        self._point(None)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._nearest(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        move = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key())) if event is not None else None
        if move is None or not len(self._places):
            super().keyPressEvent(event)
            return
        here = self._places[0] if self._cursor is None else self._cursor
        index = int(np.argmin(np.abs(self._places - here))) + move
        self._choose(float(self._places[min(max(index, 0), len(self._places) - 1)]))

    def _point(self, place: float | None) -> None:
        if place != self._pointed:
            self._pointed = place
            self.pointed.emit("" if place is None else self.text_at(place))
            self.update()

    def _choose(self, place: float | None) -> None:
        if place is not None:
            self.set_cursor(place)
            self.pointed.emit(self.text_at(place))
            self.chosen.emit(place)

    def _nearest(self, x: float) -> float | None:
        area = self._area()
        if self._x is None or not len(self._places) or area.width() <= 0:
            return None
        wanted = self._x.number((x - area.left()) / area.width())
        return float(self._places[np.argmin(np.abs(self._places - wanted))])

    def _area(self) -> QRectF:
        width, height = self.width() - LEFT - RIGHT, self.height()
        below = 0.0 if self._curves is None else room_below(self._curves, self.fontMetrics(), width, height)
        return QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -below)


def _in_words(curves: Curves) -> str:
    """What a screen reader says: the last number of each curve."""
    last = [f"{curve.label} {number_text(float(curve.y[-1]))}" for curve in curves.curves if len(curve.y)]
    return f"{curves.title}: at the end {', '.join(last)}" if last else curves.title

"""A painted curve: numbers over places, with a band of healthy values."""

from __future__ import annotations

import math
from typing import Final

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from graphviz_nn_ui.viewmodels.ticks import Tick, decade_ticks, linear_ticks
from graphviz_nn_ui.viewmodels.finding_rows import Curve
from graphviz_nn_ui.viewmodels.numbers import number_text
from graphviz_nn_ui.widgets.theme import theme_of

_HEIGHT: Final = 130
_DOT: Final = 2.5
_MOST_DOTS: Final = 80
_BAND_ALPHA: Final = 40


class CurvePlot(QWidget):
    """One curve. The vertical axis is logarithmic where the curve says so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: Curve | None = None
        self._low, self._high = 0.0, 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    def show_curve(self, curve: Curve) -> None:
        self._curve = curve
        self._low, self._high = _range(curve)
        self.setAccessibleName(f"Curve: {curve.name}")
        values = ", ".join(number_text(value, 3) for value in curve.values[:_MOST_DOTS])
        self.setAccessibleDescription(values)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(240, _HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(140, _HEIGHT)

    def text_at(self, position: QPointF) -> str:
        """Returns the point nearest to a place of the widget, in words."""
        if self._curve is None or not self._curve.values:
            return ""
        area = self._area()
        last = len(self._curve.values) - 1
        place = round((position.x() - area.left()) / max(area.width(), 1.0) * last)
        place = min(max(place, 0), last)
        label = self._curve.labels[place] if self._curve.labels else f"{self._curve.name}, {place + 1}"
        return f"{label}: {number_text(self._curve.values[place])}"

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.text_at(event.pos().toPointF()), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        if self._curve is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, area = theme_of(self), self._area()
        painter.fillRect(area, theme.surface)
        self._paint_axis(painter, area)
        if self._curve.healthy is not None:
            self._paint_band(painter, area, self._curve.healthy)
        points = [self._point(area, place, value) for place, value in enumerate(self._curve.values)]
        painter.setPen(QPen(theme.backward, 1.6))
        painter.drawPolyline(QPolygonF(points))
        if len(self._curve.values) <= _MOST_DOTS:
            painter.setBrush(theme.backward)
            for point in points:
                painter.drawEllipse(point, _DOT, _DOT)
        self._paint_ends(painter, area)

    def _paint_axis(self, painter: QPainter, area: QRectF) -> None:
        theme, line = theme_of(self), self.fontMetrics().height()
        assert self._curve is not None
        painter.setPen(theme.ink)
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, self._curve.name)
        for tick in self._ticks(area):
            height = self._height(area, tick.value)
            painter.setPen(QPen(theme.line, 0.6))
            painter.drawLine(QPointF(area.left(), height), QPointF(area.right(), height))
            painter.setPen(theme.muted)
            box = QRectF(0, height - line / 2, area.left() - 5, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tick.text)

    def _paint_band(self, painter: QPainter, area: QRectF, healthy: tuple[float, float]) -> None:
        theme, (low, high) = theme_of(self), healthy
        top = self._height(area, min(high, self._high)) if high > self._low else area.bottom()
        bottom = self._height(area, max(low, self._low)) if low < self._high else area.top()
        colour = QColor(theme.update)
        colour.setAlpha(_BAND_ALPHA)
        band = QRectF(area.left(), top, area.width(), max(bottom - top, 0.0)).intersected(area)
        painter.fillRect(band, colour)
        if band.height() > self.fontMetrics().height():
            painter.setPen(theme.update)
            painter.drawText(band.adjusted(4, 1, -4, 0), Qt.AlignmentFlag.AlignRight, "healthy")

    def _paint_ends(self, painter: QPainter, area: QRectF) -> None:
        """Says what the curve's first and last place are."""
        assert self._curve is not None
        labels, metrics = self._curve.labels, self.fontMetrics()
        first, last = (labels[0], labels[-1]) if labels else ("1", str(len(self._curve.values)))
        painter.setPen(theme_of(self).muted)
        half = int(area.width() / 2) - 4
        below = QRectF(area.left(), area.bottom() + 2, area.width(), metrics.height())
        elided = metrics.elidedText(first, Qt.TextElideMode.ElideLeft, half)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, elided)
        elided = metrics.elidedText(last, Qt.TextElideMode.ElideLeft, half)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, elided)

    def _ticks(self, area: QRectF) -> list[Tick]:
        most = max(int(area.height() / (self.fontMetrics().height() * 1.6)), 2)
        assert self._curve is not None
        if self._curve.logarithmic:
            return decade_ticks(self._low, self._high, most)
        return linear_ticks(self._low, self._high, most)

    def _point(self, area: QRectF, place: int, value: float) -> QPointF:
        assert self._curve is not None
        across = place / max(len(self._curve.values) - 1, 1)
        return QPointF(area.left() + across * area.width(), self._height(area, value))

    def _height(self, area: QRectF, value: float) -> float:
        low, high = self._low, self._high
        assert self._curve is not None
        if self._curve.logarithmic:
            value, low, high = (math.log(max(each, 1e-300)) for each in (value, low, high))
        return area.bottom() - (value - low) / (high - low) * area.height()

    def _area(self) -> QRectF:
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance("-0.0e-00") + 6
        top = metrics.height() + 4
        return QRectF(left, top, self.width() - left - 8, self.height() - top - metrics.height() - 4)


def _range(curve: Curve) -> tuple[float, float]:
    """What the vertical axis shows: all values, and the near end of the healthy band."""
    values = [*curve.values, *(edge for edge in curve.healthy or () if 0 < edge < math.inf)]
    low, high = min(values), max(values)
    if curve.logarithmic:
        return (low / 2, high * 2)
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return (low - margin if low < 0 else max(low - margin, 0.0), high + margin)

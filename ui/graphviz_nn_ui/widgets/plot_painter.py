"""Paints curves and bars into a rectangle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF

from graphviz_nn.model.views import Curve, Curves
from graphviz_nn.scene.theme import mix
from graphviz_nn_ui.viewmodels.axis import Axis, Columns, columns_of
from graphviz_nn_ui.widgets.theme import Theme

LEFT: Final = 58
RIGHT: Final = 14
TOP: Final = 28
_UNDER: Final = 6
"""Pixels beside the two lines of text below the axis."""

_SLANT: Final = math.radians(38)
_BETWEEN_NAMES: Final = 10
_NAMES_SHARE: Final = 0.34
"""Of the height, what slanting names may take at most."""

_LEAST_BAR: Final = 2.0
"""Pixels of a bar of 0: nothing at all is what was not measured."""

_MOST_DOTS: Final = 60
_DOT: Final = 2.4
_BAND_ALPHA: Final = 0.13
_ROOM_FOR_TICK: Final = (76, 26)
"""Pixels that a tick takes along x and y."""


@dataclass(frozen=True, slots=True)
class PlotPainter:
    """Paints one plot: `area` is the part between the axes."""

    painter: QPainter
    theme: Theme
    curves: Curves
    x: Axis
    y: Axis
    area: QRectF

    def paint(self, cursor: float | None, pointed: float | None) -> None:
        self._paint_band()
        self._paint_axes()
        self.painter.save()
        self.painter.setClipRect(self.area.adjusted(-3, -3, 3, 1))
        for place, curve in enumerate(self.curves.curves):
            if self.curves.bars:
                self._paint_bars(curve, place)
            else:
                self._paint_line(curve)
        self._paint_mark(pointed, QPen(self.theme.faint, 1, Qt.PenStyle.DotLine))
        self._paint_mark(cursor, QPen(self.theme.pointer, 1.5))
        self.painter.restore()
        self._paint_head()

    # What stands behind

    def _paint_band(self) -> None:
        if self.curves.band is None:
            return
        low, high = (min(max(self.y.place(number), 0.0), 1.0) for number in self.curves.band)
        colour = QColor(self.theme.update)
        colour.setAlphaF(_BAND_ALPHA)
        top = self.area.bottom() - high * self.area.height()
        self.painter.fillRect(
            QRectF(self.area.left(), top, self.area.width(), (high - low) * self.area.height()), colour
        )

    def _paint_axes(self) -> None:
        painter, area = self.painter, self.area
        right_middle = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for tick in self.y.ticks(max(int(area.height() / _ROOM_FOR_TICK[1]), 2)):
            y = area.bottom() - self.y.place(tick.value) * area.height()
            painter.setPen(QPen(self.theme.line, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(self.theme.muted)
            painter.drawText(QRectF(0, y - 10, area.left() - 6, 20), right_middle, tick.text)
        if self.curves.ticks:
            self._paint_names()
        else:
            self._paint_numbers()
        line = painter.fontMetrics().height()
        below = QRectF(area.left(), painter.viewport().height() - line - 3, area.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._fitting(self.curves.x_axis, area.width()))
        painter.setPen(self.theme.line)
        painter.drawLine(area.bottomLeft(), area.bottomRight())

    def _paint_numbers(self) -> None:
        """Round numbers below the axis; whole ones where there are any."""
        painter, area = self.painter, self.area
        ticks = self.x.ticks(max(int(area.width() / _ROOM_FOR_TICK[0]), 2))
        for tick in [tick for tick in ticks if tick.value.is_integer()] or ticks:
            x = area.left() + self.x.place(tick.value) * area.width()
            width = painter.fontMetrics().horizontalAdvance(tick.text)
            left = min(max(x - width / 2, 2.0), area.right() + RIGHT - width - 2.0)
            painter.drawText(QPointF(left, area.bottom() + painter.fontMetrics().ascent() + 3), tick.text)

    def _paint_names(self) -> None:
        """Names below the axis: upright where they fit, or else aslant, and of too many only every k-th."""
        painter, area = self.painter, self.area
        line = painter.fontMetrics().height()
        slot = area.width() / len(self.curves.ticks)
        if not _slants(self.curves, painter.fontMetrics(), area.width()):
            for place, name in enumerate(self.curves.ticks):
                box = QRectF(area.left() + place * slot, area.bottom() + 3, slot, line)
                painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, name)
            return
        every = max(math.ceil(line / math.sin(_SLANT) / slot), 1)
        longest = int((painter.viewport().height() - area.bottom() - 2 * line) / math.sin(_SLANT))
        for place in range(0, len(self.curves.ticks), every):
            text = painter.fontMetrics().elidedText(self.curves.ticks[place], Qt.TextElideMode.ElideLeft, longest)
            painter.save()
            painter.translate(area.left() + self.x.place(place) * area.width() + line / 3, area.bottom() + line * 0.8)
            painter.rotate(-math.degrees(_SLANT))
            painter.drawText(QPointF(-painter.fontMetrics().horizontalAdvance(text), 0), text)
            painter.restore()

    def _paint_head(self) -> None:
        """The title on the left; on the right each curve's colour and name."""
        painter, baseline = self.painter, TOP - 10
        right = self.area.right()
        several = self.curves.curves if len(self.curves.curves) > 1 else ()
        for curve in reversed(several):
            width = painter.fontMetrics().horizontalAdvance(curve.label)
            painter.setPen(self.theme.muted)
            painter.drawText(QPointF(right - width, baseline), curve.label)
            painter.fillRect(QRectF(right - width - 14, baseline - 8, 9, 9), self._hue(curve))
            right -= width + 26
        right -= self._paint_unit(right, baseline) if not several else 0
        painter.setPen(self.theme.ink)
        painter.drawText(QPointF(8, baseline), self._fitting(self.curves.title, right - 16))

    def _paint_unit(self, right: float, baseline: int) -> float:
        """What a single curve's numbers are, where there is room for it; returns the pixels that it takes."""
        metrics, text = self.painter.fontMetrics(), self.curves.y_axis
        width = metrics.horizontalAdvance(text)
        if text.casefold() in ("", self.curves.title.casefold()) or right - 40 - width < metrics.horizontalAdvance(
            self.curves.title
        ):
            return 0
        self.painter.setPen(self.theme.muted)
        self.painter.drawText(QPointF(right - width, baseline), text)
        return width + 12

    # Numbers

    def _paint_line(self, curve: Curve) -> None:
        across = self.x.places(curve.x) * self.area.width()
        down = self.area.bottom() - self.y.places(curve.y) * self.area.height()
        columns = columns_of(across, down, int(self.area.width()))
        if columns is not None:
            self._paint_columns(columns, self._hue(curve))
            return
        across = across + self.area.left()
        self.painter.setPen(QPen(self._hue(curve), 1.6))
        known = np.isfinite(down)
        for start, stop in _runs(known):
            pairs = zip(across[start:stop].tolist(), down[start:stop].tolist(), strict=True)
            self.painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in pairs]))
        if known.sum() <= _MOST_DOTS:
            self.painter.setBrush(self._hue(curve))
            for x, y in zip(across[known].tolist(), down[known].tolist(), strict=True):
                self.painter.drawEllipse(QPointF(x, y), _DOT, _DOT)
            self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_columns(self, columns: Columns, hue: QColor) -> None:
        """Upright rectangles are filled quickly where a wide line through all points would take seconds."""
        left = int(self.area.left())
        # What is far outside the plot is clipped, and must not leave what Qt's integers hold.
        top = np.clip(columns.top - 0.5, self.area.top() - 2, self.area.bottom() + 2).astype(np.int64)
        bottom = np.clip(columns.bottom + 1.5, self.area.top() - 2, self.area.bottom() + 2).astype(np.int64)
        places = zip((columns.x.astype(np.int64) + left).tolist(), top.tolist(), (bottom - top).tolist(), strict=True)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(hue)
        rectangles = [QRect(x, y, 1, height) for x, y, height in places]
        if rectangles:
            self.painter.drawRects(*rectangles)
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_bars(self, curve: Curve, place: int) -> None:
        slot = self.area.width() / max(len(self.curves.ticks), 1)
        width = 0.8 * slot / len(self.curves.curves)
        first = self.area.left() - 0.4 * slot + place * width
        heights = np.where(curve.y == 0, 0.0, self.y.places(curve.y) * self.area.height())
        for x, height in zip(self.x.places(curve.x).tolist(), heights.tolist(), strict=True):
            if math.isfinite(height):
                tall = max(height, _LEAST_BAR)
                bar = QRectF(first + x * self.area.width(), self.area.bottom() - tall, max(width - 1, 1.0), tall)
                self.painter.fillRect(bar, self._hue(curve))

    def _paint_mark(self, place: float | None, pen: QPen) -> None:
        if place is not None:
            x = self.area.left() + self.x.place(place) * self.area.width()
            self.painter.setPen(pen)
            self.painter.drawLine(QPointF(x, self.area.top()), QPointF(x, self.area.bottom()))

    def _hue(self, curve: Curve) -> QColor:
        named = {"forward": self.theme.forward, "backward": self.theme.backward, "update": self.theme.update}
        others = any(each.hue for each in self.curves.curves)  # the accent is much like the colour of forward
        hue = named.get(curve.hue, self.theme.muted if others else self.theme.accent)
        # Mixed with the ground: a translucent colour takes several times as long to paint.
        return QColor(mix(hue.name(), self.theme.surface.name(), self.curves.fading(curve)))

    def _fitting(self, text: str, width: float) -> str:
        return self.painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(int(width), 0))


def room_below(curves: Curves, metrics: QFontMetrics, width: float, height: float) -> float:
    """Returns the room that what stands below the axis needs, in a plot of that height whose axis has that width."""
    least = 2.0 * metrics.height() + _UNDER
    if not curves.ticks or not _slants(curves, metrics, width):
        return least
    wanted = _widest(curves, metrics) * math.sin(_SLANT) + 2.5 * metrics.height()
    return min(wanted, max(height * _NAMES_SHARE, least))


def _slants(curves: Curves, metrics: QFontMetrics, width: float) -> bool:
    """Whether the names would touch side by side."""
    return (_widest(curves, metrics) + _BETWEEN_NAMES) * len(curves.ticks) > width


def _widest(curves: Curves, metrics: QFontMetrics) -> int:
    return max((metrics.horizontalAdvance(name) for name in curves.ticks), default=0)


def _runs(known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Where stretches of true begin and end."""
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    return [(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]

"""A painted histogram of magnitudes."""

from __future__ import annotations

import math
from typing import Final

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from graphviz_nn_ui.viewmodels.magnitudes import Magnitudes
from graphviz_nn_ui.viewmodels.numbers import share_text
from graphviz_nn_ui.viewmodels.ticks import power_text
from graphviz_nn_ui.widgets.theme import theme_of

_HEIGHT: Final = 96
_SIDE_SHARE: Final = 0.09
_FLOOR: Final = 1e-3
"""The share at which a bar ends on a logarithmic axis."""


class HistogramView(QWidget):
    """Bars by power of two; zeros left of them, NaN and ±Inf right."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._bars: Magnitudes | None = None
        self._phase = "forward"
        self._logarithmic = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(f"Histogram: {title}")

    def show_bars(self, title: str, phase: str, bars: Magnitudes | None) -> None:
        """Shows a histogram in the colour of a phase: "forward", "backward" or "optimizer"."""
        if (title, phase, bars) == (self._title, self._phase, self._bars):
            return
        self._title, self._phase, self._bars = title, phase, bars
        self.setAccessibleName(f"Histogram: {title}")
        self.update()

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Whether heights follow the logarithm of the count."""
        self._logarithmic = logarithmic
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(200, _HEIGHT + 2 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(120, self.sizeHint().height())

    def text_at(self, position: QPointF) -> str:
        """Returns what stands at a place of the widget, or ""."""
        if self._bars is None:
            return ""
        zeros, middle, bad = self._areas()
        if zeros.contains(position):
            return f"exactly zero: {share_text(self._bars.zeros)}"
        if bad.contains(position):
            return f"NaN or ±Inf: {share_text(self._bars.bad)}"
        if not middle.contains(position):
            return ""
        count = len(self._bars.shares)
        return self._bars.bar_text(min(int((position.x() - middle.left()) / middle.width() * count), count - 1))

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.text_at(event.pos().toPointF()), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        painter = QPainter(self)
        theme = theme_of(self)
        line = self.fontMetrics().height()
        painter.setPen(theme.muted)
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, self._title)
        zeros, middle, bad = self._areas()
        for area in (zeros, middle, bad):
            painter.fillRect(area, theme.surface)
        if self._bars is None:
            painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, "not measured")
            return
        colour = {"backward": theme.backward, "optimizer": theme.update}.get(self._phase, theme.forward)
        width = middle.width() / len(self._bars.shares)
        for bar, share in enumerate(self._bars.shares):
            area = QRectF(middle.left() + bar * width, middle.top(), width, middle.height())
            self._bar(painter, area, share, colour)
        self._bar(painter, zeros, self._bars.zeros, theme.muted)
        self._bar(painter, bad, self._bars.bad, theme.error)
        self._label(painter, middle, zeros, bad)

    def _bar(self, painter: QPainter, area: QRectF, share: float, colour: QColor) -> None:
        assert self._bars is not None
        fraction = self._fraction(share, max(self._bars.tallest, _FLOOR))
        if fraction <= 0:
            return
        height = max((area.height() - 2) * fraction, 1.0)
        gap = 0.5 if area.width() > 3 else 0.0
        painter.fillRect(QRectF(area.left() + gap, area.bottom() - height, area.width() - 2 * gap, height), colour)

    def _fraction(self, share: float, tallest: float) -> float:
        if not self._logarithmic:
            return share / tallest
        if share <= 0:
            return 0.0
        return max(math.log(share / _FLOOR) / math.log(max(tallest / _FLOOR, 2.0)), 0.03)

    def _label(self, painter: QPainter, middle: QRectF, zeros: QRectF, bad: QRectF) -> None:
        assert self._bars is not None
        theme, line = theme_of(self), self.fontMetrics().height()
        painter.setPen(theme.muted)
        below = middle.bottom() + 1
        centred = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(QRectF(zeros.left() - 8, below, zeros.width() + 16, line), centred, "0")
        count = len(self._bars.shares)
        width = middle.width() / count
        every = max(1, math.ceil(self.fontMetrics().horizontalAdvance("2⁻⁴⁴") * 1.6 / width))
        for bar in range(0, count + 1, every):
            place = middle.left() + bar * width
            beyond = bar == 0 and self._bars.open_below
            text = f"<{power_text(2, self._bars.lowest + 1)}" if beyond else power_text(2, self._bars.lowest + bar)
            half = self.fontMetrics().horizontalAdvance(text) / 2 + 1
            painter.drawText(QRectF(place - half, below, 2 * half, line), centred, text)
            painter.drawLine(QPointF(place, middle.bottom()), QPointF(place, middle.bottom() + 2))
        painter.setPen(theme.error if self._bars.bad > 0 else theme.faint)
        painter.drawText(QRectF(bad.left() - 10, below, bad.width() + 20, line), centred, "✖")

    def _areas(self) -> tuple[QRectF, QRectF, QRectF]:
        """Where zeros, bars, and what is not finite are painted."""
        line = self.fontMetrics().height()
        top, height = line + 2.0, self.height() - 2.0 * line - 4
        side = max(self.width() * _SIDE_SHARE, 14.0)
        gap = 12.0
        return (
            QRectF(0, top, side, height),
            QRectF(side + gap, top, self.width() - 2 * (side + gap), height),
            QRectF(self.width() - side, top, side, height),
        )

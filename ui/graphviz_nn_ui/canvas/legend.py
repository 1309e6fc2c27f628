"""What the colours of the picture mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPixmap

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.tables import CATEGORIES
from graphviz_nn.scene.theme import COLOUR_MAPS
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.corner import Corner

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_WIDTH: Final = 236
_PADDING: Final = 10
_BAR: Final = 9
_COLUMNS: Final = 2


class Legend(Corner):
    """A scale with its quantity, range and unit, or why there is none; and the categories that are in the picture."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas, "Legend", "legend")
        self._categories: list[int] = []
        self._boxes: object = None
        self._pixmap: QPixmap | None = None
        self._said: tuple[object, ...] = ()
        self.setToolTip("A click on the title folds the legend")

    def refresh(self) -> None:
        """Takes in the picture as it is now."""
        drawing = self._canvas.drawing
        if drawing is not None and drawing.tables is not self._boxes:
            self._boxes = drawing.tables
            present = set(np.unique(drawing.tables.boxes.categories).tolist())
            self._categories = [
                place for place, each in enumerate(CATEGORIES) if place in present and each is not Category.OTHER
            ]
        said = (self.text, tuple(self._categories), self._canvas.colours, self.font().pointSizeF(), self.folded)
        if said != self._said:
            self._said = said
            self._pixmap = None
            self.setAccessibleDescription(self.text)
            self.update()

    @property
    def text(self) -> str:
        """What the scale says: the quantity and its range, or why there are no colours; "" for none."""
        drawing = self._canvas.drawing
        if drawing is None or self._canvas.workspace.look.color_by == "none":
            return ""
        if self._canvas.source.colour_problem:
            return self._canvas.source.colour_problem
        numbers = drawing.numbers
        if numbers is None:
            return "Reading the numbers…"
        if numbers.low != numbers.low:
            return f"{numbers.quantity.title}: none"
        quantity = numbers.quantity
        how = " (log)" if quantity.logarithmic else ""
        return f"{quantity.title}{how}: {quantity.text(numbers.low)} … {quantity.text(numbers.high)}"

    def place(self, width: int, height: int, margin: int) -> None:
        """Stands in the lower left corner of a canvas of that size."""
        size = self.sizeHint()
        self.setGeometry(margin, height - size.height() - margin, size.width(), size.height())
        self.setVisible(self.wanted and self._canvas.drawing is not None and height > 2 * size.height() and width > 420)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        if self.folded:
            return QSize(int(self.title_width), int(self.title_height))
        rows = -(-len(self._categories) // _COLUMNS)
        return QSize(_WIDTH, int(self.title_height + _PADDING + self._scale_height() + rows * self._line))

    @property
    def _line(self) -> float:
        return QFontMetricsF(self.small_font()).height() + 3

    def _scale_height(self) -> float:
        if not self.text:
            return 0.0
        if self._has_scale:
            return 2 * self._line + _BAR + 6
        metrics = QFontMetricsF(self.small_font())
        room = QRectF(0, 0, _WIDTH - 2 * _PADDING, 400)
        return metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, self.text).height() + 6

    @property
    def _has_scale(self) -> bool:
        drawing = self._canvas.drawing
        return drawing is not None and drawing.numbers is not None and drawing.numbers.low == drawing.numbers.low

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        ratio = self.devicePixelRatioF()
        if self._pixmap is None or self._pixmap.devicePixelRatio() != ratio:
            self._pixmap = QPixmap((QSizeF(self.size()) * ratio).toSize())
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            self._paint(self._pixmap)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._pixmap)
        painter.end()

    def _paint(self, device: QPixmap) -> None:
        painter, colours = QPainter(device), self._canvas.colours
        self.paint_card(painter)
        y = self.title_height
        if self.folded:
            painter.end()
            return
        if self._has_scale:
            self._paint_scale(painter, y, colours)
        elif self.text:
            painter.setPen(colours.ink)
            room = QRectF(_PADDING, y, _WIDTH - 2 * _PADDING, self._scale_height())
            painter.drawText(room, Qt.TextFlag.TextWordWrap, self.text)
        self._paint_categories(painter, y + self._scale_height(), colours)
        painter.end()

    def _paint_scale(self, painter: QPainter, y: float, colours: Colours) -> None:
        drawing = self._canvas.drawing
        if drawing is None or drawing.numbers is None:
            return
        numbers, room = drawing.numbers, float(_WIDTH - 2 * _PADDING)
        quantity = numbers.quantity
        metrics = QFontMetricsF(painter.font())
        title = quantity.title + (" (log)" if quantity.logarithmic else "")
        title = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
        painter.setPen(colours.ink)
        painter.drawText(QPointF(_PADDING, y + metrics.ascent()), title)
        bar = QRectF(_PADDING, y + self._line, room, _BAR)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        stops = COLOUR_MAPS[quantity.colour_map]
        for place, stop in enumerate(stops):
            gradient.setColorAt(place / (len(stops) - 1), QColor(stop))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 2, 2)
        base = bar.bottom() + metrics.ascent() + 1
        painter.setPen(colours.muted)
        low, high = quantity.text(numbers.low), quantity.text(numbers.high)
        painter.drawText(QPointF(_PADDING, base), low)
        if low != high:
            painter.drawText(QPointF(_PADDING + room - metrics.horizontalAdvance(high), base), high)

    def _paint_categories(self, painter: QPainter, y: float, colours: Colours) -> None:
        width = (_WIDTH - 2 * _PADDING) / _COLUMNS
        rows = -(-len(self._categories) // _COLUMNS)
        ascent = QFontMetricsF(painter.font()).ascent()
        for place, category in enumerate(self._categories):
            x, row = _PADDING + (place // rows) * width, place % rows
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.strong[category])
            painter.drawRoundedRect(QRectF(x, y + row * self._line + 2, 9, 9), 2, 2)
            painter.setPen(colours.muted)
            painter.drawText(QPointF(x + 15, y + row * self._line + ascent), CATEGORIES[category].value)

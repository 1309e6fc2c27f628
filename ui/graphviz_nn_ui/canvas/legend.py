"""What the colours of the picture mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from PyQt6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPixmap

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.tables import CATEGORIES
from graphviz_nn.scene.theme import COLOUR_MAPS
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.corner import Corner
from graphviz_nn_ui.viewmodels.look import OPEN

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_LEAST_WIDTH: Final = 216
_MOST_WIDTH: Final = 340
_PADDING: Final = 10
_BAR: Final = 9
_COLUMNS: Final = 2
_SWATCH: Final = 15.0
"""Pixels from where a swatch begins to its word."""

_WHOLE, _SCALE, _TITLE = range(3)
"""How much of the legend is shown where nobody folded it."""

_NOT_FINITE: Final = "NaN or ±Inf"


class Legend(Corner):
    """A scale with its quantity, range and unit, or why there is none; and the categories that are in the picture.

    It stands in the first corner that is free. Where the picture leaves too little room, it shows the scale alone, or
    its title, until somebody asks for all of it.
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas, "Legend", "legend")
        self._categories: list[int] = []
        self._boxes: object = None
        self._pixmap: QPixmap | None = None
        self._said: tuple[object, ...] = ()
        self._sizes: dict[tuple[int, bool], QSize] = {}
        self._alarms = False
        self._form = _WHOLE
        self._corner = (False, True)
        self.setToolTip("A click on the title folds the legend")

    def fold(self) -> None:
        """Shows all of it where it took less room by itself; folds it, or unfolds it, otherwise."""
        if self._form == _WHOLE:
            super().fold()
        else:
            self._form = _WHOLE
            self._canvas.workspace.look.set(self.field, OPEN)
            self._canvas.tell_parts()

    @property
    def folded(self) -> bool:
        return self._form == _TITLE or super().folded

    def settle(self, width: int, height: int, margin: int, below: int, is_free: Callable[[QRectF], bool]) -> None:
        """Finds a corner that nobody needs, `below` pixels from the top at least; takes less room where none is."""
        for self._form in (_WHOLE, _SCALE, _TITLE):
            for self._corner in ((False, True), (True, True), (False, False), (True, False)):
                if is_free(QRectF(self._rect(width, height, margin, below))):
                    return
        self._corner = (False, True)

    def refresh(self) -> None:
        """Takes in the picture as it is now."""
        drawing = self._canvas.drawing
        if drawing is not None and drawing.tables is not self._boxes:
            self._boxes = drawing.tables
            present = set(np.unique(drawing.tables.boxes.categories).tolist())
            self._categories = [
                place for place, each in enumerate(CATEGORIES) if place in present and each is not Category.OTHER
            ]
        self._alarms = drawing is not None and bool(drawing.alarms.any())
        look = self._canvas.colours, self.font().pointSizeF(), self.folded, self._form
        said = (self.text, tuple(self._categories), self._alarms, *look)
        if said != self._said:
            self._said = said
            self._sizes.clear()
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

    def place(self, width: int, height: int, margin: int, below: int) -> None:
        """Stands in its corner of a canvas of that size."""
        rect = self._rect(width, height, margin, below)
        self.setGeometry(rect)
        fits = height > 2 * rect.height() and width > 1.6 * rect.width()
        self.setVisible(self.wanted and self._canvas.drawing is not None and fits)

    def _rect(self, width: int, height: int, margin: int, below: int) -> QRect:
        size, (right, bottom) = self.sizeHint(), self._corner
        x = width - size.width() - margin if right else margin
        return QRect(QPoint(x, height - size.height() - margin if bottom else below), size)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        form = self._form, self.folded
        if form not in self._sizes:
            self._sizes[form] = self._size()
        return self._sizes[form]

    def _size(self) -> QSize:
        if self.folded:
            return QSize(int(self.title_width), int(self.title_height))
        rows = -(-len(self._entries()) // _COLUMNS)
        return QSize(self._width(), int(self.title_height + _PADDING + self._scale_height() + rows * self._line))

    def _entries(self) -> list[tuple[QColor, str]]:
        """Swatches and what they stand for."""
        colours = self._canvas.colours
        alarms = [(colours.alarm, _NOT_FINITE)] if self._alarms else []
        if self._form == _SCALE:
            return alarms
        return [(colours.strong[each], CATEGORIES[each].value) for each in self._categories] + alarms

    def _column(self) -> float:
        """The width of a column of entries."""
        metrics = QFontMetricsF(self.small_font())
        words = [CATEGORIES[each].value for each in self._categories] + [_NOT_FINITE] * self._alarms
        return _SWATCH + max((metrics.horizontalAdvance(each) for each in words), default=0.0) + 12.0

    def _width(self) -> int:
        return int(min(max(_LEAST_WIDTH, 2 * _PADDING + _COLUMNS * self._column()), _MOST_WIDTH))

    @property
    def _line(self) -> float:
        return QFontMetricsF(self.small_font()).height() + 3

    @property
    def _scale_title(self) -> str:
        numbers = self._canvas.drawing.numbers if self._canvas.drawing is not None else None
        if numbers is None:
            return ""
        return numbers.quantity.title + (" (log)" if numbers.quantity.logarithmic else "")

    def _text_height(self, text: str) -> float:
        room = QRectF(0, 0, self._width() - 2 * _PADDING, 400)
        return QFontMetricsF(self.small_font()).boundingRect(room, Qt.TextFlag.TextWordWrap, text).height()

    def _scale_height(self) -> float:
        if not self.text:
            return 0.0
        if self._has_scale:
            return self._text_height(self._scale_title) + 3 + self._line + _BAR + 6
        return self._text_height(self.text) + 6

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
            room = QRectF(_PADDING, y, self._width() - 2 * _PADDING, self._scale_height())
            painter.drawText(room, Qt.TextFlag.TextWordWrap, self.text)
        self._paint_entries(painter, y + self._scale_height(), colours)
        painter.end()

    def _paint_scale(self, painter: QPainter, y: float, colours: Colours) -> None:
        drawing = self._canvas.drawing
        if drawing is None or drawing.numbers is None:
            return
        numbers, room = drawing.numbers, float(self._width() - 2 * _PADDING)
        quantity = numbers.quantity
        metrics = QFontMetricsF(painter.font())
        title_height = self._text_height(self._scale_title)
        painter.setPen(colours.ink)
        painter.drawText(QRectF(_PADDING, y, room, title_height), Qt.TextFlag.TextWordWrap, self._scale_title)
        bar = QRectF(_PADDING, y + title_height + 3, room, _BAR)
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

    def _paint_entries(self, painter: QPainter, y: float, colours: Colours) -> None:
        entries = self._entries()
        width = (self._width() - 2 * _PADDING) / _COLUMNS
        rows = -(-len(entries) // _COLUMNS)
        ascent = QFontMetricsF(painter.font()).ascent()
        for place, (colour, word) in enumerate(entries):
            x, base = _PADDING + (place // rows) * width, y + place % rows * self._line + ascent
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(x, base - ascent / 2 - 3, 9, 9), 2, 2)
            painter.setPen(colours.muted)
            painter.drawText(QPointF(x + _SWATCH, base), word)

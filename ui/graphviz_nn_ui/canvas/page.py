"""The picture as a file: an image or a page, with its title and what its colours mean."""

from __future__ import annotations

from typing import Final

import numpy as np
from PyQt6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QColor, QImage, QLinearGradient, QPageLayout, QPageSize, QPainter, QPdfWriter

from graphviz_nn.scene import metrics
from graphviz_nn.scene.tables import CATEGORIES
from graphviz_nn.scene.theme import COLOUR_MAPS
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.scene_painter import ScenePainter
from graphviz_nn_ui.canvas.words import Style, Words

_MARGIN: Final = 24.0
_LEAST_WIDTH: Final = 420.0
_LINE: Final = 19.0
_SCALE_WIDTH: Final = 140.0
_POINTS: Final = 0.75
"""Points of a page per pixel of the picture."""

_LONGEST_SIDE: Final = 16_000
"""Pixels that a side of an image may have: a longer picture is made smaller."""


class Page:
    """A drawing with a head above it. `width` and `height` in pixels of the unscaled picture."""

    def __init__(self, drawing: Drawing, colours: Colours) -> None:
        self._drawing = drawing
        self._colours = colours
        self._scene = ScenePainter(on_screen=False)
        self.width = max(drawing.tables.width, _LEAST_WIDTH) + 2 * _MARGIN
        self._entries = _wrapped(drawing, self._scene.words, self.width - 2 * _MARGIN)
        scale = 2 * _LINE + 8 if drawing.numbers is not None else 0.0
        self._head = 40.0 + _LINE * (self._entries[-1][2] + 1 if self._entries else 0) + scale + 14.0
        self.height = drawing.tables.height + 2 * _MARGIN + self._head

    def image(self, zoom: float = 1.0) -> QImage:
        """Returns the page, `zoom` pixels of the image per pixel of the picture, fewer for very large pictures."""
        zoom = min(zoom, _LONGEST_SIDE / max(self.width, self.height))
        image = QImage(max(int(self.width * zoom), 1), max(int(self.height * zoom), 1), QImage.Format.Format_RGB32)
        painter = QPainter(image)
        painter.scale(zoom, zoom)
        self._paint(painter)
        painter.end()
        return image

    def pdf(self) -> bytes:
        """Returns the page as a PDF, whose lines and letters stay sharp at any size."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QPdfWriter(buffer)
        writer.setTitle(self._drawing.tables.title)
        size = QPageSize(QSizeF(self.width * _POINTS, self.height * _POINTS), QPageSize.Unit.Point)
        writer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF()))
        painter = QPainter(writer)
        zoom = writer.width() / self.width
        painter.scale(zoom, zoom)
        self._paint(painter)
        painter.end()
        buffer.close()
        return data.data()

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(0, 0, self.width, self.height), self._colours.canvas)
        self._paint_head(painter)
        tables = self._drawing.tables
        left = (self.width - tables.width) / 2
        view = QRectF(0, 0, max(tables.width, 1.0), max(tables.height, 1.0))
        target = QRectF(left, _MARGIN + self._head, view.width(), view.height())
        view, target = view.adjusted(-1, -1, 1, 1), target.adjusted(-1, -1, 1, 1)
        self._scene.paint(painter, self._drawing, view, target, self._colours)
        self._scene.paint_titles(painter, self._drawing, view, target, self._colours)

    def _paint_head(self, painter: QPainter) -> None:
        tables, colours, words = self._drawing.tables, self._colours, self._scene.words
        painter.setPen(colours.ink)
        painter.save()
        painter.translate(_MARGIN, _MARGIN + 15)
        painter.scale(1.4, 1.4)
        words.paint(painter, 0, 0, tables.title, Style.TITLE)
        painter.restore()
        painter.setPen(colours.muted)
        words.paint(painter, _MARGIN, _MARGIN + 34, tables.description, Style.SUBTITLE)
        top = _MARGIN + 44.0
        for category, x, row in self._entries:
            y = top + row * _LINE
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.strong[category])
            painter.drawRoundedRect(QRectF(_MARGIN + x, y + 1, 11, 11), 3, 3)
            painter.setPen(colours.muted)
            words.paint(painter, _MARGIN + x + 16, y + 11, CATEGORIES[category].value, Style.SUBTITLE)
        if self._entries:
            top += (self._entries[-1][2] + 1) * _LINE
        if self._drawing.numbers is not None:
            self._paint_scale(painter, top + 3)

    def _paint_scale(self, painter: QPainter, top: float) -> None:
        numbers, words, colours = self._drawing.numbers, self._scene.words, self._colours
        if numbers is None:
            return
        quantity = numbers.quantity
        title = quantity.title + (" (logarithmic)" if quantity.logarithmic else "")
        painter.setPen(colours.muted)
        if numbers.low != numbers.low:
            words.paint(painter, _MARGIN, top + 11, f"{title}: none", Style.SUBTITLE)
            return
        words.paint(painter, _MARGIN, top + 11, title, Style.SUBTITLE)
        painter.setPen(colours.ink)
        x = _MARGIN + words.paint(painter, _MARGIN, top + _LINE + 10, quantity.text(numbers.low), Style.NUMBER) + 8
        gradient = QLinearGradient(QPointF(x, 0), QPointF(x + _SCALE_WIDTH, 0))
        stops = COLOUR_MAPS[quantity.colour_map]
        for place, stop in enumerate(stops):
            gradient.setColorAt(place / (len(stops) - 1), QColor(stop))
        painter.fillRect(QRectF(x, top + _LINE + 1, _SCALE_WIDTH, 11), gradient)
        words.paint(painter, x + _SCALE_WIDTH + 8, top + _LINE + 10, quantity.text(numbers.high), Style.NUMBER)


def _wrapped(drawing: Drawing, words: Words, room: float) -> list[tuple[int, float, int]]:
    """The categories in the picture, each with where it stands in its row, and the row."""
    found: list[tuple[int, float, int]] = []
    x, row = 0.0, 0
    present = set(np.unique(drawing.tables.boxes.categories).tolist())
    for category in sorted(present - {len(CATEGORIES) - 1}):
        width = 16 + words.width(CATEGORIES[category].value, Style.SUBTITLE)
        if x and x + width > room:
            x, row = 0.0, row + 1
        found.append((category, x, row))
        x += width + metrics.GAP + 4
    return found

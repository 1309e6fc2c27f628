"""What comes into a node and what goes out of it, beside its box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PyQt6.QtCore import QLineF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.words import Style, Words
from graphviz_nn_ui.viewmodels.graph_textbook import BACKWARD, Callout

_LINE: Final = 19.0
_BEFORE: Final = 34.0
_AFTER: Final = 22.0
"""Pixels between a box and what stands before it or after it."""

_GAP: Final = 6.0


def callout_size(scale: float) -> float:
    """Returns how large callouts are where the picture has a scale: readable always."""
    return max(min(scale, 1.1), 0.85)


def callout_height(rows: int) -> float:
    """Returns the height of so many lines at size 1."""
    return _LINE * rows + 7


def paint_callouts(
    painter: QPainter,
    rect: QRectF,
    callouts: Sequence[Callout],
    scale: float,
    words: Words,
    colours: Colours,
    bounds: QRectF,
    covered: Sequence[QRectF] = (),
) -> None:
    """Paints what comes into a box at its left, and what goes out at its right; within `bounds`, below the box where
    there is no room beside it, and above the places that are covered."""
    size = callout_size(scale)
    for incoming in (True, False):
        lines = [each for each in callouts if each.incoming == incoming]
        if not lines:
            continue
        width = max(words.width(line.symbol, Style.TITLE) + words.width(line.text, Style.SHAPE) for line in lines) + 26
        height = callout_height(len(lines))
        x = rect.left() - (width + _BEFORE) * size if incoming else rect.right() + _AFTER * size
        place = QRectF(x, rect.center().y() - height * size / 2, width * size, height * size)
        place.moveLeft(max(min(place.left(), bounds.right() - place.width() - _GAP), bounds.left() + _GAP))
        beside = place.right() <= rect.left() or place.left() >= rect.right()
        if not beside:
            place.moveTop(rect.bottom() + _GAP)
        if not place.intersects(bounds):
            continue
        for each in covered:
            if each.intersects(place):
                place.moveBottom(each.top() - _GAP)
        if beside and not place.top() < rect.center().y() < place.bottom():
            near, far = (place.right(), rect.left()) if incoming else (place.left(), rect.right())
            painter.setPen(QPen(colours.muted, 1.0))
            painter.drawLine(QLineF(near, place.center().y(), far, rect.center().y()))
        painter.save()
        painter.translate(place.topLeft())
        painter.scale(size, size)
        ground = QColor(colours.theme.raised)
        ground.setAlphaF(0.96)
        painter.setPen(QPen(colours.container_line, 1.0))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(0, 0, width, height), 6, 6)
        for row, line in enumerate(lines):
            _paint_callout(painter, line, 4 + _LINE * row, words, colours)
        painter.restore()


def _paint_callout(painter: QPainter, line: Callout, y: float, words: Words, colours: Colours) -> None:
    flow = colours.theme.backward if line.flow == BACKWARD else colours.theme.forward
    painter.setOpacity(1.0 if line.there else 0.5)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(flow)
    painter.drawRoundedRect(QRectF(4, y + 2, 3, 15), 1.5, 1.5)
    painter.setPen(flow)
    x = 12.0
    x += words.paint(painter, x, y + 14, line.symbol, Style.TITLE) + 7
    painter.setPen(colours.ink)
    words.paint(painter, x, y + 13.5, line.text, Style.SHAPE)
    painter.setOpacity(1.0)

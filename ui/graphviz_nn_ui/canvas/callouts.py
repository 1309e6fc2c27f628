"""What comes into a node and what goes out of it, beside its box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.words import Style, Words
from graphviz_nn_ui.viewmodels.graph_textbook import BACKWARD, Callout

_LINE: Final = 19.0
_BEFORE: Final = 34.0
_AFTER: Final = 22.0
"""Pixels between a box and what stands before it or after it."""

_BELOW: Final = 12.0
"""Pixels between a box and what stands under it, where the flow takes its sides."""

_GAP: Final = 6.0


def callout_size(scale: float) -> float:
    """Returns how large callouts are where the picture has a scale: readable always."""
    return max(min(scale, 1.1), 0.85)


def callout_height(rows: int) -> float:
    """Returns the height of so many lines at size 1."""
    return _LINE * rows + 7


def room_with_callouts(rect: QRectF, callouts: Sequence[Callout], scale: float, down: bool) -> QRectF:
    """Returns a part of the picture with the room along the other side that the lines beside it, or under it, take at
    a scale."""
    if not callouts:
        return rect
    size = callout_size(scale) / scale
    height = callout_height(max(sum(each.incoming == side for each in callouts) for side in (True, False))) * size
    if not down:
        return rect.adjusted(0.0, 0.0, 0.0, _BELOW * size + height)
    missing = max(height - rect.height(), 0.0) / 2
    return rect.adjusted(0.0, -missing, 0.0, missing)


def paint_callouts(
    painter: QPainter,
    rect: QRectF,
    callouts: Sequence[Callout],
    scale: float,
    words: Words,
    colours: Colours,
    bounds: QRectF,
    covered: Sequence[QRectF] = (),
    down: bool = True,
) -> None:
    """Paints what comes into a box at its left, and what goes out at its right; within `bounds`, below the box where
    there is no room beside it or where the flow runs sideways (not `down`), and above the places that are covered."""
    size = callout_size(scale)
    for incoming in (True, False):
        lines = [each for each in callouts if each.incoming == incoming]
        if not lines:
            continue
        width = max(words.width(line.symbol, Style.TITLE) + words.width(line.text, Style.SHAPE) for line in lines) + 26
        height = callout_height(len(lines))
        place = QRectF(0.0, 0.0, width * size, height * size)
        place.moveTopLeft(_corner(rect, place, incoming, size, down))
        place.moveLeft(max(min(place.left(), bounds.right() - place.width() - _GAP), bounds.left() + _GAP))
        beside = place.right() <= rect.left() or place.left() >= rect.right()
        if down and not beside:
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


def _corner(rect: QRectF, place: QRectF, incoming: bool, size: float, down: bool) -> QPointF:
    """The upper left corner of lines at a box."""
    if not down:
        middle = rect.center().x()
        return QPointF(
            middle - _GAP / 2 - place.width() if incoming else middle + _GAP / 2, rect.bottom() + _BELOW * size
        )
    x = rect.left() - _BEFORE * size - place.width() if incoming else rect.right() + _AFTER * size
    return QPointF(x, rect.center().y() - place.height() / 2)


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

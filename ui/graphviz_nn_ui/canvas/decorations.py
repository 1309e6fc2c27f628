"""What is painted over the picture: selection, ways, badges, the pointer, what flows now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn.model.findings import SEVERITIES
from graphviz_nn.scene.tables import Floats
from graphviz_nn_ui.canvas.camera import Camera
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.flow_labels import flow_labels
from graphviz_nn_ui.canvas.paint_boxes import RADIUS
from graphviz_nn_ui.canvas.paint_wires import lines_of, paint_arrow, paint_pieces, pieces_of
from graphviz_nn_ui.canvas.scene_painter import paint_label
from graphviz_nn_ui.canvas.selecting import Highlight
from graphviz_nn_ui.canvas.standing import Standing
from graphviz_nn_ui.canvas.words import Style, Words
from graphviz_nn_ui.viewmodels.graph_nonfinite import nonfinite_sign

_SIGNS: Final = {"error": "✕", "warning": "!", "info": "i"}
_BADGE: Final = 7.0
_SIGNS_SHOWN: Final = 400
"""Signs in view up to which each is painted."""

_LABELLED: Final = 12
"""Wires of a selection up to which each says what flows on it."""

_PULSE: Final = 46.0
_RING: Final = 16.0
_LEAST_SIZE: Final = 0.8


def rect_of(rects: Floats, camera: Camera, place: int) -> QRectF:
    """Returns where one of these rectangles of the picture stands on the canvas."""
    return camera.rect_to_screen(QRectF(*rects[place].tolist()))


def paint_way(
    painter: QPainter, drawing: Drawing, camera: Camera, way: Highlight, colour: QColor, words: Words, colours: Colours
) -> None:
    """Paints wires and frames that stand out, with what flows where there are few."""
    tables = drawing.tables
    pieces = pieces_of(tables.wires, sorted(way.wires))
    view = camera.view
    bounds = tables.piece_band.bounds[pieces]
    seen = (bounds[:, 0] < view.right()) & (bounds[:, 2] > view.left())
    pieces = pieces[seen & (bounds[:, 1] < view.bottom()) & (bounds[:, 3] > view.top())]
    origin = camera.to_screen(0.0, 0.0)
    pen = QPen(colour, max(2.4 * camera.scale, 1.4))
    paint_pieces(painter, tables, pieces, camera.scale, np.array([origin.x(), origin.y()] * 2), pen)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    ends = tables.wires.first_pieces[1:] - 1
    for piece in pieces[np.isin(pieces, ends)].tolist():
        paint_arrow(painter, tables.wires, piece, camera.scale, origin, tables.direction == DOWN, 1.35)
    if len(way.wires) <= _LABELLED and camera.scale > 0.5:
        for text, x, y in flow_labels(drawing, way.wires, words):
            paint_label(painter, words, camera.to_screen(x, y), text, camera.scale, colours, colour)


def paint_frames(painter: QPainter, rects: Iterable[QRectF], colour: QColor, scale: float, width: float = 2.2) -> None:
    """Paints frames around boxes or containers."""
    painter.setPen(QPen(colour, width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = (RADIUS + 2.0) * scale
    for rect in rects:
        painter.drawRoundedRect(rect.adjusted(-2.5, -2.5, 2.5, 2.5), radius, radius)


def paint_badges(
    painter: QPainter, drawing: Drawing, standing: Standing, camera: Camera, words: Words, colours: Colours
) -> None:
    """Paints signs of findings and of what is not finite at the right, and of breakpoints at the left of boxes in
    view. Where the boxes are too small for them, the colour of the boxes tells alone."""
    marked = drawing.marked
    left, top, right, bottom = camera.view.getCoords()
    x, y, width, height = standing.boxes[marked].T
    marked = marked[(x < right) & (x + width > left) & (y < bottom) & (y + height > top)]
    theme = colours.theme
    size = max(min(camera.scale, 1.2), _LEAST_SIZE)
    if len(marked) > _SIGNS_SHOWN:
        marked = marked[(drawing.severities[marked] >= 0) | drawing.stops[marked]][:_SIGNS_SHOWN]
    for box in marked.tolist():
        rect = rect_of(standing.boxes, camera, box)
        painter.setOpacity(1.0 if standing.shares is None else float(standing.shares[box]))
        if drawing.stops[box]:
            painter.setPen(QPen(colours.canvas, 1.5))
            painter.setBrush(theme.breakpoint)
            painter.drawEllipse(QPointF(rect.left() - 9 * size, rect.center().y()), 5.5 * size, 5.5 * size)
        severity, end = int(drawing.severities[box]), rect.right() + 5.0 * size
        if severity >= 0:
            name = SEVERITIES[severity]
            _paint_sign(painter, rect.topRight(), _SIGNS[name], getattr(theme, name), size, words, colours)
            end -= 18.0 * size
        if sign := nonfinite_sign(int(drawing.alarms[box])):
            _paint_pill(painter, QPointF(end, rect.top()), sign, size, words, colours)
    painter.setOpacity(1.0)


def _paint_pill(painter: QPainter, at: QPointF, text: str, size: float, words: Words, colours: Colours) -> None:
    """Paints a word on an alarming ground, which ends at a place on the upper border of a box: above its title."""
    width = words.width(text, Style.TAG) + 10.0
    painter.save()
    painter.translate(at)
    painter.scale(size, size)
    painter.setPen(QPen(colours.canvas, 1.5))
    painter.setBrush(colours.alarm)
    painter.drawRoundedRect(QRectF(-width, -11.0, width, 14.0), 7.0, 7.0)
    painter.setPen(colours.canvas)
    words.paint(painter, 5.0 - width, -0.8, text, Style.TAG)
    painter.restore()


def _paint_sign(
    painter: QPainter, at: QPointF, sign: str, colour: QColor, size: float, words: Words, colours: Colours
) -> None:
    painter.save()
    painter.translate(at)
    painter.scale(size, size)
    painter.setPen(QPen(colours.canvas, 1.5))
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(-2.0, 0.0), _BADGE, _BADGE)
    painter.setPen(colours.canvas)
    words.paint(painter, -2.0 - words.width(sign, Style.NUMBER) / 2, 3.6, sign, Style.NUMBER)
    painter.restore()


def paint_pointer(painter: QPainter, rect: QRectF, scale: float, colours: Colours) -> None:
    """Paints where the cursor is: a frame, and a triangle at its left."""
    colour = colours.theme.pointer
    paint_frames(painter, [rect], colour, 1.0, 2.6)
    size = 8.0 * max(min(scale, 1.0), 0.75)
    x, y = rect.left() - 6.0, rect.center().y()
    painter.setPen(QPen(colours.canvas, 1.2))
    painter.setBrush(colour)
    painter.drawPolygon(
        QPolygonF([QPointF(x, y), QPointF(x - 1.7 * size, y - size), QPointF(x - 1.7 * size, y + size)])
    )


def paint_pulse(
    painter: QPainter, drawing: Drawing, camera: Camera, wires: Sequence[int], share: float, back: bool, colour: QColor
) -> None:
    """Paints what flows along wires: a bright stretch, `share` (0…1) of the way; backwards where gradients flow."""
    table = drawing.tables.wires
    down = drawing.tables.direction == DOWN
    for wire in wires:
        pieces = table.pieces[table.first_pieces[wire] : table.first_pieces[wire + 1]]
        path = QPainterPath()
        for place, piece in enumerate(pieces):
            lines = lines_of(piece[None], down)
            if not place:
                path.moveTo(camera.to_screen(*lines[0, :2].tolist()))
            for line in lines:
                path.lineTo(camera.to_screen(*line[2:].tolist()))
        length = max(path.length(), 1.0)
        glow = QColor(colour)
        glow.setAlphaF(0.45 * (1.0 - share * 0.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(glow, max(2.6 * camera.scale, 2.0)))
        painter.drawPath(path)
        way = 1.0 - share if back else share
        for step in range(7):
            part = way + (step - 3) * _PULSE / 7 / length
            if 0.0 <= part <= 1.0:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                radius = (4.2 - abs(step - 3) * 0.8) * max(camera.scale, 0.6)
                painter.drawEllipse(path.pointAtPercent(part), radius, radius)


def paint_ring(painter: QPainter, rect: QRectF, share: float, colour: QColor) -> None:
    """Paints what comes into the parameters of a box, `share` (0…1) of the way: a ring that closes in on it."""
    away = _RING * (1.0 - share)
    glow = QColor(colour)
    glow.setAlphaF(0.25 + 0.6 * share)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(glow, 3.0))
    radius = RADIUS + away / 2
    painter.drawRoundedRect(rect.adjusted(-4.0 - away, -4.0 - away, 4.0 + away, 4.0 + away), radius, radius)

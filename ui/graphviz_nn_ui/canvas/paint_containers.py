"""Expanded modules: rounded areas behind the wires, and their titles above them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from graphviz_nn.scene import metrics
from graphviz_nn.scene.tables import Floats
from graphviz_nn_ui.canvas.colours import NO_HEAT, Colours
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.paint_wires import seen_by
from graphviz_nn_ui.canvas.words import Style, Words

RADIUS: Final = 9.0
_BASE: Final = 17.0
_SMALL: Final = 3.0
"""Pixels of the canvas below which an area is not drawn."""

_ROUND_FROM: Final = 0.2
_READABLE: Final = 9.0
"""Pixels of the canvas that the titles of large areas are never smaller than, in a view from afar."""

_ROOM: Final = 60.0


class ContainerPainter:
    """Paints areas and titles of containers."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def paint_areas(
        self,
        painter: QPainter,
        drawing: Drawing,
        places: npt.NDArray[np.intp],
        scale: float,
        origin: QPointF,
        colours: Colours,
    ) -> None:
        """Paints containers from the outermost to the innermost."""
        table = drawing.tables.containers
        found = places[(table.rects[places, 2:] * scale >= _SMALL).all(axis=1)]
        radius = RADIUS * scale
        rects = table.rects[found] * scale + [origin.x(), origin.y(), 0.0, 0.0]
        depths = (table.depths[found] % 2).tolist()
        reach, view = radius + 8.0, seen_by(painter)
        first = _covering(rects, view, radius)
        rects, depths = rects[first:], depths[first:]
        room = view.adjusted(-reach, -reach, reach, reach)
        for rect, depth in zip(rects.tolist(), depths, strict=True):
            # What reaches far out of sight costs as much as if it were seen.
            area = QRectF(*rect).intersected(room)
            if scale > _ROUND_FROM:
                _paint_rounded(painter, area, radius, colours.containers[depth], colours.container_line)
            else:
                painter.fillRect(area, colours.containers[depth])

    def paint_titles(
        self,
        painter: QPainter,
        drawing: Drawing,
        places: npt.NDArray[np.intp],
        scale: float,
        origin: QPointF,
        colours: Colours,
    ) -> None:
        """Paints the titles. From afar those of areas that are large enough stay readable, on a ground of their own."""
        table = drawing.tables.containers
        size = max(scale, _READABLE / metrics.TITLE_SIZE)
        wide = places[table.rects[places, 2] * scale >= _ROOM]
        wide = wide[table.rects[wide, 3] * scale >= _ROOM] if size > scale else wide
        taken: list[QRectF] = []
        for place in wide.tolist():
            x, y, width, _ = table.title_rects[place].tolist()
            if size > scale:
                length = (self._words.width(table.titles[place], Style.TITLE) + 12) * size
                pill = QRectF(origin.x() + x * scale, origin.y() + y * scale + 3 * size, length, 18 * size)
                if any(pill.intersects(other) for other in taken):
                    continue
                taken.append(pill)
            painter.save()
            painter.translate(origin.x() + x * scale, origin.y() + y * scale)
            painter.scale(size, size)
            self._paint_title(painter, drawing, place, width * scale / size, size > scale, colours)
            painter.restore()

    def _paint_title(
        self, painter: QPainter, drawing: Drawing, place: int, room: float, afar: bool, colours: Colours
    ) -> None:
        table, words = drawing.tables.containers, self._words
        title = table.titles[place]
        x = metrics.CONTAINER_LEFT
        if afar:
            width = words.width(title, Style.TITLE)
            room = float(table.rects[place, 2]) * room / max(float(table.title_rects[place, 2]), 1.0)
            if width + 16 > room:
                return
            ground = QColor(colours.containers[int(table.depths[place]) % 2])
            ground.setAlphaF(0.85)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(4, 3, width + 12, 18), 5, 5)
            painter.setPen(colours.ink)
            words.paint(painter, 10, 16, title, Style.TITLE)
            return
        painter.setPen(colours.ink)
        x += words.paint(painter, x, _BASE, title, Style.TITLE)
        if subtitle := table.subtitles[place]:
            painter.setPen(colours.muted)
            x += metrics.CONTAINER_GAP
            x += words.paint(painter, x, _BASE, subtitle, Style.SUBTITLE)
        if drawing.container_heat[place] != NO_HEAT:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.table[int(drawing.container_heat[place])])
            painter.drawRect(QRectF(x + metrics.CONTAINER_GAP, _BASE - 9, 9, 9))
            painter.setPen(colours.ink)
            x += metrics.CONTAINER_GAP + metrics.HEAT_SWATCH
            words.paint(painter, x, _BASE, drawing.container_heat_text(place), Style.NUMBER)


def _covering(rects: Floats, view: QRectF, radius: float) -> int:
    """The place of the last rectangle of which the view sees nothing but the inside; 0 where there is none.

    What stands before it is out of sight.
    """
    covers = (rects[:, 0] + radius < view.left()) & (rects[:, 1] + radius < view.top())
    covers &= rects[:, 0] + rects[:, 2] - radius > view.right()
    covers &= rects[:, 1] + rects[:, 3] - radius > view.bottom()
    found = np.flatnonzero(covers)
    return int(found[-1]) if len(found) else 0


def _paint_rounded(painter: QPainter, rect: QRectF, radius: float, colour: QColor, line: QColor) -> None:
    """Paints a rectangle with round corners, of pieces: one large path takes many times as long."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(rect.adjusted(radius, 0, -radius, 0), colour)
    for x in (rect.left(), rect.right() - radius):
        painter.fillRect(QRectF(x, rect.top() + radius, radius, rect.height() - 2 * radius), colour)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(colour)
    left, top, right, bottom = rect.getCoords()
    size = 2 * radius
    for x, y, start in (
        (right - size, top, 0),
        (left, top, 90),
        (left, bottom - size, 180),
        (right - size, bottom - size, 270),
    ):
        corner = QRectF(x, y, size, size)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPie(corner, start * 16, 90 * 16)
        painter.setPen(QPen(line, 1.0))
        painter.drawArc(corner, start * 16, 90 * 16)
    painter.drawLine(QPointF(left + radius, top), QPointF(right - radius, top))
    painter.drawLine(QPointF(left + radius, bottom), QPointF(right - radius, bottom))
    painter.drawLine(QPointF(left, top + radius), QPointF(left, bottom - radius))
    painter.drawLine(QPointF(right, top + radius), QPointF(right, bottom - radius))

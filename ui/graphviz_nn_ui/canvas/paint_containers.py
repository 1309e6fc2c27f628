"""Expanded modules: rounded areas behind the wires, and their titles above them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QRegion

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
_LARGE: Final = 10_000.0
"""Pixels of an area from which on it is worth to find out which of them others cover."""

_READABLE: Final = 9.0
"""Pixels of the canvas that the titles of large areas are never smaller than, in a view from afar."""

_ROOM: Final = 60.0


class ContainerPainter:
    """Paints areas and titles of containers; `on_screen` the ground around them too, and each pixel once."""

    def __init__(self, words: Words, on_screen: bool = True) -> None:
        self._words = words
        self._on_screen = on_screen

    def paint_areas(
        self, painter: QPainter, rects: Floats, depths: npt.NDArray[np.int32], scale: float, colours: Colours
    ) -> None:
        """Paints containers from the outermost to the innermost; `rects` are where they stand on the device."""
        radius, view = RADIUS * scale if scale > _ROUND_FROM else 0.0, seen_by(painter)
        reach = radius + 8.0
        room = view.adjusted(-reach, -reach, reach, reach)
        seen = (rects[:, 2:] >= _SMALL).all(axis=1) & (rects[:, 0] < view.right()) & (rects[:, 1] < view.bottom())
        seen &= (rects[:, 0] + rects[:, 2] > view.left()) & (rects[:, 1] + rects[:, 3] > view.top())
        # What reaches far out of sight costs as much as if it were seen.
        areas = [QRectF(*rect).intersected(room) for rect in rects[seen].tolist()]
        fills = [colours.containers[depth] for depth in (depths[seen] % 2).tolist()]
        large = [self._on_screen and area.width() * area.height() >= _LARGE for area in areas]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._on_screen:
            chosen = [each for each in zip(areas, fills, large, strict=True) if each[2]]
            _fill_once(painter, [(_body(area, radius), fill) for area, fill, _ in chosen], view, colours.canvas)
        for area, fill, filled in zip(areas, fills, large, strict=True):
            if not filled:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                painter.fillRect(_body(area, radius), fill)
            if radius and not area.adjusted(radius, radius, -radius, -radius).contains(view):
                _paint_rim(painter, area, radius, fill, colours.container_line, view)

    def paint_titles(
        self,
        painter: QPainter,
        drawing: Drawing,
        places: npt.NDArray[np.intp],
        scale: float,
        origin: QPointF,
        colours: Colours,
        rects: Floats | None = None,
    ) -> None:
        """Paints the titles, where the containers stand at `rects` or else at rest. From afar those of areas that are
        large enough stay readable, on a ground of their own."""
        table, view = drawing.tables.containers, seen_by(painter)
        size = max(scale, _READABLE / metrics.TITLE_SIZE)
        wide = places[table.rects[places, 2] * scale >= _ROOM]
        wide = wide[table.rects[wide, 3] * scale >= _ROOM] if size > scale else wide
        taken: list[QRectF] = []
        for place in wide.tolist():
            x, y, width, _ = table.title_rects[place].tolist()
            if rects is not None:
                x, y = (table.title_rects[place, :2] - table.rects[place, :2] + rects[place, :2]).tolist()
            length = (self._words.width(table.titles[place], Style.TITLE) + 12) * size
            # The title of an area whose beginning is out of sight stands where the area comes into it.
            outer = table.rects[place] if rects is None else rects[place]
            end = origin.x() + float(outer[0] + outer[2]) * scale - length
            left, top = origin.x() + x * scale, origin.y() + y * scale
            left = max(left, min(view.left(), end))
            if size > scale:
                pill = QRectF(left, top + 3 * size, length, 18 * size)
                if any(pill.intersects(other) for other in taken):
                    continue
                taken.append(pill)
            painter.save()
            painter.translate(left, top)
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


def _body(area: QRectF, radius: float) -> QRectF:
    """An area without the rows of its round corners."""
    return area.adjusted(0.0, radius, 0.0, -radius)


def _fill_once(painter: QPainter, bodies: list[tuple[QRectF, QColor]], view: QRectF, ground: QColor) -> None:
    """Fills areas, the outermost first among them, and the ground around them; no pixel twice."""
    free = QRegion(view.toAlignedRect())
    for body, colour in reversed(bodies):
        region = QRegion(body.toRect())
        _fill(painter, free.intersected(region), colour)
        free = free.subtracted(region)
    _fill(painter, free, ground)


def _fill(painter: QPainter, region: QRegion, colour: QColor) -> None:
    if region.rectCount() < 2:
        painter.fillRect(region.boundingRect(), colour)
        return
    painter.save()
    painter.setClipRegion(region, Qt.ClipOperation.IntersectClip)
    painter.fillRect(region.boundingRect(), colour)
    painter.restore()


def _paint_rim(painter: QPainter, rect: QRectF, radius: float, colour: QColor, line: QColor, view: QRectF) -> None:
    """Paints all of a rectangle with round corners but its body, in pieces: one large path takes many times as long."""
    left, top, right, bottom = rect.getCoords()
    size = 2 * radius
    pen = QPen(line, 1.0)
    for y, edge in ((top, top), (bottom - radius, bottom)):
        if not view.top() - radius < edge < view.bottom() + radius:
            continue
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(left + radius, y, right - left - size, radius), colour)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        corner_y, starts = (top, (90, 0)) if edge == top else (bottom - size, (180, 270))
        for x, start in zip((left, right - size), starts, strict=True):
            corner = QRectF(x, corner_y, size, size)
            painter.setBrush(colour)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPie(corner, start * 16, 90 * 16)
            painter.setPen(pen)
            painter.drawArc(corner, start * 16, 90 * 16)
        painter.drawLine(QPointF(left + radius, edge), QPointF(right - radius, edge))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(pen)
    for x in (left, right):
        if view.left() - 1.0 < x < view.right() + 1.0:
            painter.drawLine(QPointF(x, top + radius), QPointF(x, bottom - radius))

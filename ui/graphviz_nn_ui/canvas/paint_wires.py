"""Wires: many lines in one call of the painter."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PyQt6 import sip
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn.scene.tables import SceneTables, WireTable

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

WIDTH: Final = 1.3
_STEPS: Final = 10
"""Lines that stand for one curve."""

_DASHES: Final = {1: [1.6, 2.4], 2: [4.0, 2.4]}
"""By kind of wire, in widths of the pen."""

_COVERED: Final = 0.25
"""Pixels of the canvas by which lines differ that can be told apart."""

_MIXED: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64
).view(np.int64)
"""Odd numbers that mix four into one: by it equal lines are found faster than by comparing all four."""

_BESIDE: Final = 20.0
"""Pixels around the canvas up to which a line is drawn."""

_HAIRLINES_BELOW: Final = 0.16
_ARROW_SHOWS: Final = 0.28
_CURVES_SHOW: Final = 0.3
_SHARE = np.linspace(0.0, 1.0, _STEPS + 1)[:, None]
_WEIGHTS: Final = ((1 - _SHARE) ** 3, 3 * (1 - _SHARE) ** 2 * _SHARE, 3 * (1 - _SHARE) * _SHARE**2, _SHARE**3)


def lines_of(pieces: Floats, down: bool, curved: bool = True) -> Floats:
    """Returns the lines (x, y, x, y) that stand for pieces: many for a curve of `layout.geometry.cubics`, else one."""
    across = 0 if down else 1
    straight = np.abs(pieces[:, across] - pieces[:, across + 2]) < 0.05
    if not curved or straight.all():
        return pieces
    bent = pieces[~straight]
    start, end = bent[:, :2], bent[:, 2:]
    first, second = start.copy(), end.copy()
    along = 1 - across
    first[:, along] = second[:, along] = (start[:, along] + end[:, along]) / 2
    points = sum(
        weight[:, :, None] * corner[None] for weight, corner in zip(_WEIGHTS, (start, first, second, end), strict=True)
    )
    curves = np.concatenate([points[:-1], points[1:]], axis=2).reshape(-1, 4)  # type: ignore[index]  # an array
    return np.concatenate([pieces[straight], curves])


def filled(kind: type[QLineF] | type[QRectF], rows: Floats) -> Any:
    """Returns rows of four numbers as an array of Qt's own objects, made in one go."""
    array: Any = sip.array(kind, len(rows))  # type: ignore[call-arg]  # its stub knows no arguments
    np.frombuffer(array, np.float64).reshape(-1, 4)[:] = rows
    return array


def paint_lines(painter: QPainter, lines: Floats) -> None:
    """Draws lines (x, y, x, y) with the painter's pen."""
    if not len(lines):
        return
    painter.drawLines(filled(QLineF, lines))


class WirePainter:
    """Paints the wires of a picture that a view can see."""

    def paint(
        self,
        painter: QPainter,
        tables: SceneTables,
        pieces: Places,
        scale: float,
        origin: QPointF,
        colours: tuple[QColor, ...],
    ) -> None:
        """Paints pieces; `origin` is where the picture's own origin stands, in the painter's coordinates."""
        wires = tables.wires
        shift = np.array([origin.x(), origin.y()] * 2)
        kinds = wires.kinds[wires.piece_wires[pieces]]
        present = np.unique(kinds).tolist()
        for kind in present:
            chosen = pieces if len(present) == 1 else pieces[kinds == kind]
            paint_pieces(painter, tables, chosen, scale, shift, pen_of(kind, colours[kind], scale))
        if scale >= _ARROW_SHOWS:
            self._paint_arrows(painter, tables, pieces, scale, origin, colours)

    def _paint_arrows(
        self,
        painter: QPainter,
        tables: SceneTables,
        pieces: Places,
        scale: float,
        origin: QPointF,
        colours: tuple[QColor, ...],
    ) -> None:
        wires = tables.wires
        last = pieces[wires.first_pieces[wires.piece_wires[pieces] + 1] - 1 == pieces]
        painter.setPen(Qt.PenStyle.NoPen)
        down = tables.direction == DOWN
        for piece in last.tolist():
            painter.setBrush(colours[int(wires.kinds[wires.piece_wires[piece]])])
            paint_arrow(painter, wires, piece, scale, origin, down)


def seen_by(painter: QPainter) -> QRectF:
    """Returns what the device shows, in the painter's coordinates."""
    return painter.transform().inverted()[0].mapRect(QRectF(painter.viewport()))


def paint_pieces(
    painter: QPainter, tables: SceneTables, pieces: Places, scale: float, shift: Floats, pen: QPen
) -> None:
    """Paints pieces of wires with one pen."""
    painter.setPen(pen)
    lines = lines_of(tables.wires.pieces[pieces], tables.direction == DOWN, scale >= _CURVES_SHOW) * scale + shift
    paint_lines(painter, lines if pen.style() == Qt.PenStyle.CustomDashLine else _told_apart(lines, seen_by(painter)))


def _told_apart(lines: Floats, view: QRectF) -> Floats:
    """Without what is out of sight, and without lines that another covers: a value with many readers has one trunk."""
    corner, size = np.array([view.x(), view.y()]), np.array([view.width(), view.height()])
    ends = lines.reshape(-1, 2, 2)
    upright: npt.NDArray[np.bool_] = np.less(np.abs(ends[:, 0] - ends[:, 1]), _COVERED)
    clipped = np.where(
        (upright[:, 0] | upright[:, 1])[:, None, None], np.clip(ends, corner - _BESIDE, corner + size + _BESIDE), ends
    )
    rounded = np.round(clipped.reshape(-1, 4) / _COVERED).astype(np.int64)
    _, first = np.unique(rounded @ _MIXED, return_index=True)
    found: Floats = clipped.reshape(-1, 4)[first]
    return found


def paint_arrow(
    painter: QPainter, wires: WireTable, piece: int, scale: float, origin: QPointF, down: bool, size: float = 1.0
) -> None:
    """Paints the head of the wire that ends with a piece, with the painter's brush."""
    x0, y0, x1, y1 = wires.pieces[piece].tolist()
    tip_x, tip_y = origin.x() + x1 * scale, origin.y() + y1 * scale
    # A curve arrives along the flow, so the head points along it too, back where the wire runs against it.
    back = -1.0 if (y1 < y0 if down else x1 < x0) else 1.0
    length, half = 7.0 * scale * size * back, 2.8 * scale * size
    notch = 0.78
    if down:
        corners = [(0.0, 0.0), (-half, -length), (0.0, -length * notch), (half, -length)]
    else:
        corners = [(0.0, 0.0), (-length, -half), (-length * notch, 0.0), (-length, half)]
    painter.drawPolygon(QPolygonF([QPointF(tip_x + x, tip_y + y) for x, y in corners]))


def pieces_of(wires: WireTable, chosen: list[int]) -> Places:
    """Returns the pieces of some wires."""
    starts = wires.first_pieces
    found = [np.arange(starts[wire], starts[wire + 1]) for wire in chosen]
    return np.concatenate(found) if found else np.empty(0, np.intp)


def pen_of(kind: int, colour: QColor, scale: float, width: float = WIDTH) -> QPen:
    """Returns the pen for a kind of wire: loops are dashed, what goes through other views of the memory dotted."""
    pen = QPen(colour, max(width * scale, 0.6) if scale > _HAIRLINES_BELOW else 0.0)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if kind in _DASHES:
        pen.setDashPattern(_DASHES[kind])
    return pen

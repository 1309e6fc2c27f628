"""Boxes from afar: blocks of their colour."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QPainter, QPen

from graphviz_nn.scene.tables import Floats
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.paint_wires import filled

BLOCKS_BELOW: Final = 0.36
"""Magnification below which a box is a block of its colour: no word of it could be read."""

_CARDS_FROM: Final = 0.46
"""Magnification from which on a box is all card; between the two its block fades."""

BORDER_FROM: Final = 0.16
"""Magnification from which on blocks have a border, and edges are smoothed."""


def block_share(scale: float) -> float:
    """Returns how far boxes are blocks (1) rather than cards (0)."""
    return min(max((_CARDS_FROM - scale) / (_CARDS_FROM - BLOCKS_BELOW), 0.0), 1.0)


def paint_blocks(
    painter: QPainter,
    drawing: Drawing,
    boxes: npt.NDArray[np.intp],
    scale: float,
    origin: QPointF,
    colours: Colours,
    places: Floats | None = None,
) -> None:
    """Paints boxes as blocks of their colour, all of one colour in one call; where they stand in the picture, or at
    `places` in it, a row for each of the drawing's boxes."""
    codes = drawing.far_codes_of(boxes)
    order = np.argsort(codes, kind="stable")
    rects = (drawing.tables.boxes.rects if places is None else places)[boxes[order]] * scale
    rects[:, :2] += [origin.x(), origin.y()]
    rects[:, 2:] = np.maximum(rects[:, 2:], 1.0)
    codes = codes[order]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, scale > BORDER_FROM)
    painter.setPen(QPen(colours.block_line, 0.0) if scale > BORDER_FROM else Qt.PenStyle.NoPen)
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for start, end in pairwise(bounds):
        if start == end:
            continue
        painter.setBrush(colours.table[int(codes[start])])
        painter.drawRects(filled(QRectF, rects[start:end]))

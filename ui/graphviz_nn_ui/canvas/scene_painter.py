"""Paints a picture with any painter: the canvas, an image, a page."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QPainter

from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.detail import detail_at
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.fading import Fade, FadePainter
from graphviz_nn_ui.canvas.paint_blocks import BLOCKS_BELOW, BORDER_FROM, block_share, paint_blocks
from graphviz_nn_ui.canvas.paint_boxes import BoxPainter
from graphviz_nn_ui.canvas.paint_containers import ContainerPainter
from graphviz_nn_ui.canvas.paint_wires import WirePainter
from graphviz_nn_ui.canvas.words import Style, Words

Places = npt.NDArray[np.intp]

_CRISP_WIRES: Final = 2_500
"""Pieces of wires up to which they are smoothed."""


class ScenePainter:
    """Paints the part of a drawing that can be seen: `on_screen` with its ground, again and again; keeps what it laid
    out and painted for the next time."""

    def __init__(self, on_screen: bool = True) -> None:
        self.words = Words()
        self._boxes = BoxPainter(self.words, on_screen)
        self._wires = WirePainter()
        self._containers = ContainerPainter(self.words, on_screen)
        self._fades = FadePainter(self._boxes, self._wires, self._containers)

    def paint(
        self,
        painter: QPainter,
        drawing: Drawing,
        view: QRectF,
        target: QRectF,
        colours: Colours,
        beside: float = 0.0,
    ) -> None:
        """Paints the part `view` of the picture onto `target` (in the painter's coordinates).

        Shapes stand beside wires: those of wires up to `beside` to the left of the view, or above it, are painted too.
        """
        tables = drawing.tables
        scale = target.width() / view.width()
        origin = QPointF(target.x() - view.x() * scale, target.y() - view.y() * scale)
        boxes, containers = tables.box_band.inside(*view.getCoords()), tables.container_band.inside(*view.getCoords())
        pieces = _visible_pieces(tables.piece_band.inside(*view.getCoords()), tables, scale)
        areas = tables.containers.rects[containers] * scale + [origin.x(), origin.y(), 0.0, 0.0]
        self._containers.paint_areas(painter, areas, tables.containers.depths[containers], scale, colours)
        crisp = scale > BORDER_FROM and len(pieces) < _CRISP_WIRES
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, crisp)
        self._wires.paint(painter, tables, pieces, scale, origin, colours.wires)
        if scale < BLOCKS_BELOW:
            paint_blocks(painter, drawing, boxes, scale, origin, colours)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        detail = detail_at(scale)
        corners = tables.boxes.rects[boxes, :2] * scale + [origin.x(), origin.y()]
        self._boxes.begin(painter, scale, colours)
        for box, (x, y) in zip(boxes.tolist(), corners.tolist(), strict=True):
            self._boxes.paint(painter, drawing, box, QPointF(x, y), scale, colours, detail)
        if blocks := block_share(scale):
            painter.setOpacity(blocks)
            paint_blocks(painter, drawing, boxes, scale, origin, colours)
            painter.setOpacity(1.0)
        if detail.rest > 0:
            if beside:
                near = view.adjusted(-beside, -beside, 0.0, beside)
                pieces = _visible_pieces(tables.piece_band.inside(*near.getCoords()), tables, scale)
            self._paint_labels(painter, drawing, pieces, scale, origin, colours, detail.rest)

    def paint_titles(
        self,
        painter: QPainter,
        drawing: Drawing,
        view: QRectF,
        target: QRectF,
        colours: Colours,
        fade: Fade | None = None,
    ) -> None:
        """Paints the titles of the containers in view: above all else, for they stay readable from afar."""
        scale = target.width() / view.width()
        origin = QPointF(target.x() - view.x() * scale, target.y() - view.y() * scale)
        table, rects = drawing.tables.containers, None
        containers = drawing.tables.container_band.inside(*view.getCoords())
        if fade is not None:
            containers, rects = np.arange(len(table), dtype=np.intp), fade.container_rects
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._containers.paint_titles(painter, drawing, containers, scale, origin, colours, rects)

    def paint_fading(
        self, painter: QPainter, drawing: Drawing, fade: Fade, view: QRectF, target: QRectF, colours: Colours
    ) -> None:
        """Paints a picture that is changing."""
        self._fades.paint(painter, drawing, fade, view, target, colours)

    def paint_some(
        self, painter: QPainter, drawing: Drawing, boxes: list[int], scale: float, origin: QPointF, colours: Colours
    ) -> None:
        """Paints some boxes once more, above what was painted since."""
        if scale < BLOCKS_BELOW:
            paint_blocks(painter, drawing, np.array(boxes, np.intp), scale, origin, colours)
            return
        detail = detail_at(scale)
        for box in boxes:
            x, y = drawing.tables.boxes.rects[box, :2].tolist()
            self._boxes.paint(painter, drawing, box, QPointF(x, y) * scale + origin, scale, colours, detail)

    def _paint_labels(
        self,
        painter: QPainter,
        drawing: Drawing,
        pieces: Places,
        scale: float,
        origin: QPointF,
        colours: Colours,
        share: float,
    ) -> None:
        wires = drawing.tables.wires
        seen = np.unique(wires.piece_wires[pieces])
        seen = seen[~np.isnan(wires.label_at[seen, 0])]
        painter.setOpacity(share)
        for wire in seen.tolist():
            x, y = wires.label_at[wire].tolist()
            paint_label(painter, self.words, QPointF(x, y) * scale + origin, wires.labels[wire], scale, colours)
        painter.setOpacity(1.0)


def paint_label(
    painter: QPainter, words: Words, at: QPointF, text: str, scale: float, colours: Colours, ink: QColor | None = None
) -> None:
    """Paints a shape beside a wire, on a ground that keeps other wires out of it."""
    painter.save()
    painter.translate(at)
    painter.scale(scale, scale)
    ground = QColor(colours.canvas)
    ground.setAlphaF(0.72 if ink is None else 0.92)
    painter.fillRect(QRectF(-1.5, -9.0, words.width(text, Style.LABEL) + 3.0, 11.5), ground)
    painter.setPen(ink or colours.muted)
    words.paint(painter, 0.0, 0.0, text, Style.LABEL)
    painter.restore()


def _visible_pieces(pieces: Places, tables: SceneTables, scale: float) -> Places:
    """Without those that are shorter than a pixel, from afar."""
    if scale > BORDER_FROM:
        return pieces
    bounds = tables.piece_band.bounds[pieces]
    found: Places = pieces[(bounds[:, 2:] - bounds[:, :2]).max(axis=1, initial=0.0) * scale > 2.0]
    return found

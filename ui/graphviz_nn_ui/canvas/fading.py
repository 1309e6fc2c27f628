"""A picture on its way to another, and how it is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QPainter, QPen

from graphviz_nn.scene.tables import Floats
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.detail import detail_at
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.paint_blocks import block_share, paint_blocks
from graphviz_nn_ui.canvas.paint_boxes import BoxPainter
from graphviz_nn_ui.canvas.paint_containers import RADIUS, ContainerPainter
from graphviz_nn_ui.canvas.paint_wires import WirePainter

Places = npt.NDArray[np.intp]

_REACH: Final = np.array([400.0, 200.0])
"""Pixels beside the canvas within which a box may begin that reaches into it."""

_SEEN: Final = 0.04


@dataclass(frozen=True, slots=True)
class Folded:
    """Boxes and containers by place, and where they stand when the group around them is a box."""

    boxes: Places
    box_rects: Floats
    areas: Places
    area_rects: Floats

    @classmethod
    def nothing(cls) -> Folded:
        none, nowhere = np.empty(0, np.intp), np.empty((0, 4))
        return cls(none, nowhere, none, nowhere)

    def joined(self, other: Folded) -> Folded:
        return Folded(
            np.concatenate([self.boxes, other.boxes]),
            np.concatenate([self.box_rects, other.box_rects]),
            np.concatenate([self.areas, other.areas]),
            np.concatenate([self.area_rects, other.area_rects]),
        )


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is not in the new picture.

    Attributes:
        drawing: the old picture. shift: where its origin stands in the new one's coordinates.
        folded: what of it goes where. left: how much of that is left (1…0). wires: how much of its wires is.
    """

    drawing: Drawing
    shift: tuple[float, float]
    folded: Folded
    left: float
    wires: float


@dataclass(frozen=True, slots=True)
class Fade:
    """A change of the picture under way.

    Attributes:
        rects: of the boxes and `container_rects` of the containers as they stand now.
        frames: likewise of the boxes, but for one that was a container: that shrinks to the box.
        fresh: by box how far one that was not there before has appeared (1 for the others).
        wires: how far the wires have.
        leaving: what goes.
    """

    rects: Floats
    frames: Floats
    container_rects: Floats
    fresh: npt.NDArray[np.float64]
    wires: float
    leaving: Leaving


class FadePainter:
    """Paints a picture that is changing: what moves on its way, what is new as far as it has appeared."""

    def __init__(self, boxes: BoxPainter, wires: WirePainter, containers: ContainerPainter) -> None:
        self._boxes = boxes
        self._wires = wires
        self._containers = containers

    def paint(
        self, painter: QPainter, drawing: Drawing, fade: Fade, view: QRectF, target: QRectF, colours: Colours
    ) -> None:
        """Paints the part `view` of the picture onto `target` (in the painter's coordinates)."""
        tables, scale = drawing.tables, target.width() / view.width()
        origin = QPointF(target.x() - view.x() * scale, target.y() - view.y() * scale)
        shift = np.array([origin.x(), origin.y()])
        areas = fade.container_rects * scale + [*shift, 0.0, 0.0]
        self._containers.paint_areas(painter, areas, tables.containers.depths, scale, colours)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._boxes.begin(painter, scale, colours)
        self._paint_former_wires(painter, fade.leaving, scale, origin, view, colours)
        self._paint_leaving(painter, fade.leaving, scale, shift, target, colours)
        if fade.wires > _SEEN:
            painter.setOpacity(fade.wires)
            pieces = tables.piece_band.inside(*view.getCoords())
            self._wires.paint(painter, tables, pieces, scale, origin, colours.wires)
            painter.setOpacity(1.0)
        self._paint_boxes(painter, drawing, fade.rects, fade.fresh, scale, origin, target, colours)

    def _paint_former_wires(
        self, painter: QPainter, leaving: Leaving, scale: float, origin: QPointF, view: QRectF, colours: Colours
    ) -> None:
        if leaving.wires <= _SEEN:
            return
        tables, shift = leaving.drawing.tables, QPointF(*leaving.shift)
        pieces = tables.piece_band.inside(*view.translated(-shift).getCoords())
        painter.setOpacity(leaving.wires)
        self._wires.paint(painter, tables, pieces, scale, origin + shift * scale, colours.wires)
        painter.setOpacity(1.0)

    def _paint_leaving(
        self, painter: QPainter, leaving: Leaving, scale: float, shift: Floats, target: QRectF, colours: Colours
    ) -> None:
        drawing, folded = leaving.drawing, leaving.folded
        if not len(folded.areas) or leaving.left < _SEEN:
            return
        painter.setOpacity(leaving.left)
        painter.setPen(QPen(colours.container_line, 1.0))
        depths = drawing.tables.containers.depths
        for place, (x, y, width, height) in zip(folded.areas.tolist(), folded.area_rects.tolist(), strict=True):
            painter.setBrush(colours.containers[int(depths[place]) % 2])
            area = QRectF(x * scale + shift[0], y * scale + shift[1], width * scale, height * scale)
            painter.drawRoundedRect(area.intersected(target.adjusted(-20, -20, 20, 20)), RADIUS * scale, RADIUS * scale)
        painter.setOpacity(1.0)
        rects = drawing.tables.boxes.rects.copy()
        rects[folded.boxes] = folded.box_rects
        shares = np.zeros(len(rects))
        shares[folded.boxes] = leaving.left
        self._paint_boxes(painter, drawing, rects, shares, scale, QPointF(*shift), target, colours)

    def _paint_boxes(
        self,
        painter: QPainter,
        drawing: Drawing,
        rects: Floats,
        shares: npt.NDArray[np.float64],
        scale: float,
        origin: QPointF,
        target: QRectF,
        colours: Colours,
    ) -> None:
        """Paints boxes where they stand in the picture, each as far as it is there: cards, or blocks from afar."""
        corners = rects[:, :2] * scale + [origin.x(), origin.y()]
        low = np.array([target.left(), target.top()]) - _REACH
        seen = (corners > low).all(axis=1) & (corners < [target.right(), target.bottom()]).all(axis=1)
        boxes = np.flatnonzero(seen & (shares > _SEEN))
        detail, blocks = detail_at(scale), block_share(scale)
        for box in boxes.tolist() if blocks < 1.0 else ():
            at = QPointF(*corners[box].tolist())
            self._boxes.paint(painter, drawing, box, at, scale, colours, detail, float(shares[box]))
        for share in np.unique(shares[boxes]).tolist() if blocks else ():
            painter.setOpacity(share * blocks)
            paint_blocks(painter, drawing, boxes[shares[boxes] == share], scale, origin, colours, rects)
        painter.setOpacity(1.0)

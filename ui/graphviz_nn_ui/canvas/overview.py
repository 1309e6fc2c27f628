"""What the canvas shows where more boxes are in view than anyone could tell apart."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter

from graphviz_nn.scene.raster import Raster, rasterise
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.canvas.colours import Colours

MANY_BOXES: Final = 2_500
"""Boxes in view from which on an overview takes their place, where there is one."""

_PIXELS: Final = 12_000_000
_LONGEST: Final = 30_000
"""Pixels of the finest image, and the most that a side of it may have."""

_SHORTEST: Final = 600
"""The coarsest image is not longer than this."""

_FINEST: Final = 0.25


class Overview:
    """The picture at several scales, each half the one before: one byte a pixel."""

    def __init__(self, rasters: list[Raster]) -> None:
        self.rasters = rasters
        self._codes: npt.NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, tables: SceneTables) -> Overview:
        """Draws the images; their boxes have no colour yet."""
        width, height = max(tables.width, 1.0), max(tables.height, 1.0)
        scale = min((_PIXELS / (width * height)) ** 0.5, _LONGEST / max(width, height), _FINEST)
        rasters = [rasterise(tables, scale, scale)]
        while max(width, height) * scale > _SHORTEST:
            scale /= 2
            rasters.append(rasterise(tables, scale, scale))
        return cls(rasters)

    def set_codes(self, codes: npt.NDArray[np.uint8]) -> None:
        """Gives each box its palette entry; only those that differ are painted again."""
        changed = None if self._codes is None else np.flatnonzero(self._codes != codes)
        for raster in self.rasters:
            raster.paint(codes, changed)
        self._codes = codes

    def paint(self, painter: QPainter, view: QRectF, target: QRectF, ratio: float, colours: Colours) -> None:
        """Paints the part `view` of the picture onto `target` of a device with `ratio` pixels per unit."""
        scale = target.width() / max(view.width(), 1e-9) * ratio
        fine_enough = [raster for raster in self.rasters if raster.scale_x >= scale * 0.999]
        raster = fine_enough[-1] if fine_enough else self.rasters[0]
        paint_raster(painter, raster, view, target, colours)


def is_crowded(tables: SceneTables, view: QRectF) -> bool:
    """Whether a view holds more boxes than anyone could tell apart."""
    band, sides = tables.box_band, view.getCoords()
    return band.at_most(*sides) > MANY_BOXES and len(band.inside(*sides)) > MANY_BOXES


def paint_raster(painter: QPainter, raster: Raster, view: QRectF, target: QRectF, colours: Colours) -> None:
    """Paints the part `view` of the picture onto `target`."""
    height, width = raster.pixels.shape
    left, top = max(int(view.left() * raster.scale_x), 0), max(int(view.top() * raster.scale_y), 0)
    right = min(int(view.right() * raster.scale_x) + 1, width)
    bottom = min(int(view.bottom() * raster.scale_y) + 1, height)
    if right <= left or bottom <= top:
        return
    part = np.ascontiguousarray(raster.pixels[top:bottom, left:right])
    image = QImage(part.data, right - left, bottom - top, right - left, QImage.Format.Format_Indexed8)  # type: ignore[call-overload]  # a buffer will do
    image.setColorTable(colours.rgb)
    zoom_x, zoom_y = target.width() / view.width(), target.height() / view.height()
    place = QRectF(
        target.x() + (left / raster.scale_x - view.x()) * zoom_x,
        target.y() + (top / raster.scale_y - view.y()) * zoom_y,
        (right - left) / raster.scale_x * zoom_x,
        (bottom - top) / raster.scale_y * zoom_y,
    )
    painter.drawImage(place, image)

"""The whole picture in a corner, with what the canvas sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap

from graphviz_nn.scene.raster import Codes, Raster, rasterise
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.canvas.corner import Corner
from graphviz_nn_ui.canvas.overview import paint_raster
from graphviz_nn_ui.widgets.theme import theme_of

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_LONG: Final = 190.0
_LEAST: Final = 54.0
_INSET: Final = 6.0
_LARGE: Final = 20_000
"""Boxes from which on the map is made of the overview."""


class Minimap(Corner):
    """Shows where the canvas looks; a drag moves it. Not seen where the canvas shows the whole picture."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas, "Map", "minimap")
        self._tables: SceneTables | None = None
        self._raster: Raster | None = None
        self._pixmap: QPixmap | None = None
        self._codes: Codes | None = None
        self._drags = self._stale = False
        self._said: tuple[object, ...] = ()
        self._seen = QRectF()
        self.setAccessibleName("Map of the graph")
        self.setToolTip("Drag to look elsewhere; a click on the title folds the map")

    def refresh(self) -> None:
        """Takes the picture's colours as they are now."""
        drawing = self._canvas.drawing
        if drawing is None:
            self._tables = self._raster = None
            return
        if drawing.tables is not self._tables:
            self._tables, self._raster, self._codes = drawing.tables, None, None
        self._stale = True
        self.update()

    def place(self, width: int, height: int, margin: int) -> None:
        """Stands in the lower right corner of a canvas of that size."""
        tables = self._tables
        if tables is None or not self.wanted:
            self.hide()
            return
        scale = min(_LONG / max(tables.width, 1.0), _LONG / max(tables.height, 1.0))
        size = QSizeF(max(tables.width * scale, _LEAST), max(tables.height * scale, _LEAST))
        full_width = max(int(size.width() + 2 * _INSET), int(self.title_width))
        full_height = int(size.height() + _INSET + self.title_height)
        if self.folded:
            full_width, full_height = int(self.title_width), int(self.title_height)
        self.setGeometry(width - full_width - margin, height - full_height - margin, full_width, full_height)
        whole = QRectF(0, 0, tables.width, tables.height)
        self.setVisible(not self._canvas.camera.view.contains(whole) and width > 3 * full_width)

    @property
    def inner(self) -> QRectF:
        """Where the picture is."""
        return QRectF(self.rect()).adjusted(_INSET, self.title_height, -_INSET, -_INSET)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        painter, theme, tables = QPainter(self), theme_of(self), self._tables
        painter.drawPixmap(0, 0, self._painted(tables))
        if tables is not None and not self.folded:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            tint = QColor(theme.accent)
            tint.setAlphaF(0.16)
            painter.setBrush(tint)
            painter.setPen(QPen(theme.accent, 1.4))
            if self._canvas.change is None:
                self._seen = self._frame(tables)
            painter.drawRect(self._seen)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        self._drags = event is not None and event.position().y() >= self.title_height
        if event is not None and self._drags:
            self._look_at(event.position())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        super().mouseMoveEvent(event)
        if event is not None and self._drags and event.buttons() & Qt.MouseButton.LeftButton:
            self._look_at(event.position())

    def _frame(self, tables: SceneTables) -> QRectF:
        """What the canvas sees, on the map."""
        inner, view = self.inner, self._canvas.camera.view
        x, y = inner.width() / max(tables.width, 1.0), inner.height() / max(tables.height, 1.0)
        frame = QRectF(inner.x() + view.x() * x, inner.y() + view.y() * y, view.width() * x, view.height() * y)
        frame = frame.intersected(inner)
        return frame.adjusted(0, 0, max(3 - frame.width(), 0), max(3 - frame.height(), 0))

    def _look_at(self, point: QPointF) -> None:
        tables, inner = self._tables, self.inner
        if tables is not None:
            x = (point.x() - inner.x()) / inner.width() * tables.width
            y = (point.y() - inner.y()) / inner.height() * tables.height
            self._canvas.camera.center(QPointF(x, y))
            self._canvas.moved()

    def _painted(self, tables: SceneTables | None) -> QPixmap:
        """The card with the picture on it, painted once for many frames."""
        ratio = self.devicePixelRatioF()
        size = (QSizeF(self.size()) * ratio).toSize()
        if self._pixmap is not None and self._canvas.change is not None:
            return self._pixmap
        said = self._canvas.colours, self.small_font().pointSizeF(), self.folded
        if self._pixmap is None or self._pixmap.size() != size or said != self._said:
            self._pixmap = QPixmap(size)
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._pixmap)
            self.paint_card(painter)
            painter.end()
            self._said, self._stale = said, True
        if self._stale and tables is not None and not self.folded:
            painter = QPainter(self._pixmap)
            painter.fillRect(self.inner, self._canvas.colours.canvas)
            self._paint_picture(painter, tables, ratio)
            painter.end()
        self._stale = False
        return self._pixmap

    def _paint_picture(self, painter: QPainter, tables: SceneTables, ratio: float) -> None:
        inner, colours = self.inner, self._canvas.colours
        whole = QRectF(0, 0, tables.width, tables.height)
        drawing, overview = self._canvas.drawing, self._canvas.source.overview
        if drawing is None or drawing.tables is not tables:
            return  # the canvas is on its way to another picture, which the map shows when it is there
        if overview is not None:
            overview.paint(painter, whole, inner, ratio, colours)
        elif len(tables.boxes) < _LARGE:
            if self._raster is None:
                scale_x, scale_y = inner.width() / tables.width, inner.height() / tables.height
                self._raster = rasterise(tables, scale_x * ratio, scale_y * ratio)
            self._paint_codes(self._raster, drawing.far_codes)
            paint_raster(painter, self._raster, whole, inner, colours)

    def _paint_codes(self, raster: Raster, codes: Codes) -> None:
        """Paints the boxes whose colour is another one than before."""
        raster.paint(codes, None if self._codes is None else np.flatnonzero(codes != self._codes))
        self._codes = codes

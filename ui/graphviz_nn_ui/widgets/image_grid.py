"""A grid of images, or one of them alone: feature maps, filters, attention weights, pictures."""

from __future__ import annotations

from typing import Final

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PyQt6.QtWidgets import QSizePolicy, QWidget

from graphviz_nn.scene.tiles import sheet, true_colour
from graphviz_nn_ui.viewmodels.gallery import Gallery
from graphviz_nn_ui.viewmodels.grid_geometry import GridGeometry, grid_geometry
from graphviz_nn_ui.widgets.colour_images import fitted, indexed_image, rgb_image
from graphviz_nn_ui.widgets.theme import theme_of

_FINER: Final = 4
"""Pixels of an image, in each direction, that one on the screen is the mean of, at least where there are as many."""


class ImageGridView(QWidget):
    """Paints a gallery as large as it fits.

    Signals:
        current_changed: (place of the image in the gallery) by a click or the arrow keys.
        activated: (place) by a double click or Enter.
        pointed: (text) what is under the pointer, "" where nothing is.
    """

    current_changed = pyqtSignal(int)
    activated = pyqtSignal(int)
    pointed = pyqtSignal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._gallery: Gallery | None = None
        self._current = -1
        self._geometry: GridGeometry | None = None
        self._shown: QPixmap | None = None

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(320, 240)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(60, 24)

    @property
    def gallery(self) -> Gallery | None:
        return self._gallery

    def show_gallery(self, gallery: Gallery | None) -> None:
        """Shows other images, or none; the current one stays where there is one at its place."""
        self._gallery = gallery
        self._forget()
        if gallery is None or self._current >= gallery.count:
            self._current = -1
        self.setAccessibleDescription("" if gallery is None else f"{gallery.grid.title}: {gallery.count} images")
        self.update()

    @property
    def current(self) -> int:
        """The image that is outlined, -1 for none."""
        return self._current

    def set_current(self, place: int) -> None:
        """Outlines an image; tells nobody."""
        if place != self._current:
            self._current = place
            self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        theme = theme_of(self)
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.surface)
        geometry = self.geometry_of_images()
        if self._gallery is None or geometry is None:
            return
        if self._shown is None:
            size = QSize(round(geometry.area.width), round(geometry.area.height)).expandedTo(QSize(1, 1))
            self._shown = fitted(self._sheet(geometry), size, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(geometry.area.left, geometry.area.top), self._shown)
        if geometry.labelled:
            painter.setPen(theme.muted)
            line = painter.fontMetrics().ascent() + 1
            for place, label in enumerate(self._gallery.grid.labels[: geometry.count]):
                box = geometry.box(place)
                painter.drawText(QPointF(box.left + 1, box.top + box.height + line), label)
        if 0 <= self._current < geometry.count and geometry.count > 1:
            painter.setPen(QPen(theme.pointer, 2))
            painter.drawRect(QRectF(*geometry.box(self._current)).adjusted(-1, -1, 1, 1))
        elif self.hasFocus():
            painter.setPen(QPen(theme.accent, 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def resizeEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        del event
        self._forget()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._forget()
        super().changeEvent(event)

    def geometry_of_images(self) -> GridGeometry | None:
        """Where the images are, or None where there are none."""
        gallery = self._gallery
        if self._geometry is None and gallery is not None and gallery.count:
            labels = len(gallery.grid.labels) >= gallery.count and any(gallery.grid.labels)
            room = float(self.width()), float(self.height())
            line = float(self.fontMetrics().height())
            self._geometry = grid_geometry(gallery.count, *gallery.size, room, line, labels)
        return self._geometry

    def _forget(self) -> None:
        self._shown = None
        self._geometry = None

    def _sheet(self, geometry: GridGeometry) -> QImage:
        """All images as one; of images much larger than on the screen not every pixel, which would take long."""
        assert self._gallery is not None
        step = max(int(1 / (geometry.scale * self.devicePixelRatioF() * _FINER)), 1)
        gap = -(-geometry.below // step), -(-geometry.beside // step)
        surface = theme_of(self).surface
        if self._gallery.tiles is not None:
            laid = sheet(self._gallery.tiles.indices[:, ::step, ::step], geometry.columns, gap)
            return indexed_image(laid, self._gallery.grid.colours, surface)
        pixels = np.moveaxis(true_colour(self._gallery.grid)[:, ::step, ::step], -1, 0)
        laid = np.stack([sheet(channel, geometry.columns, gap) for channel in pixels], axis=-1)
        between = sheet(np.zeros(pixels.shape[1:], np.uint8), geometry.columns, gap) > 0
        laid[between] = (surface.red(), surface.green(), surface.blue())
        return rgb_image(laid)

    # Pointing

    def pixel_at(self, position: QPointF) -> tuple[int, int, int] | None:
        """Returns place, row and column of the pixel at a position, or None."""
        geometry = self.geometry_of_images()
        return None if geometry is None else geometry.pixel_at(position.x(), position.y())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            found = self.pixel_at(event.position())
            self.pointed.emit("" if found is None or self._gallery is None else self._gallery.text_at(*found))

    def leaveEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        del event
        self.pointed.emit("")

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        found = None if event is None else self.pixel_at(event.position())
        if found is not None:
            self._choose(found[0])

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        found = None if event is None else self.pixel_at(event.position())
        if found is not None:
            self.activated.emit(found[0])

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        count = 0 if self._gallery is None else self._gallery.count
        geometry = self.geometry_of_images()
        columns = 1 if geometry is None else geometry.columns
        moves = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns,
            Qt.Key.Key_Home: -count, Qt.Key.Key_End: count,
        }  # fmt: skip
        if event is not None and count and event.key() in moves:
            self._choose(min(max(max(self._current, 0) + moves[Qt.Key(event.key())], 0), count - 1))
        elif event is not None and self._current >= 0 and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit(self._current)
        else:
            super().keyPressEvent(event)

    def _choose(self, place: int) -> None:
        if place != self._current:
            self.set_current(place)
            self.current_changed.emit(place)

"""Indices of a colour table as Qt's images, and the bar that says what the colours mean."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPaintEvent, QPixmap
from PyQt6.QtWidgets import QSizePolicy, QWidget

from graphviz_nn.scene.tiles import LEVELS, NONFINITE_COLOURS, NONFINITE_WORDS, Indices, colour_table
from graphviz_nn_ui.viewmodels.numbers import number_text
from graphviz_nn_ui.widgets.theme import theme_of

_BAR_WIDTH: Final = 90
_BAR_HEIGHT: Final = 10
_BETWEEN: Final = 12
_LOUD: Final = "✖ {}"
_BILINEAR: Final = 2.0
"""How much an image may shrink by interpolation between four pixels, which is quicker than averaging all."""


@lru_cache(maxsize=16)
def qt_colours(colours: str, gap: str) -> list[int]:
    """Returns the colour table of a colour map for `QImage.setColorTable`; `gap` is "#rrggbb"."""
    return [QColor(colour).rgb() for colour in colour_table(colours, gap)]


def indexed_image(indices: Indices, colours: str, gap: QColor) -> QImage:
    """Returns indices [height, width] as an image of one byte a pixel, with memory of its own."""
    height, width = indices.shape
    image = QImage(indices.tobytes(), width, height, width, QImage.Format.Format_Indexed8).copy()
    image.setColorTable(qt_colours(colours, gap.name()))
    return image


def rgb_image(pixels: npt.NDArray[np.uint8]) -> QImage:
    """Returns bytes [height, width, 3] as an image, with memory of its own."""
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def fitted(image: QImage, size: QSize, ratio: float) -> QPixmap:
    """Returns the image in `size` logical pixels: sharp where it grows, smooth where it shrinks."""
    device = size * ratio
    shrinks = max(image.width() / device.width(), image.height() / device.height())
    if shrinks > _BILINEAR:  # all pixels count, not the nearest four alone
        smooth = Qt.TransformationMode.SmoothTransformation
        image = image.convertToFormat(QImage.Format.Format_RGB32).scaled(
            device, Qt.AspectRatioMode.IgnoreAspectRatio, smooth
        )
    shown = QImage(device, QImage.Format.Format_RGB32)
    painter = QPainter(shown)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks > 1)
    painter.drawImage(shown.rect(), image.convertToFormat(QImage.Format.Format_RGB32))
    painter.end()
    pixmap = QPixmap.fromImage(shown)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class ColourBar(QWidget):
    """What colours mean: a bar with the numbers at its ends, and a sign and word for what is not finite."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Colours")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._colours = "sequential"
        self._ends = ("", "")
        self._marks: dict[int, str] = {}

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Room for the bar, the numbers at its ends, and what is not finite."""
        words = [*self._ends, *(_LOUD.format(mark) for mark in self._marks.values())]
        wide = sum(self.fontMetrics().horizontalAdvance(word) + _BETWEEN for word in words)
        return QSize(wide + _BAR_WIDTH + (_BAR_HEIGHT + _BETWEEN) * len(self._marks), self.fontMetrics().height() + 4)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return self.sizeHint()

    def show_range(self, colours: str, low: float, high: float, counts: dict[int, int]) -> None:
        """Shows a colour map between two numbers (NaN: each image has its own), and how much is not finite."""
        self._colours = colours
        own = ("its lowest", "its highest") if colours == "sequential" else ("−max", "+max")
        self._ends = own if math.isnan(low) else (number_text(low, 3), number_text(high, 3))
        self._marks = {slot: f"{count} {NONFINITE_WORDS[slot]}" for slot, count in counts.items()}
        self.setAccessibleDescription(self.text)
        self.setToolTip(self.text)
        self.updateGeometry()
        self.update()

    @property
    def text(self) -> str:
        """The same in words."""
        return ", ".join([f"{self._ends[0]} … {self._ends[1]}", *self._marks.values()])

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        theme = theme_of(self)
        painter = QPainter(self)
        metrics = painter.fontMetrics()
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        x = 0.0
        painter.setPen(theme.muted)
        painter.drawText(QPointF(x, baseline), self._ends[0])
        x += metrics.horizontalAdvance(self._ends[0]) + _BETWEEN / 2
        bar = QRectF(x, (self.height() - _BAR_HEIGHT) / 2, _BAR_WIDTH, _BAR_HEIGHT)
        painter.fillRect(bar, _gradient(self._colours, bar))
        x = bar.right() + _BETWEEN / 2
        painter.drawText(QPointF(x, baseline), self._ends[1])
        x += metrics.horizontalAdvance(self._ends[1]) + _BETWEEN
        for slot, counted in self._marks.items():
            mark = _LOUD.format(counted)
            painter.fillRect(QRectF(x, bar.top(), _BAR_HEIGHT, _BAR_HEIGHT), QColor(NONFINITE_COLOURS[slot]))
            painter.setPen(theme.error)
            painter.drawText(QPointF(x + _BAR_HEIGHT + 4, baseline), mark)
            x += _BAR_HEIGHT + metrics.horizontalAdvance(mark) + _BETWEEN


def _gradient(colours: str, bar: QRectF) -> QLinearGradient:
    table = colour_table(colours, "#000000")
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for stop in range(17):
        gradient.setColorAt(stop / 16, QColor(table[round(stop / 16 * (LEVELS - 1))]))
    return gradient

"""The picture as it was painted last: where it only moves, what comes into view is all that is painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QPoint, QRect, QRectF, QSize
from PyQt6.QtGui import QPainter, QPixmap

PaintPart = Callable[[QPainter, QRectF], object]
"""Paints the part of the canvas that a rectangle bounds, in the canvas's coordinates."""


class Layer:
    """Keeps one painted picture of the size of the canvas."""

    def __init__(self) -> None:
        self._pixmap: QPixmap | None = None
        self._key: object = None
        self._origin = QPoint()

    def paint(
        self,
        painter: QPainter,
        key: object,
        size: QSize,
        ratio: float,
        origin: QPoint,
        paint_part: PaintPart,
        changed: Sequence[QRectF] = (),
    ) -> None:
        """Paints what `paint_part` paints.

        Two pictures with equal keys differ at most by where their `origin` stands, in pixels of the device, and in the
        parts of the canvas that `changed` bounds.
        """
        if self._pixmap is None or key != self._key:
            self._pixmap = QPixmap(size * ratio)
            self._pixmap.setDevicePixelRatio(ratio)
            self._key = key
            missing = [self._pixmap.rect()]
        else:
            missing = self._move(self._pixmap, origin - self._origin)
            missing += [_pixels(each, ratio).intersected(self._pixmap.rect()) for each in changed]
        self._origin = origin
        for part in filter(QRect.isValid, missing):
            on_pixmap = QPainter(self._pixmap)
            place = QRectF(part.x() / ratio, part.y() / ratio, part.width() / ratio, part.height() / ratio)
            on_pixmap.setClipRect(place)
            paint_part(on_pixmap, place)
            on_pixmap.end()
        painter.drawPixmap(0, 0, self._pixmap)

    def forget(self) -> None:
        """Gives the memory back."""
        self._pixmap = self._key = None

    @staticmethod
    def _move(pixmap: QPixmap, by: QPoint) -> list[QRect]:
        """Moves what was painted; returns what must be painted anew."""
        whole = pixmap.rect()
        kept = whole.intersected(whole.translated(by))
        if kept.isEmpty():
            return [whole]
        if by.isNull():
            return []
        pixmap.scroll(by.x(), by.y(), whole)
        beside = QRect(kept.right() + 1 if by.x() < 0 else 0, 0, abs(by.x()), whole.height())
        across = QRect(kept.x(), kept.bottom() + 1 if by.y() < 0 else 0, kept.width(), abs(by.y()))
        return [each for each in (beside, across) if not each.isEmpty()]


def _pixels(rect: QRectF, ratio: float) -> QRect:
    """Returns the pixels that a part of the canvas touches."""
    return QRectF(rect.topLeft() * ratio, rect.size() * ratio).toAlignedRect()

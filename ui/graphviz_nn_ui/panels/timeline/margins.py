"""What lanes and steps share: the room beside them, and words that fit it."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEvent
from PyQt6.QtGui import QFont, QFontMetricsF
from PyQt6.QtWidgets import QWidget

RIGHT: Final = 12

EDGE: Final = 8
"""Pixels on both sides of what stands on the left."""

_WIDEST: Final = ("Backward ", "-8.88e+88")
"""What stands there: the name of a lane, a number of the loss."""


def left_of(widget: QWidget) -> int:
    """Returns the pixels that names and numbers take on the left of lanes and steps."""
    metrics = widget.fontMetrics()
    return max(metrics.horizontalAdvance(text) for text in _WIDEST) + 2 * EDGE


class BesideNames(QWidget):
    """A widget with names or numbers on its left."""

    def __init__(self) -> None:
        super().__init__()
        self._left: int | None = None

    @property
    def left(self) -> int:
        """Where the first event or step begins, in pixels: right of what stands there. Measured once for each font."""
        if self._left is None:
            self._left = left_of(self)
        return self._left

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._left = None


def fitted_font(font: QFont, height: float) -> QFont:
    """Returns a font, smaller where its lines are higher than so many pixels."""
    line = QFontMetricsF(font).height()
    fitted = QFont(font)
    if line > height:
        fitted.setPointSizeF(font.pointSizeF() * height / line)
    return fitted

"""A cell with a number and a bar behind it: how large it is among the others."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QModelIndex, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from graphviz_nn.scene.theme import heat_colour

FRACTION_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""0…1, where the number stands between the smallest and the largest; None paints no bar."""

_BAR: Final = 3.0
_AIR: Final = 6


class HeatCell(QStyledItemDelegate):
    """Paints a viridis bar under the text of a cell, as long as `FRACTION_ROLE` says."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802  # Qt's name
        return QSize(super().sizeHint(option, index).width(), option.fontMetrics.height() + _AIR)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        fraction = index.data(FRACTION_ROLE)
        if painter is None or fraction is None:
            return
        cell = QRectF(option.rect).adjusted(4, 0, -4, -1)
        bar = QRectF(cell.left(), cell.bottom() - _BAR, max(cell.width() * fraction, 2.0), _BAR)
        painter.fillRect(bar, QColor(heat_colour(fraction)))

"""Tables and trees that paint their own ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QAbstractItemView, QTableView, QTreeView

if TYPE_CHECKING:
    _View = QAbstractItemView
else:
    _View = object


class _Solid(_View):
    """Says to Qt that nothing shines through.

    Where a style sheet gives a view a border Qt takes its ground for transparent: it paints all that is behind it each
    time, and every row when it is scrolled by one.
    """

    def make_solid(self) -> None:
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # type: ignore[union-attr]  # has one

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            painter = QPainter(self.viewport())
            painter.fillRect(event.rect(), self.palette().base())
            painter.end()
        super().paintEvent(event)


class SolidTable(_Solid, QTableView):
    """A table that paints its own ground."""

    def __init__(self) -> None:
        super().__init__()
        self.make_solid()


class SolidTree(_Solid, QTreeView):
    """A tree that paints its own ground."""

    def __init__(self) -> None:
        super().__init__()
        self.make_solid()

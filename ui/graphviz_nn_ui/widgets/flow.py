"""A row of controls that goes on in the next line where there is no room: none of them is ever cut."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEvent, QMargins, QSize
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

SPACING: Final = 6
"""Pixels between controls, and between lines."""

MARGINS: Final = QMargins(6, 4, 6, 4)


class Flow(QWidget):
    """Places its widgets from left to right, each as wide as it asks for; those of a line stand on one middle line.

    The last of a line whose size policy wants to expand takes what is left of the line.
    """

    def __init__(self, *widgets: QWidget, margins: QMargins = MARGINS) -> None:
        super().__init__()
        self._widgets = widgets
        self.setContentsMargins(margins)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        for widget in widgets:
            widget.setParent(self)

    # What Qt asks for

    def heightForWidth(self, width: int) -> int:  # noqa: N802  # Qt's name
        margins = self.contentsMargins()
        lines = self._lines(width - margins.left() - margins.right())
        return sum(map(_height, lines)) + SPACING * max(len(lines) - 1, 0) + margins.top() + margins.bottom()

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """All in one line."""
        shown = self._shown()
        width = sum(widget.sizeHint().width() for widget in shown) + SPACING * max(len(shown) - 1, 0)
        return QSize(width, _height(shown)).grownBy(self.contentsMargins())

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """One in a line."""
        width = max((_least(widget) for widget in self._shown()), default=0)
        return QSize(width, _height(self._shown())).grownBy(self.contentsMargins())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._place()

    def event(self, event: QEvent | None) -> bool:
        """One of the controls was shown, hidden, or asks for another size."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
            self._place()
        return super().event(event)

    # Inside

    def _shown(self) -> list[QWidget]:
        return [widget for widget in self._widgets if not widget.isHidden()]

    def _lines(self, width: int) -> list[list[QWidget]]:
        lines: list[list[QWidget]] = []
        left = 0
        for widget in self._shown():
            wide = widget.sizeHint().width()
            if not lines or left + wide > width:
                lines.append([])
                left = 0
            lines[-1].append(widget)
            left += wide + SPACING
        return lines

    def _place(self) -> None:
        room = self.contentsRect()
        top = room.top()
        for line in self._lines(room.width()):
            height = _height(line)
            left = room.left()
            for widget, width in zip(line, _widths(line, room.width()), strict=True):
                high = widget.sizeHint().height()
                widget.setGeometry(left, top + (height - high) // 2, width, high)
                left += width + SPACING
            top += height + SPACING


def _widths(line: list[QWidget], room: int) -> list[int]:
    widths = [min(widget.sizeHint().width(), room) for widget in line]
    greedy = [place for place, widget in enumerate(line) if _expands(widget)]
    if greedy:
        widths[greedy[-1]] += max(room - sum(widths) - SPACING * (len(line) - 1), 0)
    return widths


def _height(widgets: list[QWidget]) -> int:
    return max((widget.sizeHint().height() for widget in widgets), default=0)


def _least(widget: QWidget) -> int:
    return min(widget.minimumSizeHint().width(), widget.sizeHint().width())


def _expands(widget: QWidget) -> bool:
    return widget.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Expanding

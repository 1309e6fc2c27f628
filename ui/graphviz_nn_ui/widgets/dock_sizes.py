"""How large a person made the docks, for when a window that was small for a while is large again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QTabBar

_SIDES: Final = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)
_MOST: Final = 0.3
"""Part of the window that a dock gets back at most: the middle comes first."""


class DockSizes(QObject):
    """Gives docks back the size that they had, which Qt takes from them when the window gets small and does not return.

    A dock that changes its size while the window keeps its own was changed by a person, or arranged: that size counts.
    """

    def __init__(self, window: QMainWindow, docks: Iterable[QDockWidget]) -> None:
        super().__init__(window)
        self._window, self._docks = window, tuple(docks)
        self._wanted: dict[QDockWidget, QSize] = {}
        self._size = window.size()
        self._giving = QTimer(self)
        self._giving.setSingleShot(True)
        window.installEventFilter(self)
        for dock in self._docks:
            dock.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        if event is not None and event.type() == QEvent.Type.Resize:
            if watched is self._window:
                grew = self._window.width() > self._size.width() or self._window.height() > self._size.height()
                self._size = self._window.size()
                if grew:
                    self._give_back()
            elif isinstance(watched, QDockWidget) and self._is_chosen(watched):
                self._wanted[watched] = watched.size()
        return super().eventFilter(watched, event)

    def _is_chosen(self, dock: QDockWidget) -> bool:
        return not dock.isFloating() and not self._giving.isActive() and self._size == self._window.size()

    def _give_back(self) -> None:
        """Qt has arranged the window in its new size already; it arranges it once more when this has returned."""
        self._giving.start(0)
        for orientation in (Qt.Orientation.Horizontal, Qt.Orientation.Vertical):
            sideways = orientation == Qt.Orientation.Horizontal
            most = int(_MOST * _along(self._size, orientation))
            found = {}
            for dock, wanted in self._wanted.items():
                size = min(_along(wanted, orientation), most)
                at_side = self._window.dockWidgetArea(dock) in _SIDES
                if at_side == sideways and _is_beside(dock) and _along(dock.size(), orientation) < size:
                    found[dock] = size if sideways else size + self._tabs_of(dock)
            self._window.resizeDocks(list(found), list(found.values()), orientation)

    def _tabs_of(self, dock: QDockWidget) -> int:
        """The height of the tabs of docks behind one another, which Qt counts as theirs."""
        if not self._window.tabifiedDockWidgets(dock):
            return 0
        bars = (bar for bar in self._window.findChildren(QTabBar) if bar.parent() is self._window and bar.isVisible())
        return max((bar.height() for bar in bars), default=0)


def _along(size: QSize, orientation: Qt.Orientation) -> int:
    return size.width() if orientation == Qt.Orientation.Horizontal else size.height()


def _is_beside(dock: QDockWidget) -> bool:
    """Whether it can be seen in the window."""
    return not dock.isFloating() and not dock.visibleRegion().isEmpty()

"""The title bars of docks: none where a tab says the same."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

_TIP = "Double-click to float; a right click shows and hides panels"


class DockTitles(QObject):
    """Hides the title bars of docks that stand behind one another, and shows them again when they part.

    A double click on such a tab floats its dock, as one on the title bar would.
    """

    def __init__(self, window: QMainWindow, docks: Iterable[QDockWidget]) -> None:
        super().__init__(window)
        self._window, self._docks = window, tuple(docks)
        self._known: set[QTabBar] = set()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.tidy)
        for dock in self._docks:
            for signal in (dock.dockLocationChanged, dock.topLevelChanged, dock.visibilityChanged):
                signal.connect(lambda *_: self._later.start(0))

    def tidy(self) -> None:
        """Looks at how the docks stand now."""
        for dock in self._docks:
            tabbed = bool(self._beside(dock)) and not dock.isFloating()
            bare = dock.titleBarWidget() is not None
            if tabbed != bare:
                dock.setTitleBarWidget(QWidget() if tabbed else None)
        for bar in self._window.findChildren(QTabBar):
            if bar.parent() is self._window and bar not in self._known:
                self._known.add(bar)
                bar.setToolTip(_TIP)
                bar.tabBarDoubleClicked.connect(lambda tab, bar=bar: self._float(bar.tabText(tab)))

    def _beside(self, dock: QDockWidget) -> list[QDockWidget]:
        """The docks that share its tabs; one that is closed has no tab."""
        return [each for each in self._window.tabifiedDockWidgets(dock) if not each.isHidden()]

    def _float(self, title: str) -> None:
        for dock in self._docks:
            if dock.windowTitle() == title and self._beside(dock):
                dock.setFloating(True)
                return

"""The docks around the canvas: made from panels, arranged by area and group, put back as a person left them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from PyQt6.QtCore import QByteArray, Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QVBoxLayout, QWidget

from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.widgets.report import error_view
from graphviz_nn_ui.workspace import Workspace

AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
SIZES = {"left": 290, "right": 350, "bottom": 215}
"""Width or height of an area at first, in pixels."""

_logger = logging.getLogger(__name__)


class Docks:
    """The docks of a window, by name of their panel."""

    def __init__(self, window: QMainWindow, workspace: Workspace, panels: Sequence[Panel]) -> None:
        self._window = window
        self._panels = sorted(panels, key=lambda panel: (panel.area, panel.order))
        self._docks = {panel.name: _Dock(window, workspace, panel) for panel in self._panels}
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setCorner(Qt.Corner.BottomRightCorner, AREAS["right"])
        window.setDockNestingEnabled(True)
        self.arrange()

    def __iter__(self) -> Iterator[QDockWidget]:
        return iter(self._docks.values())

    def __getitem__(self, name: str) -> QDockWidget:
        return self._docks[name]

    def arrange(self) -> None:
        """Puts every dock where it is at first."""
        for dock in self:
            dock.setFloating(False)
            self._window.removeDockWidget(dock)
        for area, panels in groupby(self._panels, key=lambda panel: panel.area):
            self._arrange_area(area, list(panels))

    def state(self) -> bytes:
        """Where the docks are, for `restore`."""
        return bytes(self._window.saveState().data())

    def restore(self, state: bytes) -> bool:
        """Puts the docks back; returns whether that could be done."""
        return self._window.restoreState(QByteArray(state))

    def set_shown(self, shown: bool) -> None:
        """Shows or hides all docks that are open at first: there is nothing in them without a run."""
        for panel in self._panels:
            self._docks[panel.name].setVisible(shown and panel.shown)

    def _arrange_area(self, area: str, panels: list[Panel]) -> None:
        first_of: dict[str, QDockWidget] = {}
        for panel in panels:
            dock = self._docks[panel.name]
            self._window.addDockWidget(AREAS[area], dock)
            if panel.group and panel.group in first_of:
                self._window.tabifyDockWidget(first_of[panel.group], dock)
            elif panel.group:
                first_of[panel.group] = dock
            dock.setVisible(panel.shown)
        for first in first_of.values():
            first.raise_()
        sizes = [SIZES[area]] * len(panels)
        along = Qt.Orientation.Vertical if area == "bottom" else Qt.Orientation.Horizontal
        self._window.resizeDocks([self._docks[panel.name] for panel in panels], sizes, along)


class _Dock(QDockWidget):
    """A dock whose panel is made when it is first seen: what nobody looks at costs nothing."""

    def __init__(self, window: QMainWindow, workspace: Workspace, panel: Panel) -> None:
        super().__init__(panel.title, window)
        self.setObjectName(panel.name)
        self.setAccessibleName(panel.title)
        self._title = panel.title
        self.setWidget(_Late(workspace, panel, self._set_title))

    def _set_title(self, title: str) -> None:
        self.setWindowTitle(title or self._title)


class _Late(QWidget):
    """Makes a panel when it is first shown; shows the error of one that cannot be made."""

    def __init__(self, workspace: Workspace, panel: Panel, set_title: Callable[[str], None]) -> None:
        super().__init__()
        self._workspace = workspace
        self._panel = panel
        self._set_title = set_title
        self._made = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        if not self._made:
            self._made = True
            self._column.addWidget(self._make())
        super().showEvent(event)

    def _make(self) -> QWidget:
        try:
            widget = _checked(self._panel.create(self._workspace))
        except Exception as error:
            _logger.exception("The panel %r cannot be shown", self._panel.name)
            return error_view(self._panel.title, error)
        widget.windowTitleChanged.connect(self._set_title)
        if widget.windowTitle():
            self._set_title(widget.windowTitle())
        return widget


def _checked(made: object) -> QWidget:
    if not isinstance(made, QWidget):
        raise TypeError(f"create() returned {type(made).__name__}; it must return a QWidget")
    return made

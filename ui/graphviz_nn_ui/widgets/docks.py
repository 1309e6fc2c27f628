"""The docks around the canvas: made from panels, arranged by area and group, put back as a person left them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, Qt, QTimer
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QTabWidget

from graphviz_nn_ui.widgets.dock import Dock
from graphviz_nn_ui.widgets.dock_sizes import DockSizes
from graphviz_nn_ui.widgets.dock_titles import DockTitles
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.panels import Panel

AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
SHARES = {"left": (0.21, 260, 360), "right": (0.25, 340, 440), "bottom": (0.23, 190, 260)}
"""Part of the window that an area takes at first; at least, at most, in pixels."""

_ORIENTATIONS = {
    "left": Qt.Orientation.Horizontal,
    "right": Qt.Orientation.Horizontal,
    "bottom": Qt.Orientation.Vertical,
}
_ALIKE = 1000
"""Height that docks above one another are asked to take: more than there is, so that each gets as much."""

LATER = 150
"""Milliseconds after which panels that are behind others are made."""

TAG = "panels"
"""Of the work: making those that are in sight."""


class Docks:
    """The docks of a window, by name of their panel."""

    def __init__(self, window: QMainWindow, workspace: Workspace, panels: Sequence[Panel]) -> None:
        self._window = window
        self._jobs = workspace.jobs
        self._panels = sorted(panels, key=lambda panel: (panel.area, panel.order))
        self._docks = {panel.name: Dock(window, workspace, panel) for panel in self._panels}
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setCorner(Qt.Corner.BottomRightCorner, AREAS["right"])
        window.setDockNestingEnabled(True)
        # An arrangement that was saved with other panels would leave the new ones out.
        self._version = zlib.crc32(" ".join(sorted(self._docks)).encode()) & 0x7FFFFFFF
        self._shown = False
        self._state = b""
        self._later = QTimer(window)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._make_next)
        self._release: Callable[[], None] = lambda: None
        self._titles = DockTitles(window, self._docks.values())
        self._sizes = DockSizes(window, self._docks.values())
        self._place()
        for dock in self:
            dock.hide()

    def __iter__(self) -> Iterator[Dock]:
        return iter(self._docks.values())

    def __getitem__(self, name: str) -> QDockWidget:
        return self._docks[name]

    def arrange(self) -> None:
        """Puts every dock where it is at first, with the size that it has at first."""
        for dock in self:
            dock.setFloating(False)
            self._window.removeDockWidget(dock)
        self._place()
        for panel in self._panels:
            self._docks[panel.name].setVisible(panel.shown)
        for first in self._firsts:
            first.raise_()
        for area, orientation in _ORIENTATIONS.items():
            docks = [self._docks[panel.name] for panel in self._panels if panel.area == area and panel.shown]
            self._window.resizeDocks(docks, [self._size(area)] * len(docks), orientation)
            if orientation == Qt.Orientation.Horizontal:
                self._window.resizeDocks(docks, [_ALIKE] * len(docks), Qt.Orientation.Vertical)

    def _size(self, area: str) -> int:
        share, least, most = SHARES[area]
        across = self._window.height() if area == "bottom" else self._window.width()
        return int(min(max(share * across, least), most))

    def _place(self) -> None:
        self._firsts: list[QDockWidget] = []
        for area, panels in groupby(self._panels, key=lambda panel: panel.area):
            self._place_area(area, list(panels))

    def state(self) -> bytes:
        """Where the docks are, or were when they were shown last, for `restore`; b"" where they never were."""
        return bytes(self._window.saveState(self._version).data()) if self._shown else self._state

    def restore(self, state: bytes) -> None:
        """Puts the docks back when they are shown next, if the state can be read."""
        self._state = state

    def set_shown(self, shown: bool) -> None:
        """Shows the docks as they were, or hides all: there is nothing in them without a run."""
        if shown == self._shown:
            return
        if not shown:
            self._state = self.state()
        self._shown = shown
        if not shown:
            for dock in self:
                dock.hide()
            self._release()
            return
        for dock in self:
            dock.content.held = True
        self._release = self._jobs.hold(TAG)
        if not self._state or not self._window.restoreState(QByteArray(self._state), self._version):
            self.arrange()
        self._titles.tidy()
        self._later.start(0)

    def _make_next(self) -> None:
        """Makes one panel a turn of the event loop: those in sight, then those behind other tabs, whose titles may
        count something."""
        if not self._shown:
            return
        for dock in self:
            dock.content.held = False
        missing = [dock.content for dock in self if self.is_open(dock.objectName()) and not dock.content.made]
        in_sight = [content for content in missing if not content.visibleRegion().isEmpty()]
        for content in (in_sight or missing)[:1]:
            content.make()
        if len(in_sight) < 2:
            self._release()
        if len(missing) > 1:
            self._later.start(LATER if len(in_sight) == 1 else 0)

    def is_open(self, name: str) -> bool:
        """Whether a dock is open, be it behind another tab."""
        action = self._docks[name].toggleViewAction()
        return action is not None and action.isChecked()

    def toggle(self, name: str) -> None:
        """Opens a dock and brings it to the front; closes it where it is there already."""
        dock = self._docks[name]
        if self.is_open(name) and not dock.visibleRegion().isEmpty():
            dock.close()
        else:
            dock.content.held = False
            dock.show()
            dock.raise_()

    def _place_area(self, area: str, panels: list[Panel]) -> None:
        first_of: dict[str, QDockWidget] = {}
        for panel in panels:
            dock = self._docks[panel.name]
            self._window.addDockWidget(AREAS[area], dock)
            if panel.group and panel.group in first_of:
                self._window.tabifyDockWidget(first_of[panel.group], dock)
            elif panel.group:
                first_of[panel.group] = dock
        self._firsts += first_of.values()

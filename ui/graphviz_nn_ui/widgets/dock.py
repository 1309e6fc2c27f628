"""A dock whose panel is made when it is first seen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QSize, QTimer
from PyQt6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from graphviz_nn_ui.widgets.boundary import Boundary
from graphviz_nn_ui.widgets.report import ErrorView
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.panels import Panel

LEAST: Final = QSize(120, 60)
"""To which a person can make a panel small, in pixels."""

_logger = logging.getLogger(__name__)


class Dock(QDockWidget):
    """A dock whose panel is made when it is first seen: what nobody looks at costs nothing."""

    def __init__(self, window: QMainWindow, workspace: Workspace, panel: Panel) -> None:
        super().__init__(panel.title, window)
        self.setObjectName(panel.name)
        self.setAccessibleName(panel.title)
        self._title = panel.title
        self._window = window
        self.content = LatePanel(workspace, panel, self._set_title)
        self.setWidget(self.content)
        self.visibilityChanged.connect(self._take_seen)
        self.topLevelChanged.connect(self._take_floating)

    def _set_title(self, title: str) -> None:
        self.setWindowTitle(title or self._title)

    def _take_seen(self, seen: bool) -> None:
        """Qt says that a dock cannot be seen which comes out from behind another one to float."""
        seen = seen or (self.isFloating() and self.isVisible())
        if not seen:
            self._give_focus_back()
        self.content.set_seen(seen)

    def _give_focus_back(self) -> None:
        """The keyboard goes to the middle of the window: Qt would give it to the next field, which takes Space for
        itself."""
        focused, centre = QApplication.focusWidget(), self._window.centralWidget()
        if focused is not None and centre is not None and self.content.isAncestorOf(focused):
            centre.setFocus()

    def _take_floating(self, floating: bool) -> None:
        """Of a dock that goes back into the window Qt says nothing; where it is shows once the window is arranged."""
        if floating:
            self._take_seen(False)
        else:
            QTimer.singleShot(0, self._take_place)

    def _take_place(self) -> None:
        self._take_seen(not self.visibleRegion().isEmpty())


class LatePanel(Boundary):
    """Makes a panel when it is first seen; shows the error of one that cannot be made.

    Qt moves docks that are behind others out of the window, and does not hide them: the panel is hidden here, so that
    it knows that nobody sees it.

    Attributes:
        made: whether it is there. held: it is not made yet when it is shown, as all are for a moment when docks are
            arranged.
    """

    def __init__(self, workspace: Workspace, panel: Panel, set_title: Callable[[str], None]) -> None:
        super().__init__()
        self._workspace = workspace
        self._panel = panel
        self._set_title = set_title
        self.made = self.held = self._seen = False
        self._widget: QWidget | None = None

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Not that of the panel: the tallest of those behind one another would set the height of all."""
        return LEAST

    def set_seen(self, seen: bool) -> None:
        """Takes in whether the dock can be seen: neither closed nor behind another."""
        self._seen = seen
        if self._widget is not None:
            self._widget.setVisible(seen)
        elif seen and not self.held:
            self.make()

    def make(self) -> None:
        if not self.made:
            self.made = True
            self._widget = self._panel_or_error()
            self.fill(self._widget)
            self._widget.setVisible(self._seen)

    def _panel_or_error(self) -> QWidget:
        try:
            widget = _checked(self._panel.create(self._workspace))
        except Exception as error:
            _logger.exception("The panel %r cannot be shown", self._panel.name)
            return ErrorView(self._panel.title, error)
        widget.windowTitleChanged.connect(self._set_title)
        if widget.windowTitle():
            self._set_title(widget.windowTitle())
        return widget


def _checked(made: object) -> QWidget:
    if not isinstance(made, QWidget):
        raise TypeError(f"create() returned {type(made).__name__}; it must return a QWidget")
    return made

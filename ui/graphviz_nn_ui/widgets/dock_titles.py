"""The title bars of docks: none where a tab says the same.

They are our own: those of Qt keep the size of text that the system's titles have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PyQt6.QtCore import QObject, QSize, Qt, QTimer
from PyQt6.QtWidgets import QDockWidget, QHBoxLayout, QMainWindow, QTabBar, QToolButton, QWidget

from graphviz_nn_ui.widgets.elided import ElidedLabel
from graphviz_nn_ui.widgets.icons import icon
from graphviz_nn_ui.widgets.theme import LIGHT_THEME

_ICON = QSize(14, 14)
_TIP = "Double-click to float; a right click shows and hides panels"


class TitleBar(QWidget):
    """The name of a dock, and buttons that part it from the window and close it. A drag moves it."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        title = ElidedLabel()
        title.setText(dock.windowTitle())
        dock.windowTitleChanged.connect(title.setText)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 4, 3)
        row.setSpacing(2)
        row.addWidget(title, 1)
        name = dock.accessibleName()
        row.addWidget(
            _button("dock-float", f"Float {name}, or put it back", lambda: dock.setFloating(not dock.isFloating()))
        )
        row.addWidget(_button("dock-close", f"Close {name}", dock.close))


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
            dock.setTitleBarWidget(TitleBar(dock))
            for signal in (dock.dockLocationChanged, dock.topLevelChanged, dock.visibilityChanged):
                signal.connect(lambda *_: self._later.start(0))

    def tidy(self) -> None:
        """Looks at how the docks stand now."""
        for dock in self._docks:
            tabbed = bool(self._beside(dock)) and not dock.isFloating()
            bare = not isinstance(dock.titleBarWidget(), TitleBar)
            if tabbed != bare:
                dock.setTitleBarWidget(QWidget() if tabbed else TitleBar(dock))
        for bar in self._window.findChildren(QTabBar):
            if bar.parent() is self._window:
                self._tidy_bar(bar)

    def _tidy_bar(self, bar: QTabBar) -> None:
        for tab in range(bar.count()):
            bar.setTabToolTip(tab, f"{bar.tabText(tab)}\n{_TIP}")  # there may be no room for the name
        if bar not in self._known:
            self._known.add(bar)
            bar.setAccessibleName("Panels behind one another")
            bar.tabBarDoubleClicked.connect(lambda tab: self._float(bar.tabText(tab)))

    def _beside(self, dock: QDockWidget) -> list[QDockWidget]:
        """The docks that share its tabs; one that is closed has no tab."""
        return [each for each in self._window.tabifiedDockWidgets(dock) if not each.isHidden()]

    def _float(self, title: str) -> None:
        for dock in self._docks:
            if dock.windowTitle() == title and self._beside(dock):
                dock.setFloating(True)
                return


def _button(icon_name: str, tip: str, work: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name, LIGHT_THEME))  # of one grey for both
    button.setAutoRaise(True)
    button.setIconSize(_ICON)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.clicked.connect(lambda checked: work())
    return button

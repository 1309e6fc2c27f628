"""The tool bar: stepping, the choice of what colours the graph, and the box that finds everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QEvent, QSize, Qt
from PyQt6.QtGui import QAction, QMouseEvent, QResizeEvent
from PyQt6.QtWidgets import QComboBox, QLabel, QLineEdit, QSizePolicy, QToolBar, QWidget

from graphviz_nn_ui.viewmodels.look import COLOR_WORDS
from graphviz_nn_ui.widgets.actions import Actions
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

BUTTONS = (
    ("file.open",),
    ("run.continue", "play.toggle"),
    ("step.over", "step.into", "step.out"),
    ("step.over_back", "step.into_back", "step.out_back"),
    ("breakpoint.toggle", "to.finding"),
    ("training.previous", "training.next"),
    ("view.fit",),
)
WITH_TEXT = ("run.continue", "step.over", "step.into", "step.out")
"""Buttons that say their name beside the icon, where there is room."""

ROOM: Final = 195
"""Widths of a letter that a bar has whose buttons say their names."""

LABEL_ROOM: Final = 165
"""The same, of one that says what the choice of colours is."""


_SAYS: Final = ("Search nodes, modules, commands   Ctrl+K", "Search everything   Ctrl+K", "Search   Ctrl+K", "Search")
"""What the search box says, the most that there is room for."""


class MainToolBar(QToolBar):
    """Fixed at the top; buttons for commands that there are."""

    def __init__(self, workspace: Workspace, actions: Actions, search: Callable[[], object]) -> None:
        super().__init__("Tool bar")
        self.setObjectName("tool_bar")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        self._look = workspace.look
        self._actions = actions
        label = QLabel("Colour by ")
        label.setObjectName("muted")
        self._after_buttons = self._label = self.addWidget(label)
        self._buttons: list[QAction] = []
        self._names: list[str] = []
        self._fill()
        actions.synced.connect(self._fill)
        self.addWidget(self._colour_box())
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        gap.setMinimumWidth(8)
        self.addWidget(gap)
        self.addWidget(SearchBox(search))

    def _fill(self) -> None:
        """Shows the buttons for the commands that there are now."""
        names = [name for group in BUTTONS for name in group if name in self._actions]
        if names == self._names:
            return
        self._names = names
        for action in self._buttons:
            self.removeAction(action)
        self._buttons.clear()
        for group in BUTTONS:
            present = [name for name in group if name in self._actions]
            for name in present:
                self._add(name)
            if present:
                line = self.insertSeparator(self._after_buttons)
                self._buttons += [line] if line is not None else []

    def _add(self, name: str) -> None:
        action = self._actions[name]
        self.insertAction(self._after_buttons, action)
        self._buttons.append(action)
        button = self.widgetForAction(action)
        if button is not None:
            button.setAccessibleName(action.text())
            if name in WITH_TEXT:
                action.setIconText(action.text().removeprefix("Step ").capitalize())
                self._say_name(button)

    def _say_name(self, button: QWidget) -> None:
        named = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        button.setProperty("toolButtonStyle", named[0] if self._has_room(ROOM) else named[1])

    def _has_room(self, letters: int) -> bool:
        return self.width() >= letters * self.fontMetrics().averageCharWidth()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Leaves words away where there is no room for all: the search box is to be seen."""
        if self._label is not None:
            self._label.setVisible(self._has_room(LABEL_ROOM))
        for action in self._buttons:
            button = self.widgetForAction(action)
            if button is not None and action.objectName() in WITH_TEXT:
                self._say_name(button)

    def _colour_box(self) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName("Colour by")
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.setToolTip("What colours the graph")
        for name, title in COLOR_WORDS.items():
            box.addItem(title, name)

        def follow(name: str) -> None:
            if name == "color_by":
                box.setCurrentIndex(box.findData(self._look.color_by))

        follow("color_by")
        while_alive(box, self._look.changed, follow)
        box.activated.connect(lambda index: self._look.set("color_by", box.itemData(index)))
        return box


class SearchBox(QLineEdit):
    """Looks like a box to type in; a click or a key opens the palette."""

    def __init__(self, search: Callable[[], object]) -> None:
        super().__init__()
        self._search = search
        self.setReadOnly(True)
        self.setAccessibleName("Search nodes, modules, commands")
        self.setMinimumWidth(90)
        self.setMaximumWidth(310)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(310, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        room = self.width() - 2 * self.fontMetrics().averageCharWidth()
        fits = (text for text in _SAYS if self.fontMetrics().horizontalAdvance(text) < room)
        self.setPlaceholderText(next(fits, _SAYS[-1]))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        self._search()

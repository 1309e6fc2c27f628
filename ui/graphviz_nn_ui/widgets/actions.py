"""Commands as Qt's actions: menus, shortcuts, and what is possible now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PyQt6.QtCore import QEvent, QObject, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu, QMenuBar

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.icons import icon
from graphviz_nn_ui.widgets.space_key import SpaceKey
from graphviz_nn_ui.widgets.theme import theme_of
from graphviz_nn_ui.workspace import Workspace

MENUS = ("File", "Edit", "View", "Debug", "Graph", "Tools", "Help")


class Actions(QObject):
    """One action a command, on the window, so that shortcuts work everywhere in it.

    Changes of what is possible are gathered: a hundred moves in one turn of the event loop cost one look.
    Signals: synced(), after commands came or went.
    """

    synced = pyqtSignal()

    def __init__(self, window: QMainWindow, workspace: Workspace) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = workspace
        self._actions: dict[str, QAction] = {}
        self._commands: dict[str, Command] = {}
        self._rebuild = _once_a_turn(self, self._sync)
        self._look_again = _once_a_turn(self, self._refresh)
        while_alive(self, workspace.commands.changed, self._rebuild)
        while_alive(self, workspace.commands.refreshed, self._look_again)
        window.installEventFilter(self)
        SpaceKey(self)
        self._sync()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __contains__(self, name: str) -> bool:
        return name in self._actions

    def sync(self) -> None:
        """Takes in the commands as they are now, without waiting for the event loop's turn."""
        self._sync()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._draw_icons()
        return super().eventFilter(watched, event)

    def _sync(self) -> None:
        present = {command.name: command for command in self._workspace.commands}
        for name in self._actions.keys() - present.keys():
            self._window.removeAction(self._actions.pop(name))
        for name, command in present.items():
            if name not in self._actions:
                self._actions[name] = self._make(name)
            if self._commands.get(name) is not command:
                _describe(self._actions[name], command)
        self._commands = present
        self._draw_icons()
        self._refresh()
        bar = self._window.menuBar()
        if bar is not None:
            _fill(bar, present.values(), self._actions, self._refresh)
        self.synced.emit()

    def _make(self, name: str) -> QAction:
        action = QAction(self._window)
        action.setObjectName(name)
        action.triggered.connect(lambda: self.trigger(name))
        self._window.addAction(action)
        return action

    def trigger(self, name: str) -> None:
        """Does what a command says, if that is possible now; a refusal is shown in the window's bar."""
        command = self._workspace.commands[name]
        try:
            if command.enabled():
                command.run()
        except GraphvizNNError as error:
            self._workspace.problem.emit(command.title.rstrip("…"), str(error))
        self._workspace.commands.refresh()

    def _refresh(self) -> None:
        for name, command in self._commands.items():
            action = self._actions[name]
            action.setEnabled(command.enabled())
            if command.checkable:
                action.setChecked(command.checked())

    def _draw_icons(self) -> None:
        theme = theme_of(self._window)
        for name, command in self._commands.items():
            if command.icon:
                self._actions[name].setIcon(icon(command.icon, theme))


def tooltip(command: Command) -> str:
    """What a command does, and its shortcut as this system writes it."""
    keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    text = command.tip or command.title.rstrip("…")
    return f"{text}  ({keys})" if keys else text


def _describe(action: QAction, command: Command) -> None:
    action.setText(command.title)
    action.setShortcut(QKeySequence(command.shortcut))
    action.setToolTip(tooltip(command))
    action.setStatusTip(command.tip)
    action.setCheckable(command.checkable)


def _fill(bar: QMenuBar, commands: Iterable[Command], actions: dict[str, QAction], refresh: Callable[[], None]) -> None:
    """Builds the menus. Within one, a line parts commands on different subjects."""
    bar.clear()
    menus: dict[str, QMenu] = {}
    subjects: dict[str, str] = {}
    chosen = [command for command in commands if command.menu]
    known = {name: place for place, name in enumerate(MENUS)}
    for command in sorted(chosen, key=lambda each: known.get(each.menu.partition("/")[0], len(MENUS))):
        menu = _menu(bar, command.menu, menus, refresh)
        subject = command.name.partition(".")[0]
        if subjects.setdefault(command.menu, subject) != subject:
            menu.addSeparator()
        subjects[command.menu] = subject
        menu.addAction(actions[command.name])


def _menu(bar: QMenuBar, path: str, menus: dict[str, QMenu], refresh: Callable[[], None]) -> QMenu:
    if path not in menus:
        outer, _, title = path.rpartition("/")
        around = _menu(bar, outer, menus, refresh) if outer else bar
        menu = around.addMenu(title if outer else f"&{title}")
        assert menu is not None
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(refresh)
        menus[path] = menu
    return menus[path]


def _once_a_turn(owner: QObject, work: Callable[[], None]) -> Callable[[], None]:
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.timeout.connect(work)

    def ask() -> None:
        if not timer.isActive():
            timer.start()

    return ask

"""Commands of the window itself: panels, search, help."""

from __future__ import annotations

from functools import partial

from PyQt6.QtWidgets import QMainWindow

from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.widgets.docks import Docks
from graphviz_nn_ui.widgets.find_bar import FindBar
from graphviz_nn_ui.widgets.help import about, shortcut_sheet
from graphviz_nn_ui.widgets.palette import Palette
from graphviz_nn_ui.workspace import Workspace


def add_panel_commands(workspace: Workspace, docks: Docks) -> None:
    """One switch a panel, and one that puts all of them back."""

    def is_open() -> bool:
        return workspace.document is not None

    for dock in docks:
        title = dock.windowTitle()
        workspace.commands.add(
            Command(
                f"panel.{dock.objectName()}",
                title,
                partial(docks.toggle, dock.objectName()),
                "View/Panels",
                tip=f"Show or hide: {title}",
                enabled=is_open,
                checkable=True,
                checked=partial(docks.is_open, dock.objectName()),
            )
        )
    tip = "Put every panel where it was at first"
    workspace.commands.add(Command("panel.reset", "Reset layout", docks.arrange, "View", "", tip, "", is_open))


def add_search_commands(workspace: Workspace, find_bar: FindBar, palette: Palette) -> None:
    def has_step() -> bool:
        return workspace.document is not None and workspace.document.session.has_step

    back = partial(find_bar.go, back=True)
    commands = workspace.commands
    commands.add(
        Command(
            "find.ask",
            "Find nodes…",
            find_bar.ask,
            "Edit",
            "Ctrl+F",
            "By name, shape, numbers",
            "find",
            has_step,
        ),
        Command("find.next", "Find next", find_bar.go, "Edit", "F3", "", "", has_step),
        Command("find.previous", "Find previous", back, "Edit", "Shift+F3", "", "", has_step),
        Command("palette.ask", "Search everything…", palette.ask, "Edit", "Ctrl+K", "Commands, modules and nodes"),
    )


def add_help_commands(workspace: Workspace, window: QMainWindow) -> None:
    def sheet() -> None:
        shortcut_sheet(window, workspace.commands).show()

    workspace.commands.add(
        Command("help.keys", "Keyboard and mouse", sheet, "Help", "F1", "What the keys and the mouse do"),
        Command("help.about", "About graphviz_nn", lambda: about(window).show(), "Help", "", "Versions and licence"),
    )

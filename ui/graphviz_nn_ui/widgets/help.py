"""Help: the sheet of shortcuts, and versions."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.widgets.report import versions

MOUSE = (
    ("Canvas", "Double click", "Expand or collapse a module"),
    ("Canvas", "Drag, wheel", "Move, zoom"),
    ("Timeline", "Click, drag", "Put the cursor at an event"),
    ("Timeline", "Wheel, Shift+wheel", "Zoom, move along"),
    ("Training steps", "Click", "Open that step"),
)


class Page(QDialog):
    """A page of text beside the window; it blocks nothing."""

    def __init__(self, parent: QWidget, title: str, html: str, width: int, height: int) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(width, height)
        self.browser = QTextBrowser()
        self.browser.setOpenExternalLinks(True)
        self.browser.setAccessibleName(title)
        self.browser.setHtml(html)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.browser)


def shortcut_sheet(parent: QWidget, commands: Iterable[Command]) -> Page:
    """Every command with a shortcut, by menu, and what the mouse does."""
    menus: dict[str, list[tuple[str, str]]] = {}
    for command in commands:
        if command.shortcut:
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            menus.setdefault(command.menu.partition("/")[0] or "Everywhere", []).append((keys, command.title))
    parts = [_section(menu, rows) for menu, rows in menus.items()]
    parts.append(_section("Mouse", [(f"{where}: {what}", effect) for where, what, effect in MOUSE]))
    return Page(parent, "Keyboard and mouse", f'<table cellpadding="3">{"".join(parts)}</table>', 620, 680)


def about(parent: QWidget) -> Page:
    """What this is, its licence, and the versions of what it stands on."""
    rows = "".join(_row(name, number) for name, number in versions().items())
    text = (
        "<h2>graphviz_nn</h2><p>Records, draws and debugs the computation graph of a PyTorch program.</p>"
        f"<table>{rows}</table>"
        "<p>graphviz_nn is under the MIT licence. PyQt6, which this window is made with, is under the GNU GPL v3.</p>"
    )
    return Page(parent, "About graphviz_nn", text, 460, 360)


def _section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(_row(keys, what) for keys, what in rows)
    return f'<tr><td colspan="2"><h3>{escape(title)}</h3></td></tr>{lines}'


def _row(name: str, text: str) -> str:
    return f"<tr><td><b>{escape(name)}</b>&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"

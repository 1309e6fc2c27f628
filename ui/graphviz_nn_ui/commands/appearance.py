"""Theme and size of text."""

from __future__ import annotations

from functools import partial
from typing import Final

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.theme import apply_theme, wanted_theme
from graphviz_nn_ui.workspace import Workspace

SMALLEST: Final = 7.0
LARGEST: Final = 24.0
"""Points."""


class Appearance(QObject):
    """Shows the application in the theme that the look names, and in a size of text that people can read."""

    def __init__(self, application: QApplication, workspace: Workspace, points: float = 0.0) -> None:
        super().__init__()
        self._application = application
        self._look = workspace.look
        self.usual_points = application.font().pointSizeF()
        self.set_points(points or self.usual_points)
        hints = QGuiApplication.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(lambda scheme: self.apply())
        while_alive(self, self._look.changed, lambda name: self.apply() if name == "theme" else None)
        self.apply()

    @property
    def points(self) -> float:
        return self._application.font().pointSizeF()

    def apply(self) -> None:
        apply_theme(self._application, wanted_theme(self._look.theme))

    def set_points(self, points: float) -> None:
        """Writes everything in this size, within what can be read and fits."""
        font = self._application.font()
        font.setPointSizeF(min(max(points, SMALLEST), LARGEST))
        self._application.setFont(font)
        self.apply()  # widgets that a style sheet has polished take a font only when they are polished again


def add_appearance_commands(workspace: Workspace, appearance: Appearance) -> None:
    look = workspace.look
    for name, title in (("auto", "As the system"), ("light", "Light"), ("dark", "Dark")):
        workspace.commands.add(
            Command(
                f"theme.{name}",
                title,
                partial(look.set, "theme", name),
                "View/Theme",
                tip=f"Theme: {title.lower()}",
                checkable=True,
                checked=partial(_has, workspace, "theme", name),
            )
        )
    larger, smaller = "Larger text", "Smaller text"
    workspace.commands.add(
        Command("text.larger", larger, lambda: appearance.set_points(appearance.points + 1), "View", "Ctrl+="),
        Command("text.smaller", smaller, lambda: appearance.set_points(appearance.points - 1), "View", "Ctrl+-"),
        Command("text.usual", "Usual size of text", lambda: appearance.set_points(appearance.usual_points), "View"),
    )


def _has(workspace: Workspace, name: str, value: str) -> bool:
    return bool(getattr(workspace.look, name) == value)

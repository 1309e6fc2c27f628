"""A window with its own settings, and a plain label where the canvas would be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QLabel

from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.background import checking
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.plugin import register_panels


@pytest.fixture
def make_window(qtbot, workspace, tmp_path, monkeypatch) -> Callable[..., MainWindow]:
    """Without the checks, which are tested apart: whether they end within a test is a matter of chance."""
    monkeypatch.setattr(checking, "_findings", lambda document, ticket: [])

    def make(*panels: Panel) -> MainWindow:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        own = [panel for panel in register_panels() if panel.name in ("timeline", "log", "breakpoints")]
        window = MainWindow(workspace, lambda: [*own, *panels], lambda workspace: QLabel("canvas"), settings)
        qtbot.addWidget(window)
        window.show()
        return window

    return make


@pytest.fixture
def run_command(workspace) -> Callable[[str], None]:
    """Does what a command says, which must be possible."""

    def run(name: str) -> None:
        command = workspace.commands[name]
        assert command.enabled(), f"{name} is not possible"
        command.run()

    return run

"""Starts the app: display, theme, window, event loop; or draws one screenshot and leaves."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from graphviz_nn.errors import UsageError
from graphviz_nn.plugin.manager import plugins
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.viewmodels.document import open_document
from graphviz_nn_ui.viewmodels.shot import Shot
from graphviz_nn_ui.widgets.report import ReportDialog, Reporter
from graphviz_nn_ui.widgets.theme import apply_theme, wanted_theme
from graphviz_nn_ui.workspace import Workspace


def run(path: str | None, shot: Shot, screenshot: Path | None, size: tuple[int, int]) -> int:
    """Runs the app until its window is closed, or until the screenshot is saved. Returns the exit code.

    Raises:
        RunFileError: the run cannot be opened. UsageError: there is no display, and no screenshot is asked for.
        SelectorError: the run has no such step, node or module.
    """
    document = open_document(path) if path is not None else None
    choose_platform(offscreen_allowed=screenshot is not None)
    application = make_application()
    workspace = Workspace()
    logging.getLogger().addHandler(workspace.log)
    report = ReportDialog()
    reporter = Reporter(report.add)
    reporter.install()
    shot.set_look(workspace.look)
    apply_theme(application, wanted_theme(workspace.look.theme))
    window = MainWindow(workspace, plugins().panels, QSettings("graphviz_nn", "graphviz_nn"))
    if document is not None:
        window.opener.show(document)
        shot.go(document.session)
    window.show()
    return application.exec()


def make_application() -> QApplication:
    """Returns the process's application, made the first time."""
    present = QApplication.instance()
    application = present if isinstance(present, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("graphviz_nn")
    application.setStyle("Fusion")
    return application


def choose_platform(*, offscreen_allowed: bool) -> None:
    """Draws offscreen where there is no display.

    Raises:
        UsageError: there is none, and a window is wanted.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    if not offscreen_allowed:
        raise UsageError(
            "There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set). Save a picture of the window instead: "
            "graphviz-nn view RUN --screenshot app.png"
        )
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

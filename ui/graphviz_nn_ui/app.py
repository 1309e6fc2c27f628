"""Starts the app: display, theme, window, event loop; or draws one screenshot and leaves."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from PyQt6 import sip
from PyQt6.QtCore import QSettings, QTimer
from PyQt6.QtWidgets import QApplication, QWidget

from graphviz_nn.cli.outputs import RUN_SUFFIX
from graphviz_nn.errors import UsageError
from graphviz_nn.plugin.manager import plugins
from graphviz_nn_ui.background.awaiting import AwaitedFinding
from graphviz_nn_ui.commands.appearance import Appearance, add_appearance_commands
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.memory import points
from graphviz_nn_ui.screenshot import Photographer
from graphviz_nn_ui.viewmodels.document import Document, open_document
from graphviz_nn_ui.viewmodels.shot import Shot
from graphviz_nn_ui.widgets.report import ErrorView, ReportDialog, Reporter
from graphviz_nn_ui.workspace import Workspace

LISTEN: Final = 400
"""Milliseconds between two looks for a signal."""


def run(target: str | None, shot: Shot, screenshot: Path | None, size: tuple[int, int]) -> int:
    """Runs the app until its window is closed, or until the screenshot is saved. Returns the exit code.

    `target` is a run file or folder, or a model to trace: package.module:callable, path/file.py:callable.

    Raises:
        RunFileError: the run cannot be opened. UsageError: there is no display, and no screenshot is asked for.
        SelectorError: the run has no such step, node or module. OptionError: there is no such rule.
    """
    rules = rules_of(shot.finding)
    traced = target is not None and is_target(target)
    document = open_document(target) if target is not None and not traced else None
    if document is not None:
        shot.go(document.session)
    choose_platform(offscreen_allowed=screenshot is not None)
    application = make_application()
    # A screenshot looks the same for everybody: nothing of what a person has set is read.
    folder = tempfile.TemporaryDirectory(prefix="graphviz_nn-") if screenshot is not None else None
    settings = private_settings(folder.name) if folder is not None else QSettings("graphviz_nn", "graphviz_nn")
    window = make_window(application, settings)
    shot.set_look(window.workspace.look)
    if screenshot is not None:
        window.resize(*size)  # before the docks take their shares of it

    def go(opened: Document) -> None:
        shot.go(opened.session)
        await_finding(window, opened, rules)

    if document is not None:
        window.opener.show(document)
        await_finding(window, document, rules)
    elif traced and target is not None:
        window.tracer.start(target, ["trace", "--keep", "all", target], go)
    try:
        if screenshot is not None:
            return Photographer(window, screenshot, wants_run=target is not None).take(application)
        window.show()
        let_interrupt(application)
        return application.exec()
    finally:
        end(window)


def rules_of(name: str | None) -> frozenset[str]:
    """Returns the rules that a name of a rule or family stands for; none for None.

    Raises:
        OptionError: there is no such rule or family; names the nearest.
    """
    if name is None:
        return frozenset()
    from graphviz_nn.analysis.check import select

    return frozenset(check.name for check in select(plugins().checks, [name]))


def await_finding(window: MainWindow, document: Document, rules: frozenset[str]) -> None:
    """Has the window go to the first finding of the rules, once the checks have found one."""

    def open_list() -> None:
        dock = window.docks["findings"]
        dock.show()
        dock.raise_()

    if rules:
        AwaitedFinding(window.workspace, document, rules, open_list, window)


def let_interrupt(application: QApplication) -> None:
    """Has Ctrl+C in the terminal close the window. Python looks for signals only while some of it runs: a timer."""
    signal.signal(signal.SIGINT, lambda number, frame: application.quit())
    timer = QTimer(application)
    timer.timeout.connect(lambda: None)
    timer.start(LISTEN)


def end(window: MainWindow) -> None:
    """Closes and destroys the window while there still is an application, as Qt wants it."""
    window.close()
    window.workspace.jobs.forget_all()
    window.workspace.jobs.wait()
    logging.getLogger().removeHandler(window.workspace.log)
    sip.delete(window)


def make_window(application: QApplication, settings: QSettings) -> MainWindow:
    """Returns the window, not shown yet, with what belongs to the process set up: theme, log, reports of errors."""
    workspace = Workspace()
    logging.getLogger().addHandler(workspace.log)
    window = MainWindow(workspace, plugins().panels, _make_canvas, settings)
    appearance = Appearance(application, workspace, points(settings))
    add_appearance_commands(workspace, appearance)
    application.aboutToQuit.connect(lambda: settings.setValue("text/points", appearance.points))
    report = ReportDialog(window)
    Reporter(report.add).install()
    return window


def _make_canvas(workspace: Workspace) -> QWidget:
    """The canvas, or its error in its place."""
    try:
        from graphviz_nn_ui.canvas.commands import add_canvas_commands
        from graphviz_nn_ui.canvas.view import Canvas

        canvas = Canvas(workspace)
        add_canvas_commands(workspace, canvas)
    except Exception as error:
        logging.getLogger(__name__).exception("The graph cannot be shown")
        return ErrorView("The graph", error)
    return canvas


def private_settings(folder: str) -> QSettings:
    """Settings in a folder of their own."""
    return QSettings(str(Path(folder) / "settings.ini"), QSettings.Format.IniFormat)


def is_target(text: str) -> bool:
    """Whether this names a model to trace, not a run: "package.module:callable", and no such file."""
    return ":" in text and not Path(text).exists() and not text.endswith(RUN_SUFFIX)


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

"""Starts the app: display, theme, window, event loop; or draws one screenshot and leaves."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication, QWidget

from graphviz_nn.errors import GraphvizNNError, UsageError
from graphviz_nn_ui.background.awaiting import AwaitedFinding
from graphviz_nn_ui.commands.appearance import Appearance, add_appearance_commands
from graphviz_nn_ui.commands.opening import tell_refusal
from graphviz_nn_ui.leaving import KILLED, clear, end, heeding
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.memory import points
from graphviz_nn_ui.screenshot import Photographer
from graphviz_nn_ui.widgets.report import ErrorView, ReportDialog, Reporter
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.panels import Panel
    from graphviz_nn_ui.signals import Interruptions
    from graphviz_nn_ui.viewmodels.document import Document
    from graphviz_nn_ui.viewmodels.shot import Shot

SEEN_FIRST: Final = (
    "numpy.ma",  # by numpy's own functions, at the first call
    "graphviz_nn_ui.canvas.view",
    "graphviz_nn_ui.canvas.commands",
    "graphviz_nn_ui.viewmodels.document",
    "graphviz_nn_ui.viewmodels.place",
    *(f"graphviz_nn_ui.panels.{name}" for name in ("model_tree", "events", "timeline", "inspector", "feature_maps")),
    "graphviz_nn_ui.panels.inspector.numbers_page",
)
"""Modules that the first run on the screen needs: panels that no other panel hides at first."""

TURN: Final = 0.0005
"""Seconds after which a thread at work lets the window's go on: with several of them at Python's usual 0.005 each, the
window would wait for a tenth of a second now and then."""

_loading = threading.Lock()
"""Held while plugins are loaded: a thread may be at it when the window wants them."""


def run(target: str | None, shot: Shot, screenshot: Path | None, size: tuple[int, int], signals: Interruptions) -> int:
    """Runs the app until its window is closed, or until the screenshot is saved. Returns the exit code.

    `target` is a run file or folder, or a model to trace: package.module:callable, path/file.py:callable. `signals`
    that come end the app, without a picture.

    Raises:
        NotARunFile: there is no such file. UsageError: there is no display, and no screenshot is asked for.
        OptionError: there is no such rule.
    """
    rules = rules_of(shot.finding)
    traced = target is not None and is_target(target)
    if target is not None and not traced:
        ensure_present(target)
    choose_platform(offscreen_allowed=screenshot is not None)
    application = make_application()
    with ExitStack() as leaving:
        leaving.callback(clear, application, frozenset(application.topLevelWidgets()))
        leaving.enter_context(heeding(application, signals))
        # A screenshot looks the same for everybody: nothing of what a person has set is read.
        settings = QSettings("graphviz_nn", "graphviz_nn")
        if screenshot is not None:
            settings = private_settings(leaving.enter_context(tempfile.TemporaryDirectory(prefix="graphviz_nn-")))
        window = make_window(application, settings)
        leaving.callback(end, window)
        shot.set_look(window.workspace.look)
        if screenshot is not None:
            window.resize(*size)  # before the docks take their shares of it
        go = Arrival(window, shot, rules, forgiving=screenshot is None)
        if traced and target is not None:
            window.tracer.start(target, ["trace", "--keep", "all", target], go.show, first=go.go)
        elif target is not None:
            window.opener.open(target, go.show, first=go.go)
        if screenshot is not None:
            code = Photographer(window, screenshot, wants_run=target is not None).take(application, signals.came)
            return KILLED + signals.came[0] if signals.came else code
        window.show()
        prepare(window)
        return application.exec()


class Arrival:
    """Takes a run that is opened to the place that the command line names.

    `forgiving`: a place that the run does not have is told in the window; else the run counts as one that cannot be
    opened.
    """

    def __init__(self, window: MainWindow, shot: Shot, rules: frozenset[str], *, forgiving: bool) -> None:
        self._window = window
        self._shot = shot
        self._rules = rules
        self._forgiving = forgiving
        self._refusal = ""

    def go(self, document: Document) -> None:
        """Goes there, before the run is shown: in the thread that opens it."""
        try:
            self._shot.go(document.session)
        except GraphvizNNError as error:
            if not self._forgiving:
                raise
            self._refusal = str(error)

    def show(self, document: Document) -> None:
        """Does what can be done only once the run is shown."""
        if self._refusal:
            self._window.workspace.problem.emit("The place that was asked for cannot be shown", self._refusal)
        await_finding(self._window, document, self._rules)


def ensure_present(path: str) -> None:
    """Returns where there is something at `path` that may be a run. Reading it is left to a thread.

    Raises:
        NotARunFile: there is nothing.
    """
    if not os.path.exists(path):
        from graphviz_nn.run import load

        load(path).close()


def prepare(window: MainWindow) -> None:
    """Imports and makes what an open run needs, while the start page can be used already."""
    window.workspace.jobs.submit("prepare", lambda ticket: load_all(), lambda done: window.docks)


def load_all() -> None:
    """Imports what an open run needs. For a thread: it takes longer than a window may stand still."""
    for name in SEEN_FIRST:
        import_module(name)
    list_panels()


def list_panels() -> Sequence[Panel]:
    """Returns the panels of all plugins."""
    from graphviz_nn.plugin.manager import plugins

    with _loading:
        return plugins().panels


def rules_of(name: str | None) -> frozenset[str]:
    """Returns the rules that a name of a rule or family stands for; none for None.

    Raises:
        OptionError: there is no such rule or family; names the nearest.
    """
    if name is None:
        return frozenset()
    from graphviz_nn.analysis.check import select
    from graphviz_nn.plugin.manager import plugins

    return frozenset(check.name for check in select(plugins().checks, [name]))


def await_finding(window: MainWindow, document: Document, rules: frozenset[str]) -> None:
    """Has the window go to the first finding of the rules, once the checks have found one."""

    def open_list() -> None:
        dock = window.docks["findings"]
        dock.show()
        dock.raise_()

    if rules:
        AwaitedFinding(window.workspace, document, rules, open_list, window)


def make_window(application: QApplication, settings: QSettings) -> MainWindow:
    """Returns the window, not shown yet, with what belongs to the process set up: theme, log, reports of errors."""
    workspace = Workspace()
    logging.getLogger().addHandler(workspace.log)
    window = MainWindow(workspace, list_panels, _make_canvas, settings)
    window.opener.prepare = load_all
    appearance = Appearance(application, workspace, points(settings))
    add_appearance_commands(workspace, appearance)
    application.aboutToQuit.connect(lambda: settings.setValue("text/points", appearance.points))
    refused = partial(tell_refusal, workspace, "Some of this cannot be shown")
    Reporter(ReportDialog(window).add, refused).install()
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
    from graphviz_nn.cli.outputs import RUN_SUFFIX

    return ":" in text and not Path(text).exists() and not text.endswith(RUN_SUFFIX)


def make_application() -> QApplication:
    """Returns the process's application, made the first time."""
    present = QApplication.instance()
    application = present if isinstance(present, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("graphviz_nn")
    sys.setswitchinterval(TURN)
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

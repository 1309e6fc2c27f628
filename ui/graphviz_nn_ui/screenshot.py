"""Draws the window once it has come to rest, saves it, and leaves."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QApplication

from graphviz_nn.errors import UsageError
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.widgets.report import ErrorView

PERIOD: Final = 40
"""Milliseconds between two looks at whether work is under way."""

QUIET: Final = 10
"""Looks without work after which nothing more is expected: animations are over too, and everything is in its place. Not
a time: a window that stands still for so long has not drawn what it was told in between.
"""

FAILED: Final = 2
"""Exit code where what was asked for cannot be shown, as for any wrong use of a command."""

PATIENCE: Final = 300.0
"""Seconds after which the window is drawn as it is."""


class Photographer(QObject):
    """Waits for the window, draws it, and ends the event loop.

    `wants_run`: whether a run is to be seen; the window's start page is then a failure.
    """

    def __init__(self, window: MainWindow, path: Path, wants_run: bool) -> None:
        super().__init__()
        self._window = window
        self._path = path
        self._wants_run = wants_run
        self._began = time.monotonic()
        self._quiet = 0

    def take(self, application: QApplication, told: Sequence[int] = ()) -> int:
        """Runs the event loop until the picture is saved. Returns the exit code: 2 where there is no run to be seen,
        1 where its graph cannot be shown, or where `told` says that a signal came in between: nothing is saved then.

        Raises:
            UsageError: the picture cannot be written.
        """
        self._window.show()
        self._began = time.monotonic()
        timer = QTimer(self)
        timer.timeout.connect(self._look)
        timer.start(PERIOD)
        application.exec()
        timer.stop()
        if told:
            return 1
        picture = self._window.grab()
        failed = self._wants_run and self._window.workspace.document is None
        problem = self._window.problem_text
        if failed:
            print(f"graphviz-nn: {problem}", file=sys.stderr)
            return FAILED
        if isinstance(self._window.canvas, ErrorView):
            print(f"graphviz-nn: {self._window.canvas.toPlainText()}", file=sys.stderr)
            return 1
        if not picture.save(str(self._path)):
            raise UsageError(f"{self._path} cannot be written: choose a .png or .jpg in a folder that exists.")
        print(self._path)
        return 0

    def _look(self) -> None:
        self._quiet = 0 if self._window.workspace.jobs.tags else self._quiet + 1
        if self._quiet > QUIET or time.monotonic() - self._began > PATIENCE:
            QApplication.exit()  # unlike quit(), this leaves the window open

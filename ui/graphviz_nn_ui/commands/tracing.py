"""Recording a model or an example from within the app, and showing the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from graphviz_nn_ui.commands.opening import Opener
from graphviz_nn_ui.viewmodels.log import LogEntry
from graphviz_nn_ui.widgets.bars import WorkBar
from graphviz_nn_ui.workers.tracing import Tracing
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.document import Document


class Tracer(QObject):
    """One recording at a time; a new one takes the place of the former. Its output goes to the log."""

    def __init__(self, workspace: Workspace, opener: Opener, bar: WorkBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._opener = opener
        self._bar = bar
        self._tracing: Tracing | None = None
        self._release: Callable[[], None] = lambda: None
        bar.cancel.clicked.connect(self.cancel)

    @property
    def busy(self) -> bool:
        return self._tracing is not None

    def start(
        self,
        name: str,
        arguments: list[str],
        then: Callable[[Document], object] | None = None,
        *,
        first: Callable[[Document], object] | None = None,
    ) -> None:
        """Runs `graphviz-nn` with the arguments, and opens what it wrote; `first` and `then` are those of `Opener`."""
        self.cancel()
        tracing = Tracing(name, arguments, self)
        self._tracing = tracing
        self._release = self._workspace.jobs.hold("trace")
        tracing.printed.connect(self._print)
        tracing.traced.connect(lambda path: self._open(path, then, first))
        tracing.failed.connect(self._fail)
        self._bar.tell(f"Recording {name} …")
        tracing.start()

    def cancel(self) -> None:
        """Ends the recording that is under way, if there is one."""
        if self._tracing is not None:
            self._tracing.cancel()
            self._end()

    def _print(self, line: str) -> None:
        if self._tracing is not None:
            self._bar.tell(f"Recording {self._tracing.name} …   {line.strip()[:100]}")
            self._workspace.log.write(LogEntry(time.time(), logging.INFO, self._tracing.name, line))

    def _open(
        self,
        path: str,
        then: Callable[[Document], object] | None,
        first: Callable[[Document], object] | None,
    ) -> None:
        self._opener.open(path, then, first=first)
        self._end()

    def _fail(self, said: str) -> None:
        name = self._tracing.name if self._tracing is not None else "the program"
        self._end()
        self._workspace.problem.emit(f"{name} cannot be recorded", said)

    def _end(self) -> None:
        if self._tracing is not None:
            self._tracing.deleteLater()
            self._tracing = None
        self._bar.hide()
        self._release()

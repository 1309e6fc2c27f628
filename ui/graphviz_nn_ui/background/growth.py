"""Follows the file of the open run: takes in what is written to it, and says when it is gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QObject, QTimer

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.document import Document

PERIOD: Final = 500
"""Milliseconds between two looks at the file. A look costs two calls of the system."""

_Seen = tuple[tuple[int, int, int, int] | None, ...]


class Growth(QObject):
    """Looks at the file and its log now and then: file-system notices do not come through from network drives."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._seen: _Seen = ()
        self._said = ""
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD)
        self._timer.timeout.connect(self.look)
        while_alive(self, workspace.document_changed, self._open)

    def look(self) -> None:
        """Takes in what has changed since the last look."""
        document = self._workspace.document
        if document is None or document.data.path is None:
            return
        seen = _look_at(document.data.path)
        if seen == self._seen:
            return
        former, self._seen = self._seen, seen
        name = Path(document.data.path).name
        if seen[0] is None:
            self._say(
                f"{name} was deleted or moved",
                "What is open stays readable; nothing is added to it any more.",
            )
            return
        self._refresh(document, name, replaced=bool(former) and former[0] is not None and former[0][:2] != seen[0][:2])

    def _open(self, document: Document | None) -> None:
        self._said = ""
        self._seen = ()
        self._timer.stop()
        if document is not None and document.data.path is not None:
            self._seen = _look_at(document.data.path)
            self._timer.start()

    def _refresh(self, document: Document, name: str, replaced: bool) -> None:
        session, steps = document.session, self._workspace.steps
        at_end = steps.wanted(session) == len(document.data.steps()) - 1
        try:
            grown = session.refresh(go_on=False)
        except GraphvizNNError as error:
            self._say(f"{name} cannot be read any further", str(error))
            return
        if replaced:
            document.set_findings(())  # they were about the recording that is gone
        elif grown and session.follow and at_end:
            steps.go_to(session, len(document.data.steps()) - 1)
        document.take_in_findings()
        if replaced:
            self._say(f"{name} was replaced", "The new recording is shown from its last step.")

    def _say(self, title: str, remedy: str) -> None:
        """Once: a file that stays gone is no news."""
        if self._said != title:
            self._said = title
            self._workspace.problem.emit(title, remedy)


def _look_at(path: str) -> _Seen:
    """Device, inode, size and time of the last change of a file and of the log beside it; None where there is none."""
    return tuple(_signature(each) for each in (path, f"{path}-wal"))


def _signature(path: str) -> tuple[int, int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

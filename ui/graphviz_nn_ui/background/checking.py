"""Checks the open run for what is wrong with it, away from the window's thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QObject, QTimer

from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.docks import TAG
from graphviz_nn_ui.workers.jobs import Ticket
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.findings import Finding
    from graphviz_nn.model.steps import RunData
    from graphviz_nn_ui.viewmodels.document import Document

FIRST: Final = 250
"""Milliseconds after which a run is checked that was opened: its picture and its panels come first."""

_OF_RANKS: Final = ("ranks_disagree",)

PAUSE: Final = 3000
"""Milliseconds between two checks of a run that grows."""


class Checking(QObject):
    """Checks a run when it is opened, and again, now and then, as it grows."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._check_in_turn)
        while_alive(self, workspace.document_changed, self._open)

    def check(self) -> None:
        """Begins a check; what it finds is set on the document when it is done."""
        document = self._workspace.document
        if document is not None and document.session.has_step:
            self._workspace.jobs.submit("checks", lambda ticket: _findings(document, ticket), document.set_findings)

    def _check_in_turn(self) -> None:
        if TAG in self._workspace.jobs.tags:
            self._later.start(FIRST)
        else:
            self.check()

    def _open(self, document: Document | None) -> None:
        self._later.stop()
        if document is not None:
            while_alive(self, document.session.run_grew, lambda count: self._grown())
            self._later.start(FIRST)

    def _grown(self) -> None:
        if not self._later.isActive():
            self._later.start(PAUSE)


def _findings(document: Document, ticket: Ticket) -> Sequence[Finding]:
    """In a thread. What was found, each as it was when it began.

    A file is read through a connection of its own: the window goes on reading meanwhile.
    """
    from graphviz_nn.analysis.check import findings
    from graphviz_nn.analysis.since import since
    from graphviz_nn.run import load

    ticket.progress(-1.0, "Checking the run")
    path = document.data.path
    if path is None:
        return since(document.data, findings(document.data), ticket.check)
    with load(path) as run:
        found = since(run.data, findings(run.data), ticket.check)
        return [*found, *_between_ranks(path, run.data)]


def _between_ranks(path: str, data: RunData) -> list[Finding]:
    """What only the files of all ranks together show, at the steps of the rank that is open."""
    from graphviz_nn.analysis.check import findings
    from graphviz_nn.errors import NotRecorded, RunFileError
    from graphviz_nn.run import load
    from graphviz_nn.store.rank_files import ranks_in

    folder = os.path.dirname(path)
    if data.meta.rank is None or len(ranks_in(folder)) < 2:
        return []
    try:
        with load(folder, rank="all") as run:
            infos = run.data.steps()
            return [
                replace(finding, step=position)
                for finding in findings(run.data, _OF_RANKS)
                for position, info in enumerate(data.steps())
                if info.index == infos[finding.step].index
            ]
    except (NotRecorded, RunFileError):
        return []  # one that is open shows its own findings all the same

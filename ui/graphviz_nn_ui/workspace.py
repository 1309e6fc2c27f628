"""What every part of the window is given: the open document, how things look, commands, workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphviz_nn.signal import Signal
from graphviz_nn_ui.viewmodels.commands import Commands
from graphviz_nn_ui.viewmodels.log import LogBook
from graphviz_nn_ui.viewmodels.look import Look
from graphviz_nn_ui.workers.jobs import Jobs
from graphviz_nn_ui.workers.steps import StepReader

if TYPE_CHECKING:
    from graphviz_nn.model.findings import Finding
    from graphviz_nn_ui.viewmodels.document import Document


class Workspace:
    """The state of the window. Panels and the canvas read it and change it; they never meet each other.

    Attributes:
        look: theme and picture options.
        commands: everything that a person can do.
        jobs: the one queue for work away from the window's thread.
        steps: opens another training step of the document, without holding the window up.
        log: what was logged, and what programs that were started here printed.
        document_changed: (document or None) another run was opened, or the run was closed. The former document's
            session tells nothing more.
        message: (text, seconds) something for the status bar; 0 seconds stays until the next.
        problem: (title, what to do) something for a bar above the canvas, that a person can close.
        finding: (finding) the list of findings is asked to show one in full, by `ask_for`.
        reveal: (node id) the canvas is asked to bring a node into view, expanding what contains it.
    """

    def __init__(self, jobs: Jobs | None = None) -> None:
        self.look = Look()
        self.commands = Commands()
        self.jobs = jobs or Jobs()
        self.log = LogBook()
        self.document_changed: Signal[Document | None] = Signal()
        self.message: Signal[str, float] = Signal()
        self.problem: Signal[str, str] = Signal()
        self.finding: Signal[Finding] = Signal()
        self.reveal: Signal[int] = Signal()
        self.steps = StepReader(self.jobs, self.problem.emit)
        self._document: Document | None = None

    @property
    def document(self) -> Document | None:
        return self._document

    def show(self, document: Document | None, *, origin: object = None) -> None:
        """Opens a document in place of the one before, which is closed once no job reads it any more."""
        former, self._document = self._document, document
        if former is not None:
            self.jobs.forget_all()
            self.jobs.after_running(former.close)
        self.document_changed.emit(document, origin=origin)
        self.commands.refresh()

    def ask_for(self, finding: Finding) -> None:
        """Has a finding of the open document shown in full: by the list of findings, or once that is made."""
        if self._document is not None:
            self._document.asked = finding
            self.finding.emit(finding)

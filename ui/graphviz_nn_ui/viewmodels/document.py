"""An open run: the file, the session that walks through it, and what was worked out of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from graphviz_nn.cli.text import plural
from graphviz_nn.errors import RunFileError
from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import RunData
from graphviz_nn.run import Run, load
from graphviz_nn.session import Session
from graphviz_nn.signal import Signal
from graphviz_nn_ui.viewmodels.numbers import number_text


class Document:
    """One run as the window has it open. Everything that is at a place in it follows `session`.

    Attributes:
        run: the run. data: what it is read from.
        session: step, cursor, selection, expansion, breakpoints.
        findings: what the checks found so far, the most severe first.
        asked: the finding that was last asked to be shown in full.
        findings_changed: ().
    """

    def __init__(self, run: Run) -> None:
        """Raises `DamagedRunFile` where none of the run's steps can be read."""
        self.run = run
        self.session = Session(run.data)
        self.findings: Sequence[Finding] = ()
        self.asked: Finding | None = None
        self.findings_changed: Signal[()] = Signal()
        self.take_in_findings()

    @property
    def data(self) -> RunData:
        return self.run.data

    def set_findings(self, findings: Sequence[Finding], *, origin: object = None) -> None:
        """Takes what a worker found."""
        self.findings = tuple(findings)
        self.findings_changed.emit(origin=origin)

    def take_in_findings(self, *, origin: object = None) -> None:
        """Adds what the program that is recorded has told of since: it checks itself where `on_finding` asks for it.

        Where that cannot be read, nothing: whoever checks the run gets the error.
        """
        try:
            told = self.data.findings()
        except RunFileError:
            return
        if told:
            from graphviz_nn.analysis.check import joined

            together = tuple(joined(told, self.findings, self.data))
            if list(map(_identity, together)) != list(map(_identity, self.findings)):
                self.set_findings(together, origin=origin)

    def summary(self) -> str:
        """The run in one line: root module, steps, calls, last loss, error."""
        steps = self.data.steps()
        parts = [plural(len(steps), "recorded step")]
        if self.session.has_step:
            structure, info = self.session.structure, self.session.step.info
            root = structure.modules_by_path.get("")
            parts.insert(0, root.type if root is not None else "a program")
            parts.append(plural(len(structure.nodes), "node"))
            parts += [f"loss {number_text(info.loss)}"] if info.loss is not None else []
            parts += [f"ended by {info.error.type}"] if info.error is not None else []
        return " · ".join(parts)

    def close(self) -> None:
        """Closes the file."""
        self.run.close()


def open_document(path: str | os.PathLike[str]) -> Document:
    """Opens a run file, best in a thread: it works out what every panel looks at first.

    Raises `RunFileError` where that cannot be done; the message says why and what to do.
    """
    with collector_paused():
        run = load(path)
        try:
            document = Document(run)
        except BaseException:
            run.close()
            raise
        if document.session.has_step:
            document.session.step.look_ahead()
        return document


def _identity(finding: Finding) -> tuple[object, ...]:
    """What tells findings apart. Numbers of the evidence may be NaN, which equals nothing."""
    return finding.rule, finding.severity, finding.step, finding.node, finding.module

"""Shows what a rule has found as soon as the checks have found it."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.findings import Finding
    from graphviz_nn_ui.viewmodels.document import Document


class AwaitedFinding(QObject):
    """Waits until the open run has a finding of one of the rules; goes there, once, and has it shown in full.

    `open_list` brings the list of findings to the front.
    """

    def __init__(
        self,
        workspace: Workspace,
        document: Document,
        rules: Set[str],
        open_list: Callable[[], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._document = document
        self._rules = rules
        self._open_list = open_list
        self._disconnect = while_alive(self, document.findings_changed, self._look)
        if document.findings:
            self._look()

    def _look(self) -> None:
        found = next((finding for finding in self._document.findings if finding.rule in self._rules), None)
        if self._workspace.document is not self._document:
            self._disconnect()
        elif found is not None:
            self._disconnect()
            self._show(found)

    def _show(self, finding: Finding) -> None:
        shown = partial(self._show_place, finding)
        self._workspace.steps.go_to(self._document.session, finding.step, then=shown)

    def _show_place(self, finding: Finding) -> None:
        from graphviz_nn_ui.viewmodels.finding_rows import go_to

        go_to(self._document.session, finding)
        self._open_list()
        self._workspace.ask_for(finding)
        if finding.node is not None:
            self._workspace.reveal.emit(finding.node)

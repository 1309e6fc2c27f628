"""The status bar: where the cursor is, what is being worked on, whether the run still grows."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QStatusBar

from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.place import status
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.elided import ElidedLabel
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workspace import Workspace


class StatusLine(QStatusBar):
    """Left the place at the cursor, or a message for a while; right the jobs under way and the run."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._place = ElidedLabel()
        self._place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._place.setAccessibleName("Place at the cursor")
        self._jobs, self._run = QLabel(), ElidedLabel()
        self._jobs.setAccessibleName("Work under way")
        self._run.setAccessibleName("Run")
        self.addWidget(self._place, 1)
        self.addPermanentWidget(self._jobs)
        self.addPermanentWidget(self._run)
        while_alive(self, workspace.jobs.changed, self._show_jobs)
        while_alive(self, workspace.message, self._tell)
        self._following = Following(
            workspace,
            self,
            document=self._show,
            step=lambda position: self._show_place(),
            cursor=lambda before, after: self._show_place(),
            grew=lambda count: self._show(self._workspace.document),
        )

    @property
    def place(self) -> str:
        return self._place.text()

    @property
    def run(self) -> str:
        return self._run.text()

    @property
    def jobs(self) -> str:
        return self._jobs.text()

    def _tell(self, text: str, seconds: float) -> None:
        self.showMessage(text, int(seconds * 1000))

    def _show(self, document: Document | None) -> None:
        self._show_place()
        growing = document is not None and getattr(document.data, "live", False)
        self._run.setText(f"{document.summary()}{' · growing' if growing else ''}" if document is not None else "")

    def _show_place(self) -> None:
        document = self._workspace.document
        self._place.setText(status(document.session) if document is not None else "No run is open")

    def _show_jobs(self, tags: tuple[str, ...]) -> None:
        self._jobs.setText(f"Working: {', '.join(tags)}" if tags else "")

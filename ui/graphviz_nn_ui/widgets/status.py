"""The status bar: where the cursor is, what is being worked on, whether the run still grows."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QLabel, QStatusBar

from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.boundary import Boundary
from graphviz_nn_ui.widgets.elided import ElidedLabel
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.document import Document

_AIR: Final = 60
"""Pixels between the parts of the line, and for the grip at its end."""

_SOON: Final = 100
"""Milliseconds that work takes before anything is said of it: what is done at once would only flicker."""

_LEAST: Final = 80
"""Pixels below which nothing is said of the run."""

_WORTH_SAYING: Final = 0.2
"""Seconds from which on work is told of: what is done sooner, at each step for instance, would only flicker."""


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
        self._begun: dict[str, float] = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setTimerType(Qt.TimerType.PreciseTimer)
        self._later.timeout.connect(self._show_jobs)
        self.addWidget(Boundary(self._place), 1)
        self.addPermanentWidget(self._jobs)
        self.addPermanentWidget(self._run)
        while_alive(self, workspace.jobs.changed, self._note_jobs)
        while_alive(self, workspace.message, self._tell)
        self._following = Following(
            workspace,
            self,
            document=self._show,
            step=lambda position: self._show_place(),
            cursor=lambda before, after: self._show_place(),
            grew=lambda count: self._show(self._workspace.document),
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._fit()

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
        growing = document is not None and getattr(document.data, "live", False)
        self._run.setText(f"{document.summary()}{' · growing' if growing else ''}" if document is not None else "")
        self._show_place()  # which leaves it its room

    def _show_place(self) -> None:
        document = self._workspace.document
        self._place.setText(_place(document) if document is not None else "No run is open")
        self._fit()

    def _note_jobs(self, tags: tuple[str, ...]) -> None:
        self._begun = {tag: self._begun.get(tag, monotonic()) for tag in tags}
        self._show_jobs()

    def _show_jobs(self) -> None:
        latest = monotonic() - _WORTH_SAYING
        lasting = [tag for tag, begun in self._begun.items() if begun <= latest]
        text = f"Working: {', '.join(lasting)}" if lasting else ""
        if text != self._jobs.text():
            self._jobs.setText(text)
            self._fit()
        if len(lasting) < len(self._begun) and not self._later.isActive():
            self._later.start(int(_WORTH_SAYING * 1000) + 1)

    def _fit(self) -> None:
        """The place at the cursor comes first: what is said of the run has the room that it leaves."""
        left = self.width() - self._place.sizeHint().width() - self._jobs.sizeHint().width() - _AIR
        self._run.setVisible(left >= _LEAST)
        # No more than it can use: another width has the whole window arranged anew.
        self._run.setMaximumWidth(min(max(left, _LEAST), max(self._run.sizeHint().width(), _LEAST)))


def _place(document: Document) -> str:
    from graphviz_nn_ui.viewmodels.place import status

    return status(document.session)

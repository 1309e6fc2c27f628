"""The panel: lanes over steps, both following the session."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEvent, QPoint, QTimer
from PyQt6.QtGui import QCursor, QResizeEvent
from PyQt6.QtWidgets import QWIDGETSIZE_MAX, QLayout, QToolTip, QVBoxLayout, QWidget

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.session.cursor import place_at
from graphviz_nn_ui.panels.timeline.lanes import TALLEST, Lanes
from graphviz_nn_ui.panels.timeline.steps import StepsStrip
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.finding_rows import begins_at
from graphviz_nn_ui.viewmodels.place import event_words, step_words
from graphviz_nn_ui.viewmodels.timeline import EventLanes
from graphviz_nn_ui.viewmodels.training_steps import TrainingSteps
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workspace import Workspace


class Timeline(QWidget):
    """Scrubs the cursor, goes to another training step, and shows where both are."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.lanes, self.steps = Lanes(), StepsStrip()
        self._several = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # it may be lower than both need
        column.addWidget(self.lanes, 3)
        column.addWidget(self.steps, 2)
        self.lanes.scrubbed.connect(self._scrub)
        self.lanes.hovered.connect(self._hover_event)
        self.lanes.stepped.connect(lambda move: getattr(self._document.session, move)() if self._has_step() else None)
        self.steps.chosen.connect(self._go_to_step)
        self.steps.hovered.connect(self._hover_step)
        self._following = Following(
            workspace,
            self,
            document=self._show,
            step=self._show_step,
            cursor=lambda before, after: self.lanes.set_cursor(after),
            breakpoints=self._mark,
            grew=lambda count: self._show_steps(),
            findings=self._mark,
        )

    @property
    def _document(self) -> Document:
        assert self._workspace.document is not None
        return self._workspace.document

    def _has_step(self) -> bool:
        document = self._workspace.document
        return document is not None and document.session.has_step

    def _show(self, document: Document | None) -> None:
        self._show_step(-1 if document is None else document.session.position)

    def _show_step(self, position: int) -> None:
        del position
        if self._has_step():
            session = self._document.session
            self.lanes.show_events(EventLanes(session.step.order), session.cursor)
        else:
            self.lanes.show_events(None, -1)
        self._show_steps()
        self._mark()

    def _show_steps(self) -> None:
        """One step alone leaves nothing to choose."""
        document = self._workspace.document
        steps = TrainingSteps(document.data.steps() if document is not None else [])
        self.steps.show_steps(steps, document.session.position if document is not None else -1)
        self._several = len(steps) > 1
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """The lanes have all the room where there is too little for both."""
        parts = (self.lanes, self.steps)
        both = self._several and self.height() >= sum(part.least_height for part in parts)
        for part in parts:
            part.setMinimumHeight(part.least_height if both else 0)
        self.steps.setVisible(both)
        self.lanes.setMaximumHeight(TALLEST if both else QWIDGETSIZE_MAX)

    def _mark(self) -> None:
        if not self._has_step():
            return
        session = self._document.session
        step = session.step
        begun = [
            begins_at(each, step.order, step.states) for each in self._document.findings if each.step == step.position
        ]
        self.lanes.set_marks(step.stops(session.breakpoints), np.unique(np.array(begun, np.intp)), self._problems())

    def _problems(self) -> npt.NDArray[np.intp]:
        """Where the step fails or something is not finite; none, told once the step is shown, where its numbers are
        damaged."""
        try:
            return self._document.session.step.readings.problems
        except DamagedRunFile as error:
            tell = partial(self._workspace.problem.emit, "Some of this step cannot be shown", str(error))
            QTimer.singleShot(0, tell)
            return np.empty(0, np.intp)

    def _scrub(self, seq: int) -> None:
        if self._has_step():
            self._document.session.scrub(seq)

    def _go_to_step(self, position: int) -> None:
        self._workspace.steps.go_to(self._document.session, position)

    def _hover_event(self, seq: int) -> None:
        session = self._document.session
        place = place_at(session.step.order, seq)
        text = f"#{seq} {event_words(session, place)} · {place.phase}" if seq >= 0 else "Before the first event"
        self._tell(f"{text}\n{place.module}" if place.module else text, self.lanes)

    def _hover_step(self, position: int) -> None:
        steps = self._document.data.steps()
        info = steps[position]
        loss = f"\nloss {info.loss:.6g}" if info.loss is not None else ""
        error = f"\n{info.error.type}: {info.error.message}" if info.error is not None else ""
        self._tell(f"{step_words(info, position, len(steps))}{loss}{error}", self.steps)

    def _tell(self, text: str, widget: QWidget) -> None:
        QToolTip.showText(QCursor.pos() + QPoint(12, 16), text, widget)

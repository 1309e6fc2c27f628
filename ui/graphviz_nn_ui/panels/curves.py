"""Curves over training: the loss, and the norms of the selected node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from graphviz_nn.analysis.curves import followed_of, loss_curve, norm_curves
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.series import norms
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curves, ViewData, ViewOptions
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.shown_views import selected_subject
from graphviz_nn_ui.widgets.elided import ElidedLabel
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.plot import Plot
from graphviz_nn_ui.widgets.save_figure import SaveFigureButton
from graphviz_nn_ui.workspace import Workspace

JOB: Final = "norms"
COARSE: Final = 1000
"""Steps that are looked at first where there are more: a curve of every k-th step is there at once."""

_WIDE: Final = 1.6
"""Width over height from which the plots stand side by side."""

_NO_RUN: Final = "Open a run to see its loss and norms over training."
_NO_SELECTION: Final = "Select a node to see its norm and that of its gradient over training."
_NO_STEP: Final = "No step has been recorded yet."


class CurvesPanel(QWidget):
    """The loss, and the norms of the selected node; the cursor is the open step. A click goes to a step."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._document: Document | None = None
        self._norms: Curves | None = None
        self.loss = Plot("Loss over training")
        self.norms = Plot("Norms of the selected node over training")
        self.logarithmic = QCheckBox("Logarithmic loss")
        self.status = ElidedLabel()
        self._loss_page = Emptiable(self.loss)
        self._norms_page = Emptiable(self.norms)
        self.save = SaveFigureButton(workspace, "curves", self._figure)
        self._plots = QSplitter(Qt.Orientation.Vertical)
        self._build()
        self._following = Following(
            workspace,
            self,
            document=self._show_document,
            step=self._move,
            selection=self._ask,
            grew=self._refresh,
            seen_only=True,
        )

    @property
    def sentences(self) -> tuple[str, str]:
        """Why there is no loss, and why no norms; "" where there is."""
        return self._loss_page.sentence, self._norms_page.sentence

    # Making

    def _build(self) -> None:
        self._plots.addWidget(self._loss_page)
        self._plots.addWidget(self._norms_page)
        self.logarithmic.setToolTip("Show the loss on a logarithmic axis")
        self.status.setObjectName("muted")
        self.status.setAccessibleName("Under the pointer")
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 0, 8, 4)
        foot.addWidget(self.status, 1)
        foot.addWidget(self.logarithmic)
        foot.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._plots, 1)
        layout.addLayout(foot)
        self.logarithmic.toggled.connect(self._show_loss)
        for plot in (self.loss, self.norms):
            plot.pointed.connect(self.status.setText)
            plot.chosen.connect(self._go)

    def _figure(self) -> ViewData | None:
        """The norms where there are any, or else the loss."""
        return self._norms or self.loss.curves

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """Puts the plots side by side where the panel is wide."""
        wide = self.width() > _WIDE * self.height()
        orientation = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if orientation != self._plots.orientation():
            self._plots.setOrientation(orientation)
            self._plots.setSizes([self.width(), self.width()])  # equal shares
        super().resizeEvent(event)

    # Following

    def _show_document(self, document: Document | None) -> None:
        self._document = document
        self._refresh()

    def _refresh(self, *_: object) -> None:
        self._show_loss()
        self._ask()

    def _show_loss(self, *_: object) -> None:
        document = self._document
        if document is None or document.session.position < 0:
            self._loss_page.say(_NO_RUN if document is None else _NO_STEP)
            return
        try:
            curves = loss_curve(Subject(document.data, document.session.position), ViewOptions())
        except NotRecorded as error:
            self._loss_page.say(str(error))
            return
        self.loss.show_curves(replace(curves, logarithmic=self.logarithmic.isChecked()))
        self._loss_page.say("")

    def _ask(self, *_: object) -> None:
        """Asks for the norms of what is selected."""
        self._workspace.jobs.forget(JOB)
        document = self._document
        subject = None if document is None else selected_subject(document.session)
        node = None if subject is None else subject.node
        if document is None or subject is None or node is None:
            self._norms = None
            self._norms_page.say(_NO_RUN if document is None else _NO_SELECTION)
            return
        count = len(document.data.steps())
        if count > COARSE:
            every = range(0, count, -(-count // COARSE))
            self._follow(subject, node, every, lambda: self._follow(subject, node, range(count), lambda: None))
        else:
            self._follow(subject, node, range(count), lambda: None)

    def _follow(self, subject: Subject, node: Node, positions: range, then: Callable[[], None]) -> None:
        """Asks for the norms in some of the steps, shows them, and goes on."""
        data, followed = subject.data, followed_of(node, subject.index)

        def done(found: npt.NDArray[np.float64]) -> None:
            self._show_norms(subject, found, positions)
            then()

        self._workspace.jobs.submit(JOB, lambda ticket: norms(data, followed, positions, ticket.check), done)

    def _show_norms(self, subject: Subject, found: npt.NDArray[np.float64], positions: range) -> None:
        try:
            self._norms = norm_curves(subject, found, positions)
        except NotRecorded as error:
            self._norms = None
            self._norms_page.say(str(error))
            return
        self.norms.show_curves(self._norms)
        self._norms_page.say("")
        self._move()

    def _move(self, *_: object) -> None:
        """Moves both cursors to the open step."""
        if self._document is not None and self._document.session.position >= 0:
            here = float(self._document.data.steps()[self._document.session.position].index)
            self.loss.set_cursor(here)
            self.norms.set_cursor(here)

    def _go(self, training_step: float) -> None:
        if self._document is None:
            return
        session = self._document.session
        places = (place for place, info in enumerate(session.data.steps()) if info.index == training_step)
        position = next(places, None)
        if position is not None:
            self._workspace.steps.go_to(session, position, origin=self, then=self._move)

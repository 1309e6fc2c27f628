"""Gradient flow: the gradient of each layer by depth in this step, and over all steps of training."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.views import HeatMap, ViewData, finite_range
from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.gradient_history import GradientHistory, ShownHistory, history_of_step, shown_history
from graphviz_nn_ui.widgets.colour_images import ColourBar
from graphviz_nn_ui.widgets.elided import ElidedLabel
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.heat_map import HeatMapView
from graphviz_nn_ui.widgets.plot import Plot
from graphviz_nn_ui.widgets.save_figure import SaveFigureButton
from graphviz_nn_ui.workspace import Workspace

STEP_JOB: Final = "gradient_flow_step"
RUN_JOB: Final = "gradient_flow_run"
_NO_RUN: Final = "Open a run to see how gradients flow through its layers."
_NO_STEP: Final = "No step has been recorded yet."
_NO_LAYERS: Final = "This step has no layer with a weight: there is no gradient flow to show."


class GradientFlowPanel(QWidget):
    """Two tabs: bars by depth, and a heat map of layers and training steps. A click selects, and goes to the step."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._document: Document | None = None
        self._history: GradientHistory | None = None
        self._step: GradientHistory | None = None
        self._run_map: HeatMap | None = None
        self.bars = Plot("Gradient of each layer in this step")
        self.lines = QCheckBox("Lines")
        self.heat_map = HeatMapView("Gradient of each layer in every step")
        self.colours = ColourBar()
        self.status = ElidedLabel()
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Gradient flow of this step, or over training")
        self._pages = {"This step": Emptiable(self.bars), "Over training": Emptiable(self.heat_map)}
        self.save = SaveFigureButton(workspace, "gradient_flow", self._figure)
        self._build()
        self.bars.chosen.connect(self._choose_layer)
        self.heat_map.chosen.connect(self._choose_cell)
        self._following = Following(
            workspace,
            self,
            document=self._show_document,
            step=self._refresh,
            selection=self._mark,
            grew=self._refresh,
            seen_only=True,
        )

    @property
    def sentences(self) -> tuple[str, str]:
        """Why each of the tabs shows nothing, or "" where it shows something."""
        step, run = self._pages.values()
        return step.sentence, run.sentence

    @property
    def history(self) -> GradientHistory | None:
        """What is known of all steps."""
        return self._history

    # Making

    def _build(self) -> None:
        for title, page in self._pages.items():
            self.tabs.addTab(page, title)
        self.tabs.setDocumentMode(True)
        self.tabs.setCornerWidget(self.save)
        self.status.setObjectName("muted")
        self.status.setAccessibleName("Under the pointer")
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 0, 8, 4)
        foot.addWidget(self.status, 1)
        foot.addWidget(self.lines)
        foot.addWidget(self.colours)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(foot)
        self.colours.hide()
        self.lines.setToolTip("Draw lines instead of bars: for networks of many layers")
        self.lines.toggled.connect(self._refresh)
        self.tabs.currentChanged.connect(self._show_colours)
        self.tabs.currentChanged.connect(lambda place: self.lines.setVisible(place == 0))
        for pointing in (self.bars, self.heat_map):
            pointing.pointed.connect(self.status.setText)

    def _figure(self) -> ViewData | None:
        """What the tab in front shows."""
        return self.bars.curves if self.tabs.currentIndex() == 0 else self._run_map

    # Following

    def _show_document(self, document: Document | None) -> None:
        if document is not self._document:
            self._history = self._step = self._run_map = None
        self._document = document
        self._refresh()

    def _refresh(self, *_: object) -> None:
        """Shows the open step from what is known, or asks for it; and asks for what is missing of the run."""
        document = self._document
        if document is None or document.session.position < 0:
            for page in self._pages.values():
                page.say(_NO_RUN if document is None else _NO_STEP)
            return
        data, position = document.data, document.session.position
        digest = data.steps()[position].structure
        known = next((each for each in (self._history, self._step) if each and each.covers(digest, position)), None)
        if known is not None:
            self._show_step(known)
        else:
            self._workspace.jobs.submit(STEP_JOB, lambda _: history_of_step(data, position), self._take_step)
        former = self._history
        if former is None or former.digest != digest or former.stop != len(data.steps()):
            self._workspace.jobs.submit(
                RUN_JOB, lambda ticket: shown_history(data, digest, former, ticket.check), self._take_run
            )
        elif self._run_map is not None:
            self._mark()

    def _take_step(self, history: GradientHistory) -> None:
        self._step = history
        self._show_step(history)

    def _take_run(self, found: ShownHistory) -> None:
        self._history, self._run_map = found.history, found.shown
        page = self._pages["Over training"]
        if found.shown is None:
            page.say(found.error if found.history.layers else _NO_LAYERS)
            return
        self.heat_map.show_map(found.shown, found.indices)
        page.say("")
        self._show_colours()
        self._mark()

    def _show_colours(self, *_: object) -> None:
        """Says what the colours of the tab in front mean."""
        shown = self._run_map if self.tabs.currentIndex() == 1 else None
        self.colours.setVisible(shown is not None)
        if shown is not None:
            low, high = finite_range(shown.values[shown.values > 0])
            self.colours.show_range(shown.colours, low, high, {})
            self.colours.setToolTip(f"{shown.quantity}, on a logarithmic scale: {self.colours.text}")

    def _show_step(self, history: GradientHistory) -> None:
        document = self._document
        page = self._pages["This step"]
        if document is None or not history.covers(_digest(document), document.session.position):
            return
        try:
            curves = history.curves(document.data, document.session.position)
            self.bars.show_curves(replace(curves, bars=not self.lines.isChecked()))
        except NotRecorded as error:
            page.say(str(error) if history.layers else _NO_LAYERS)
            return
        page.say("")
        self._mark()

    def _mark(self, *_: object) -> None:
        """Marks the selected layer, and the open step."""
        document, history = self._document, self._history or self._step
        if document is None or history is None:
            return
        session = document.session
        row = history.layer_of(session.selection, session.structure)
        self.bars.set_cursor(float(row) if row >= 0 else None)
        self.heat_map.set_cursor(row, session.position)

    # Choosing

    def _choose_layer(self, place: float) -> None:
        history = self._history or self._step
        if history is not None:
            self._select(history, int(place))
            self._mark()

    def _choose_cell(self, row: int, column: int) -> None:
        if self._document is None or self._history is None:
            return
        history = self._history
        session, history = self._document.session, self._history
        self._workspace.steps.go_to(session, column, then=lambda: self._select(history, row))

    def _select(self, history: GradientHistory, row: int) -> None:
        """Selects the first call of a layer, by name: the open step may have another structure."""
        if self._document is None:
            return
        session = self._document.session
        name = history.layers[row].outputs.values[0][0]
        node = session.structure.by_name.get(name)
        if node is not None:
            session.select(NodeSelection(node.id), origin=self)


def _digest(document: Document) -> str:
    return document.data.steps()[document.session.position].structure

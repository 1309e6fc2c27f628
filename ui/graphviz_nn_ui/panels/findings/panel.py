"""The list of findings beside what is known of the one that is chosen."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn_ui.panels.findings.detail import FindingDetail
from graphviz_nn_ui.panels.findings.model import CAUSE, FindingModel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.finding_course import Course, course
from graphviz_nn_ui.viewmodels.finding_rows import SIGNS, count_text, go_to, histogram_of, where_text, worst_first
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.theme import theme_of
from graphviz_nn_ui.workspace import Workspace

_COURSE = "findings course"
_DETAIL_CHARACTERS = 52
_BETWEEN_SWITCHES = 16
_MEASURED_ROWS = 30
"""Rows that columns are made to fit: a thousand findings must not be measured."""


class FindingsPanel(QWidget):
    """A click on a finding goes to the step and the event where its trouble begins, and selects what is at fault."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._chosen: Finding | None = None
        self._drawn: Finding | None = None
        self._model = FindingModel(lambda: theme_of(self), self)
        self._view = self._make_view()
        self._detail = FindingDetail()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.addWidget(self._view)
        self._splitter.addWidget(self._detail)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([900, 1100])
        self._detail.setMinimumWidth(self.fontMetrics().averageCharWidth() * _DETAIL_CHARACTERS)
        self._splitter.setChildrenCollapsible(False)
        self._detail.hide()
        self._empty = Emptiable(self._splitter)
        self._count = QLabel()
        self._count.setAccessibleName("How many findings")
        self._severities = {severity: self._switch(severity) for severity in reversed(SEVERITIES)}
        self._lay_out()
        self._following = Following(workspace, self, document=self._open, findings=self._fill)
        while_alive(self, workspace.finding, self.show_finding)

    # Building

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setAccessibleName("Findings")
        view.setModel(self._model)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setTabKeyNavigation(False)
        rows, columns, selection = view.verticalHeader(), view.horizontalHeader(), view.selectionModel()
        assert rows is not None
        assert columns is not None
        assert selection is not None
        rows.hide()
        rows.setDefaultSectionSize(view.fontMetrics().height() + 8)
        columns.setHighlightSections(False)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setResizeContentsPrecision(_MEASURED_ROWS)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(CAUSE, QHeaderView.ResizeMode.Stretch)
        selection.currentRowChanged.connect(self._choose)
        view.clicked.connect(self._go)
        view.activated.connect(self._go)
        return view

    def _switch(self, severity: str) -> QCheckBox:
        box = QCheckBox(f"{SIGNS[severity]} {severity}")
        box.setChecked(True)
        box.setToolTip(f"Show findings of severity {severity}")
        box.toggled.connect(self._fill)
        return box

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 4)
        bar.setSpacing(_BETWEEN_SWITCHES)
        bar.addWidget(self._count)
        bar.addStretch(1)
        for box in self._severities.values():
            bar.addWidget(box)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self._empty)

    # What the document tells

    def _open(self, document: Document | None) -> None:
        self._chosen = None
        self._detail.hide()
        self._fill()
        if document is not None and document.asked is not None:
            self.show_finding(document.asked)

    def _fill(self) -> None:
        document = self._workspace.document
        if document is None:
            self._model.show((), None)
            self._count.clear()
            self.setWindowTitle("Findings")
            self._empty.say("No run is open.")
            return
        found = document.findings
        wanted = [severity for severity, box in self._severities.items() if box.isChecked()]
        shown = worst_first(found, wanted)
        self._model.show(shown, document.data)
        self._count.setText(count_text(found))
        self.setWindowTitle(f"Findings ({len(found)})" if found else "Findings")
        self._empty.say("" if shown else _why_none(document, hidden=len(found)))
        row = None if self._chosen is None else self._model.row_of(self._chosen)
        if row is None:
            self._chosen = None
            self._detail.hide()
        else:
            self._view.selectRow(row)

    def show_finding(self, finding: Finding) -> None:
        """Shows one of the list in full."""
        document = self._workspace.document
        if document is None or finding not in document.findings:
            return
        self._severities[finding.severity].setChecked(True)
        if self._model.row_of(finding) is None:
            self._fill()  # somebody else was told of it first
        row = self._model.row_of(finding)
        if row is not None:
            self._view.selectRow(row)
            if document.session.position == finding.step:
                self._draw_histogram(document, finding)

    # What a person does

    def _choose(self, current: QModelIndex) -> None:
        """Shows a finding in detail."""
        document = self._workspace.document
        if document is None or not current.isValid():
            return
        finding = self._model.findings[current.row()]
        if finding == self._chosen:
            return
        self._chosen, self._drawn = finding, None
        self._detail.show_finding(finding, where_text(finding, document.data))
        self._detail.show()
        self._draw_course(document, finding)

    def _go(self, index: QModelIndex) -> None:
        document = self._workspace.document
        if document is None or not index.isValid():
            return
        finding = self._model.findings[index.row()]
        shown = partial(self._show_place, document, finding)
        self._workspace.steps.go_to(document.session, finding.step, then=shown)

    def _show_place(self, document: Document, finding: Finding) -> None:
        """Shows where it is, in its step."""
        go_to(document.session, finding)
        self._draw_histogram(document, finding)
        if finding.node is not None:
            self._workspace.reveal.emit(finding.node)

    def _draw_histogram(self, document: Document, finding: Finding) -> None:
        """Draws what is at fault, once the finding's step is open."""
        if self._drawn is finding:
            return
        self._drawn = finding
        found = histogram_of(finding, StepNumbers(document.data, document.session.step))
        if found is not None:
            self._detail.add_histogram(*found)

    def _draw_course(self, document: Document, finding: Finding) -> None:
        """Draws what the recorded steps show of it, once a worker has read them."""
        data = document.data

        def add(found: Course) -> None:
            if self._chosen is finding:
                for curves in found.telling:
                    self._detail.add_plot(curves)
                for curves in found.norms:
                    self._detail.add_plot(curves, telling=False)

        self._workspace.jobs.submit(_COURSE, lambda ticket: course(data, finding, ticket.check), add)


def _why_none(document: Document, hidden: int) -> str:
    """Why the list is empty."""
    if hidden:
        return f"{hidden} findings are hidden: switch their severity on above."
    if document.data.meta.keep == "none":
        return "No findings. The run holds no statistics, which most rules need: record with keep='stats'."
    return "No findings: the checks found nothing wrong in the last recorded steps."

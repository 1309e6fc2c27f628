"""The list of events: follows the cursor and the selection, and moves both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PyQt6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QRect, Qt, QTimer
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from graphviz_nn.session import EdgeSelection, NodeSelection, Selection, ValueSelection
from graphviz_nn_ui.panels.events.model import KIND, MODULE, NUMBER, TIME, WHAT, EventModel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.event_rows import KIND_FILTERS, PHASE_FILTERS, EventRows
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.widgets.columns import FittedColumns
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.flow import Flow
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.solid import SolidTable
from graphviz_nn_ui.widgets.theme import theme_of
from graphviz_nn_ui.workspace import Workspace

_WIDTHS: Final = {NUMBER: "▶ 0", KIND: "↻ update", WHAT: "conv2d", TIME: "00,000"}
"""Texts as wide as the columns; the module takes what is left."""

_LEAST: Final = "…conv1"
"""The end of a path for which there must be room."""

_LOOKED_AT: Final = 300
"""Events whose words say how wide their column is."""

_AIR: Final = 8
"""Pixels of a cell that its text leaves free."""

_WIDEST: Final = 14
"""Letters of a word from which it is cut rather than its column made wider."""


class EventsPanel(QWidget):
    """A click selects what an event is about; a double click, or Return, moves the cursor to it."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._theme = theme_of(self)
        self._kinds = _choice(KIND_FILTERS, "Which events are listed")
        self._phase = _choice(PHASE_FILTERS, "Events of which phase are listed")
        self._kinds.currentTextChanged.connect(self._fill)
        self._phase.currentTextChanged.connect(self._fill)
        self._follow = QCheckBox("Follow")
        self._follow.setChecked(True)
        self._follow.setToolTip("Keep the cursor's event in view while stepping")
        self._follow.toggled.connect(self._show_cursor)
        self._model = EventModel(lambda: self._theme, self)
        self._view = self._make_view()
        self._empty = Emptiable(self._view)
        self._lay_out()
        self._numbers: StepNumbers | None = None
        self._told = False  # while the session's selection is taken over
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.timeout.connect(self._show_cursor)
        self._following = Following(
            workspace,
            self,
            document=self._open,
            step=lambda position: self._show_step(),
            cursor=self._move_cursor,
            selection=self._show_selection,
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """The cursor's row may have been left outside; the list is laid out after this panel."""
        super().resizeEvent(event)
        self._columns.fit(self.width())
        self._settled.start(0)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        kind = None if event is None else event.type()
        if kind == QEvent.Type.FontChange:
            self._size_rows()
        elif kind == QEvent.Type.PaletteChange:
            self._theme = theme_of(self)
        super().changeEvent(event)

    # Building

    def _make_view(self) -> QTableView:
        view = SolidTable()
        view.setAccessibleName("Events in order of execution")
        view.setModel(self._model)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setTabKeyNavigation(False)
        view.activated.connect(self._move)
        rows, columns, selection = view.verticalHeader(), view.horizontalHeader(), view.selectionModel()
        assert rows is not None
        assert columns is not None
        assert selection is not None
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setHighlightSections(False)
        view.setItemDelegateForColumn(MODULE, _EndOfPath(view))
        self._columns = FittedColumns(view, columns, _WIDTHS, (MODULE,), _LEAST, (TIME, MODULE))
        selection.currentChanged.connect(self._select)
        return view

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Flow(self._kinds, self._phase, self._follow))
        column.addWidget(self._empty)
        self._size_rows()

    def _size_rows(self) -> None:
        rows = self._view.verticalHeader()
        if rows is not None:
            rows.setDefaultSectionSize(self.fontMetrics().height() + 5)
            self._columns.fit()

    # What the session tells

    def _open(self, document: Document | None) -> None:
        self._numbers = None
        if document is None or not document.session.has_step:
            self._model.show(None)
            self._empty.say("No run is open." if document is None else "The run has no recorded step yet.")
            return
        self._show_step()
        self._show_selection(document.session.selection)

    def _show_step(self) -> None:
        document = self._workspace.document
        if document is not None and document.session.has_step:
            self._numbers = StepNumbers(document.data, document.session.step)
            self._fill()

    def _fill(self) -> None:
        if self._numbers is None:
            return
        rows = EventRows(self._numbers, self._kinds.currentText(), self._phase.currentText())
        self._model.show(rows)
        if len(rows):
            self._empty.say("")
        elif rows.whole:
            self._empty.say("Nothing happened in this step.")
        else:
            self._empty.say("No event of this step is of that kind. Choose “All events” and “All phases” to see all.")
        words = (rows[row].what for row in range(min(len(rows), _LOOKED_AT)))
        self._columns.set_width(NUMBER, f"▶ {rows.last}")
        self._columns.set_width(WHAT, max(words, key=len, default="")[:_WIDEST])
        self._show_cursor()

    def _show_cursor(self) -> None:
        document = self._workspace.document
        if document is None:
            return
        row = self._model.set_cursor(document.session.cursor)
        if self._follow.isChecked():
            self._bring_into_view(max(row, 0))
        self._repaint(0, len(self._model.rows or ()) - 1)

    def _move_cursor(self, before: int, after: int) -> None:
        """Repaints the rows whose look depends on it: those between the two places."""
        rows = self._model.rows
        if rows is None:
            return
        former, row = rows.row_at(before), self._model.set_cursor(after)
        if self._follow.isChecked():
            self._bring_into_view(max(row, 0))
        self._repaint(max(min(former, row), 0), max(former, row))

    def _show_selection(self, selection: Selection | None) -> None:
        document, rows = self._workspace.document, self._model.rows
        if document is None or rows is None:
            return
        match selection:
            case NodeSelection(node) | ValueSelection(node) | EdgeSelection(target=node):
                row = rows.row_of_node(node, document.session.cursor)
            case _:
                row = -1
        chosen = self._view.selectionModel()
        if chosen is None:
            return
        flags = QItemSelectionModel.SelectionFlag
        self._told = True
        chosen.setCurrentIndex(self._model.index(row, 0), flags.ClearAndSelect | flags.Rows)
        self._told = False
        self._bring_into_view(row)

    # What a person does

    def _select(self, current: QModelIndex) -> None:
        document, rows = self._workspace.document, self._model.rows
        if document is None or rows is None or not current.isValid() or self._told:
            return
        selection = rows.selection(current.row())
        if selection is not None:
            document.session.select(selection, origin=self)

    def _move(self, index: QModelIndex) -> None:
        document, rows = self._workspace.document, self._model.rows
        if document is not None and rows is not None and index.isValid():
            document.session.scrub(int(rows.shown[index.row()]))

    # Inside

    def _bring_into_view(self, row: int) -> None:
        """Moves a row that is out of sight to the middle: what comes next is in sight too, and the list stands still
        for the steps that follow."""
        index, viewport = self._model.index(row, 0), self._view.viewport()
        if not index.isValid() or viewport is None:
            return
        place = self._view.visualRect(index)
        if place.top() < 0 or place.bottom() >= viewport.height():
            self._view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def _repaint(self, first: int, last: int) -> None:
        viewport = self._view.viewport()
        if viewport is None or last < 0:
            return
        top = self._view.rowViewportPosition(first)
        bottom = self._view.rowViewportPosition(last) + self._view.rowHeight(last)
        viewport.update(QRect(0, top, viewport.width(), bottom - top).intersected(viewport.rect()))


class _EndOfPath(QStyledItemDelegate):
    """Shows as many whole names from the end of a path as there is room for: "…0.conv1"."""

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:  # noqa: N802
        super().initStyleOption(option, index)
        if option is None:
            return
        option.textElideMode = Qt.TextElideMode.ElideLeft
        path, room = option.text or "", option.rect.width() - _AIR
        while option.fontMetrics.horizontalAdvance(path) > room and "." in path:
            path = "…" + path.lstrip("…").partition(".")[2]
        option.text = path


def _choice(options: Iterable[str], name: str) -> QComboBox:
    box = QComboBox()
    box.addItems(list(options))
    box.setAccessibleName(name)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return box

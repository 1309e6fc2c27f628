"""Breakpoints: a list to enable, change and remove them, and a form to set one."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.session import Breakpoint
from graphviz_nn_ui.viewmodels.breakpoint_rows import hits_text, hits_tip, pattern_said
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.widgets.breakpoint_form import BreakpointForm
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.scrolled import Scrolled
from graphviz_nn_ui.workspace import Workspace

_ID = Qt.ItemDataRole.UserRole
_WHERE, _WHEN, _HITS = range(3)
_AIR = 8
"""Pixels of a row above and below its text."""

_LEAST_LIST = 64
"""Height below which the list does not shrink, in pixels: the panel scrolls."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class BreakpointsPanel(QWidget):
    """The session's breakpoints. A row that is selected can be changed in the form below."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.list = _List(self._remove)
        self.list.setMinimumHeight(_LEAST_LIST)
        self._shown = Emptiable(self.list)
        self.form = BreakpointForm()
        self._add, self._change, self._delete = QPushButton("Add"), QPushButton("Change"), QPushButton("Remove")
        self._error = QLabel()
        self._error.setObjectName("error")
        self._error.setWordWrap(True)
        self._error.setAccessibleName("What is wrong with the form")
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button, work in ((self._add, self._set), (self._change, self._edit), (self._delete, self._remove)):
            button.clicked.connect(lambda checked, work=work: work())
            buttons.addWidget(button)
        buttons.addStretch(1)
        below = QVBoxLayout()
        below.setContentsMargins(8, 8, 8, 8)
        below.setSpacing(8)
        below.addWidget(self.form)
        below.addWidget(self._error)
        below.addLayout(buttons)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._shown, 1)
        column.addLayout(below)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Scrolled(content))
        self._error.hide()
        self.list.itemChanged.connect(self._switch)
        self.list.itemSelectionChanged.connect(self._load)
        self._following = Following(
            workspace, self, document=self._show, step=lambda position: self._fill(), breakpoints=self._fill
        )

    def _show(self, document: Document | None) -> None:
        self.setEnabled(document is not None)
        self._fill()

    def _fill(self) -> None:
        document = self._workspace.document
        breakpoints = list(document.session.breakpoints) if document is not None else []
        step = document.session.step if document is not None and document.session.has_step else None
        chosen = self._chosen()
        self.list.blockSignals(True)
        self.list.clear()
        for each in breakpoints:
            item = _row(each, hits_text(step, each), hits_tip(step, each), self.fontMetrics().height() + _AIR)
            self.list.addTopLevelItem(item)
            if each.id == chosen:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self._shown.say("" if breakpoints else "No breakpoints. Select a node and press F9, or set one here.")
        self._load()

    def _chosen(self) -> int | None:
        items = self.list.selectedItems()
        return items[0].data(0, _ID) if items else None

    def _load(self) -> None:
        number, document = self._chosen(), self._workspace.document
        for button in (self._change, self._delete):
            button.setEnabled(number is not None)
        self._error.hide()
        if number is not None and document is not None:
            self.form.show_breakpoint(document.session.breakpoints[number])

    def _switch(self, item: QTreeWidgetItem, column: int) -> None:
        document = self._workspace.document
        if column == _WHERE and document is not None:
            enabled = item.checkState(_WHERE) == Qt.CheckState.Checked
            # Not told to this panel: it must not make its rows anew while Qt still edits one of them.
            document.session.breakpoints.enable(item.data(_WHERE, _ID), enabled, origin=self)

    def _set(self) -> None:
        document = self._workspace.document
        if document is not None:
            self._try(lambda: document.session.breakpoints.add(*self.form.typed()))

    def _edit(self) -> None:
        document, number = self._workspace.document, self._chosen()
        if document is None or number is None:
            return

        def change() -> object:
            on, pattern, when = self.form.typed()
            return document.session.breakpoints.edit(number, on=on, pattern=pattern, condition=when)

        self._try(change)

    def _remove(self) -> None:
        document, number = self._workspace.document, self._chosen()
        if document is not None and number is not None:
            row = self.list.indexOfTopLevelItem(self.list.selectedItems()[0])
            document.session.breakpoints.remove(number)
            self.list.setCurrentItem(self.list.topLevelItem(min(row, self.list.topLevelItemCount() - 1)))

    def _try(self, work: Callable[[], object]) -> None:
        """What cannot be is said below the form."""
        try:
            work()
        except GraphvizNNError as error:
            self._error.setText(str(error))
            self._error.show()
        else:
            self._error.hide()


class _List(QTreeWidget):
    def __init__(self, remove: Callable[[], object]) -> None:
        super().__init__()
        self._remove = remove
        self.setAccessibleName("Breakpoints")
        self.setHeaderLabels(["Stops at", "When", "Hits"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        header, heading = self.header(), self.headerItem()
        assert header is not None
        assert heading is not None
        heading.setTextAlignment(_HITS, _RIGHT)
        heading.setToolTip(_HITS, "How often it stops in the open step")
        header.setStretchLastSection(False)
        for column in (_WHERE, _WHEN):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_HITS, QHeaderView.ResizeMode.ResizeToContents)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove()
        else:
            super().keyPressEvent(event)


def _row(each: Breakpoint, hits: str, tip: str, height: int) -> QTreeWidgetItem:
    where = f"{each.on} {pattern_said(each.on, each.pattern)}".strip()
    when = str(each.condition) if each.condition is not None else ""
    item = QTreeWidgetItem([where, when, hits])
    item.setData(_WHERE, _ID, each.id)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(_WHERE, Qt.CheckState.Checked if each.enabled else Qt.CheckState.Unchecked)
    item.setTextAlignment(_HITS, _RIGHT)
    item.setSizeHint(_WHERE, QSize(0, height))
    for column, text in enumerate((where, when, tip)):
        item.setToolTip(column, text)
    return item

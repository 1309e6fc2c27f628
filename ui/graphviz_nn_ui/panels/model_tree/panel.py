"""The tree of modules beside the canvas."""

from __future__ import annotations

import itertools
from typing import Final

from PyQt6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QLineEdit, QMenu, QTreeView, QVBoxLayout, QWidget

from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Selection, ValueSelection
from graphviz_nn_ui.panels.model_tree.menu import module_menu
from graphviz_nn_ui.panels.model_tree.model import CALLS, CLASS, GRADIENT, MODULE, PARAMETERS, ModuleModel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.module_rows import (
    ModuleOverview,
    ModuleRow,
    Modules,
    ModuleTree,
    worst_findings,
)
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.widgets.columns import MARGIN, FittedColumns
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.heat_cell import HeatCell
from graphviz_nn_ui.widgets.solid import SolidTree
from graphviz_nn_ui.widgets.theme import theme_of
from graphviz_nn_ui.workspace import Workspace

_WIDTHS: Final = {GRADIENT: "0.0e-00", PARAMETERS: "Params", CALLS: "Calls", CLASS: "ConvTranspose2d"}
"""Texts as wide as the columns; the module takes what is left."""

_LEAST: Final = 100
"""Pixels that a name has at least."""

_LOOKED_AT: Final = 500
"""Modules whose names say how much room names need."""

_INDENTATION: Final = 12
_OPEN_AT_FIRST: Final = 200
"""Rows up to which the whole tree is open when a run is opened."""

_AT_ONCE: Final = 1000
"""Modules up to which no worker is needed to sort them, and rows up to which a root is opened by itself."""

_MODULES: Final = "model tree"


class ModelTreePanel(QWidget):
    """Follows the session's selection, and drives it."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._theme = theme_of(self)
        self._filter = QLineEdit()
        self._filter.setClearButtonEnabled(True)
        self._filter.setPlaceholderText("Filter by path or class")
        self._filter.setAccessibleName("Filter modules")
        self._filter.textChanged.connect(self._narrow)
        self._model = ModuleModel(lambda: self._theme, self)
        self._view = self._make_view()
        self._empty = Emptiable(self._view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._filter)
        column.addWidget(self._empty)
        self._modules: Modules | None = None
        self._overview: ModuleOverview | None = None
        self._told = False  # while the session's selection is taken over
        self._following = Following(
            workspace,
            self,
            document=self._open,
            step=lambda position: self._show_step(),
            cursor=lambda before, after: self._show_cursor(),
            selection=self._show_selection,
            findings=self._show_findings,
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._columns.fit(self.width())

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        kind = None if event is None else event.type()
        if kind == QEvent.Type.FontChange:
            self._columns.set_least(self._widest())
            self._columns.fit()
        elif kind == QEvent.Type.PaletteChange:
            self._theme = theme_of(self)
        super().changeEvent(event)

    def _make_view(self) -> QTreeView:
        view = SolidTree()
        view.setUniformRowHeights(True)
        view.setAllColumnsShowFocus(True)
        view.setAccessibleName("Modules of the model")
        view.setModel(self._model)
        view.setItemDelegateForColumn(GRADIENT, HeatCell(view))
        view.setTextElideMode(Qt.TextElideMode.ElideRight)
        view.setIndentation(_INDENTATION)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._open_menu)
        header = view.header()
        assert header is not None
        self._columns = FittedColumns(view, header, _WIDTHS, (MODULE,), _LEAST, (CLASS, CALLS, PARAMETERS))
        selection = view.selectionModel()
        assert selection is not None
        selection.currentChanged.connect(self._select)
        return view

    # What the session tells

    def _open(self, document: Document | None) -> None:
        self._overview = self._modules = None
        self._model.show(ModuleTree(()))
        if document is None:
            self._workspace.jobs.forget(_MODULES)
            self._empty.say("No run is open. Open one to see its modules.")
        elif not document.session.has_step:
            self._empty.say("The run has no recorded step yet.")
        else:
            self._show_step()

    def _show_step(self) -> None:
        document = self._workspace.document
        if document is None or not document.session.has_step:
            return
        structure = document.session.structure
        if self._modules is not None and self._modules.structure is structure:
            self._overview = ModuleOverview(self._modules, StepNumbers(document.data, document.session.step))
            self._show_cursor()
        elif len(structure.modules) <= _AT_ONCE:
            self._take(Modules(structure))
        else:
            self._empty.say("Sorting the modules …")
            self._workspace.jobs.submit(_MODULES, lambda ticket: Modules(structure), self._take)

    def _take(self, modules: Modules) -> None:
        """Shows the modules of another structure."""
        document = self._workspace.document
        if document is None or document.session.structure is not modules.structure:
            return
        self._modules = modules
        self._overview = ModuleOverview(modules, StepNumbers(document.data, document.session.step))
        self._narrow(self._filter.text())
        self._columns.set_least(self._widest())
        empty = "This step called no module: the program works on tensors and functions alone."
        self._empty.say("" if len(modules.tree) else empty)
        self._show_cursor()
        self._show_findings()
        self._show_selection(document.session.selection)

    def _show_cursor(self) -> None:
        document = self._workspace.document
        if document is not None and self._overview is not None:
            changed = self._model.set_norms(self._overview.norms_at(document.session.cursor))
            if changed:
                self._repaint()

    def _show_findings(self) -> None:
        document = self._workspace.document
        if document is not None and self._overview is not None:
            self._model.set_findings(worst_findings(document.findings, self._overview.tree))
            self._repaint()

    def _show_selection(self, selection: Selection | None) -> None:
        path = self._path_of(selection)
        row = None if path is None else self._model.tree.at_or_around(path)
        index = QModelIndex() if row is None else self._model.index_of(row)
        chosen = self._view.selectionModel()
        if chosen is None or index == chosen.currentIndex().siblingAtColumn(MODULE):
            return
        flags = QItemSelectionModel.SelectionFlag
        self._told = True
        chosen.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self._told = False
        if index.isValid():
            self._view.scrollTo(index)

    def _path_of(self, selection: Selection | None) -> str | None:
        document = self._workspace.document
        if document is None or selection is None:
            return None
        nodes = document.session.structure.nodes
        match selection:
            case ModuleSelection(path):
                return path
            case NodeSelection(node) | ValueSelection(node):
                return nodes[node].module
            case EdgeSelection(target=node):
                return nodes[node].module

    # What a person does

    def _narrow(self, text: str) -> None:
        if self._overview is None:
            return
        tree = self._overview.tree.matching(text)
        self._model.show(tree)
        if len(tree) <= _OPEN_AT_FIRST:
            self._view.expandAll()
        elif all(len(root.children) <= _AT_ONCE for root in tree.roots):
            self._view.expandToDepth(0)

    def _select(self, current: QModelIndex) -> None:
        document, row = self._workspace.document, self._model.row_of(current)
        if document is not None and row is not None and not self._told:
            document.session.select(ModuleSelection(row.path), origin=self)

    def _open_menu(self, point: QPoint) -> None:
        row = self._model.row_of(self._view.indexAt(point))
        viewport = self._view.viewport()
        if row is not None and viewport is not None:
            self.menu_of(row).exec(viewport.mapToGlobal(point))

    def menu_of(self, row: ModuleRow) -> QMenu:
        """Returns what can be done with a module."""
        return module_menu(self, self._workspace, row)

    def _widest(self) -> int:
        """Pixels that the names need, indented as they are."""
        metrics = self._view.fontMetrics()
        rows = itertools.islice(self._model.tree, _LOOKED_AT)
        names = (len(list(row.upwards())) * _INDENTATION + metrics.horizontalAdvance(row.name) for row in rows)
        return max(names, default=0) + MARGIN

    def _repaint(self) -> None:
        viewport = self._view.viewport()
        if viewport is not None:
            viewport.update()

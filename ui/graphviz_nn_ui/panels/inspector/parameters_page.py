"""The parameters that a module holds: their norms, gradients and updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.viewmodels.module_details import ParameterLine
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.theme import theme_of

_COLUMNS: Final = {
    "parameter": "Its first name; others after ≡ where it is tied",
    "‖w‖": "L2 norm of the parameter before the update",
    "pass 0": "L2 norm of the gradient that the first backward pass contributed",
    ".grad": "L2 norm of the accumulated gradient, which the optimizer reads",
    "Δ ÷ w": "Norm of the update over that of the parameter; about 1e-3 is usual",
    "shape": "Shape, and type where it is not float32",
}


class ParametersPage(Emptiable):
    """One row a parameter; a click selects it."""

    def __init__(self, select: Callable[[int], object]) -> None:
        self._table = QTableWidget(0, len(_COLUMNS))
        super().__init__(self._table)
        self._select = select
        self._shown: tuple[ParameterLine, ...] = ()
        table = self._table
        table.setAccessibleName("Parameters")
        for column, (title, tip) in enumerate(_COLUMNS.items()):
            header = QTableWidgetItem(title)
            header.setToolTip(tip)
            table.setHorizontalHeaderItem(column, header)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.itemActivated.connect(self._follow)
        rows, columns = table.verticalHeader(), table.horizontalHeader()
        assert rows is not None
        assert columns is not None
        rows.hide()
        rows.setDefaultSectionSize(table.fontMetrics().height() + 6)
        columns.setHighlightSections(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def show_inspection(self, inspection: Inspection) -> None:
        """Shows the parameters; the same ones again change nothing."""
        self.say("" if inspection.parameters else "No parameter is read here.")
        if inspection.parameters == self._shown:
            return
        self._shown = inspection.parameters
        self._table.setRowCount(len(self._shown))
        for row, line in enumerate(self._shown):
            self._fill(row, line)

    def _fill(self, row: int, line: ParameterLine) -> None:
        name = " ≡ ".join((line.name, *line.tied))
        texts = (name, line.norm, line.contribution, line.gradient, line.ratio, line.shape)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(f"{name}\nDouble-click to select it")
            item.setData(Qt.ItemDataRole.UserRole, line.node)
            if 0 < column < len(texts) - 1:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if text.startswith("✖"):
                item.setForeground(theme_of(self).error)
            self._table.setItem(row, column, item)

    def _follow(self, item: QTableWidgetItem) -> None:
        self._select(int(item.data(Qt.ItemDataRole.UserRole)))

"""The parameters that a module holds: their norms, gradients and updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QEvent, QModelIndex, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QAbstractItemView

from graphviz_nn_ui.panels.inspector.parameter_model import (
    CONTRIBUTION,
    GRADIENT,
    NAME,
    NORM,
    RATIO,
    SHAPE,
    ParameterModel,
)
from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.widgets.columns import FittedColumns
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.solid import SolidTable
from graphviz_nn_ui.widgets.theme import theme_of

_NUMBER: Final = "8.88e-88"
_WIDTHS: Final = {NORM: _NUMBER, CONTRIBUTION: _NUMBER, GRADIENT: _NUMBER, RATIO: "0.00088", SHAPE: "256×256×3×3"}
"""Texts as wide as the columns; the name takes what is left."""

_LEAST: Final = "…attn.c_attn.weight"


class ParametersPage(Emptiable):
    """One row a parameter; a double click selects it."""

    def __init__(self, select: Callable[[int], object]) -> None:
        self._table = SolidTable()
        super().__init__(self._table)
        self._select = select
        table = self._table
        self._model = ParameterModel(lambda: theme_of(self), self)
        table.setModel(self._model)
        table.setAccessibleName("Parameters")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideLeft)
        table.setTabKeyNavigation(False)
        table.activated.connect(self._follow)
        rows, columns = table.verticalHeader(), table.horizontalHeader()
        assert rows is not None
        assert columns is not None
        self._rows = rows
        rows.hide()
        columns.setHighlightSections(False)
        self._columns = FittedColumns(table, columns, _WIDTHS, (NAME,), _LEAST, (SHAPE, CONTRIBUTION, RATIO, NORM))
        self._fit_rows()

    def show_inspection(self, inspection: Inspection) -> None:
        self.say("" if inspection.parameters else "No parameter is read here.")
        self._model.show(inspection.parameters)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._columns.fit(self.width())

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._columns.fit()
            self._fit_rows()

    def _fit_rows(self) -> None:
        self._rows.setDefaultSectionSize(self._table.fontMetrics().height() + 6)

    def _follow(self, index: QModelIndex) -> None:
        self._select(self._model.node(index.row()))

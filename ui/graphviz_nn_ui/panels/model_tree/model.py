"""The modules as Qt's trees ask for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from PyQt6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt

from graphviz_nn.model.findings import Finding
from graphviz_nn.scene.overlay import scientific
from graphviz_nn.scene.words import count_text
from graphviz_nn_ui.viewmodels.finding_rows import SIGNS
from graphviz_nn_ui.viewmodels.module_rows import ModuleRow, ModuleTree, Numbers
from graphviz_nn_ui.viewmodels.numbers import NOTHING
from graphviz_nn_ui.widgets.heat_cell import FRACTION_ROLE
from graphviz_nn_ui.widgets.theme import Theme

COLUMNS: Final = ("Module", "‖∇‖", "Params", "Calls", "Class")
MODULE, GRADIENT, PARAMETERS, CALLS, CLASS = range(len(COLUMNS))
_TIPS: Final = (
    "The module's place in the model; ✖ ▲ ● mark findings at it or inside it",
    "L2 norm of the gradients of its parameters at the cursor, with those of the modules inside: what this backward "
    "pass has brought, then the accumulated .grad",
    "Elements of its parameters, those of the modules inside included; a tied one counts once",
    "How often the open step called it",
    "Its class",
)
_ROLE: Final = Qt.ItemDataRole
_NUMBERS: Final = (GRADIENT, PARAMETERS, CALLS)
_ASKED: Final = frozenset(
    map(int, (_ROLE.DisplayRole, FRACTION_ROLE, _ROLE.ForegroundRole, _ROLE.ToolTipRole, _ROLE.TextAlignmentRole))
)
"""Most of what Qt asks for is none of these: saying so at once halves the time of a repaint."""


class ModuleModel(QAbstractItemModel):
    """A `ModuleTree`. The gradients change in place: their cells are read when they are painted."""

    def __init__(self, theme: Callable[[], Theme], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.tree = ModuleTree(())
        self._norms: Numbers = np.empty(0)
        self._range = (math.nan, math.nan)
        self._findings: Mapping[str, Finding] = {}

    def show(self, tree: ModuleTree) -> None:
        self.beginResetModel()
        self.tree = tree
        self.endResetModel()

    def set_norms(self, norms: Numbers) -> bool:
        """Takes the gradient norms by row number; returns whether the view must be repainted."""
        if np.array_equal(norms, self._norms, equal_nan=True):
            return False
        self._norms = norms
        positive = np.log(norms[np.isfinite(norms) & (norms > 0)])
        self._range = (float(positive.min()), float(positive.max())) if len(positive) else (math.nan, math.nan)
        return True

    def set_findings(self, findings: Mapping[str, Finding]) -> None:
        """Takes the worst finding by path. The view must be repainted after it."""
        self._findings = findings

    def row_of(self, index: QModelIndex) -> ModuleRow | None:
        pointer = index.internalPointer()  # of an index that is not valid it is None
        return pointer if isinstance(pointer, ModuleRow) else None

    def index_of(self, row: ModuleRow) -> QModelIndex:
        return self.createIndex(row.row, 0, row)

    # What Qt asks for

    def index(self, row: int, column: int, parent: QModelIndex = QModelIndex()) -> QModelIndex:  # noqa: B008
        siblings = self._children(parent)
        return self.createIndex(row, column, siblings[row]) if 0 <= row < len(siblings) else QModelIndex()

    def parent(self, index: QModelIndex) -> QModelIndex:  # type: ignore[override]
        row = self.row_of(index)
        return QModelIndex() if row is None or row.parent is None else self.index_of(row.parent)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return len(self._children(parent)) if parent.column() <= 0 else 0

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        del parent
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _ROLE.DisplayRole:
            return COLUMNS[section]
        if role == _ROLE.ToolTipRole:
            return _TIPS[section]
        if role == _ROLE.TextAlignmentRole and section in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        row = self.row_of(index) if role in _ASKED else None
        if row is None:
            return None
        if role == _ROLE.DisplayRole:
            return self._text(row, index.column())
        if role == FRACTION_ROLE:
            return self._fraction(row) if index.column() == GRADIENT else None
        if role == _ROLE.ForegroundRole:
            return self._colour(row, index.column())
        if role == _ROLE.ToolTipRole:
            return self._tip(row, index.column())
        if role == _ROLE.TextAlignmentRole and index.column() in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    # Inside

    def _children(self, parent: QModelIndex) -> list[ModuleRow]:
        row = self.row_of(parent)
        return self.tree.roots if row is None else row.children

    def _norm(self, row: ModuleRow) -> float:
        return float(self._norms[row.number]) if row.number < len(self._norms) else math.nan

    def _text(self, row: ModuleRow, column: int) -> str:
        if column == MODULE:
            finding = self._findings.get(row.path)
            name = row.name or row.type
            return name if finding is None else f"{name}  {SIGNS[finding.severity]}"
        if column == GRADIENT:
            norm = self._norm(row)
            return "" if math.isnan(norm) else scientific(norm)
        if column == PARAMETERS:
            return count_text(row.parameters) if row.parameters else NOTHING
        if column == CALLS:
            return str(row.calls) if row.calls else NOTHING
        return row.type

    def _fraction(self, row: ModuleRow) -> float | None:
        norm, (low, high) = self._norm(row), self._range
        if math.isnan(norm) or math.isnan(low):
            return None
        if norm <= 0:
            return 0.0
        return (math.log(norm) - low) / (high - low) if high > low else 1.0

    def _colour(self, row: ModuleRow, column: int) -> Any:
        theme = self._theme()
        finding = self._findings.get(row.path)
        if column == MODULE and finding is not None:
            return {"error": theme.error, "warning": theme.warning}.get(finding.severity, theme.ink)
        return theme.muted if column == CLASS else None

    def _tip(self, row: ModuleRow, column: int) -> str:
        finding = self._findings.get(row.path)
        if column == MODULE and finding is not None:
            return f"{_full_name(row)}\n{SIGNS[finding.severity]} {finding.severity}: {finding.cause}"
        if column == MODULE:
            return _full_name(row)
        if column == GRADIENT and not row.parameters:
            return "This module holds no parameter that the step read"
        if column == GRADIENT and math.isnan(self._norm(row)):
            return "None of its parameters holds a measured gradient at the cursor"
        return f"{_TIPS[column]}: {self._text(row, column)}"


def _full_name(row: ModuleRow) -> str:
    return f"{row.path}: {row.type}" if row.path else row.type

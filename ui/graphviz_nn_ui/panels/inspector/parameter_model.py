"""The parameters of a module as rows: worked out when they come into view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from graphviz_nn_ui.viewmodels.parameter_lines import ParameterLine
from graphviz_nn_ui.widgets.theme import Theme

COLUMNS: Final = {
    "parameter": "Its first name; others after ≡ where it is tied",
    "‖w‖": "L2 norm of the parameter before the update",
    "pass 0": "L2 norm of the gradient that the first backward pass contributed",
    ".grad": "L2 norm of the accumulated gradient, which the optimizer reads",
    "Δ ÷ w": "Norm of the update over that of the parameter; about 1e-3 is usual",
    "shape": "Shape, and type where it is not float32",
}
NAME, NORM, CONTRIBUTION, GRADIENT, RATIO, SHAPE = range(len(COLUMNS))

_TITLES: Final = tuple(COLUMNS)
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_ROLE = Qt.ItemDataRole


class ParameterModel(QAbstractTableModel):
    """One row a parameter."""

    def __init__(self, theme: Callable[[], Theme], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: Sequence[ParameterLine] = ()

    def show(self, lines: Sequence[ParameterLine]) -> None:
        """Shows parameters in place of those before; the same ones again change nothing."""
        if lines != self._lines:
            self.beginResetModel()
            self._lines = lines
            self.endResetModel()

    def node(self, row: int) -> int:
        return self._lines[row].node

    # What Qt asks for

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role in (_ROLE.DisplayRole, _ROLE.ToolTipRole):
            title = _TITLES[section]
            return title if role == _ROLE.DisplayRole else COLUMNS[title]
        return None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        if not index.isValid():
            return None
        texts, column = _texts(self._lines[index.row()]), index.column()
        if role == _ROLE.DisplayRole:
            return texts[column]
        if role in (_ROLE.ToolTipRole, _ROLE.AccessibleTextRole):
            said = "\n".join(f"{title}: {text}" for title, text in zip(_TITLES, texts, strict=True))
            return f"{said}\nDouble-click to select it"
        if role == _ROLE.TextAlignmentRole and NAME < column < SHAPE:
            return _RIGHT
        if role == _ROLE.ForegroundRole and texts[column].startswith("✖"):
            return self._theme().error
        return None


def _texts(line: ParameterLine) -> tuple[str, ...]:
    name = " ≡ ".join((line.name, *line.tied))
    return name, line.norm, line.contribution, line.gradient, line.ratio, line.shape

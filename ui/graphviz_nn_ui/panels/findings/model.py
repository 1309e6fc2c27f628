"""The findings as Qt's tables ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PyQt6.QtGui import QColor

from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import RunData
from graphviz_nn_ui.viewmodels.finding_rows import SIGNS, step_number, where_text
from graphviz_nn_ui.widgets.theme import Theme

COLUMNS: Final = ("Severity", "Finding", "Where", "Step", "Rule")
SEVERITY, CAUSE, WHERE, STEP, RULE = range(len(COLUMNS))
_ROLE: Final = Qt.ItemDataRole


class FindingModel(QAbstractTableModel):
    """One row a finding, the most severe first."""

    def __init__(self, theme: Callable[[], Theme], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.findings: Sequence[Finding] = ()
        self._rows: list[tuple[str, ...]] = []

    def show(self, findings: Sequence[Finding], data: RunData | None) -> None:
        self.beginResetModel()
        self.findings = findings if data is not None else ()
        self._rows = [] if data is None else [_texts(finding, data) for finding in findings]
        self.endResetModel()

    def row_of(self, finding: Finding) -> int | None:
        """The row of a finding, or of what its rule says of the same place now: a run that grows is checked again."""
        place = _place(finding)
        return next((row for row, each in enumerate(self.findings) if _place(each) == place), None)

    # What Qt asks for

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == _ROLE.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        if not index.isValid():
            return None
        finding, texts = self.findings[index.row()], self._rows[index.row()]
        if role == _ROLE.DisplayRole:
            return texts[index.column()]
        if role in (_ROLE.ToolTipRole, _ROLE.AccessibleTextRole):
            return f"{finding.severity}: {finding.cause}\n{finding.remedy}\nAt {texts[WHERE]}, step {texts[STEP]}"
        if role == _ROLE.ForegroundRole:
            return self._colour(finding, index.column())
        return None

    def _colour(self, finding: Finding, column: int) -> QColor | None:
        theme = self._theme()
        if column == SEVERITY:
            return {"error": theme.error, "warning": theme.warning}.get(finding.severity, theme.info)
        return theme.muted if column in (STEP, RULE) else None


def _texts(finding: Finding, data: RunData) -> tuple[str, ...]:
    severity = f"{SIGNS[finding.severity]} {finding.severity}"
    return severity, finding.cause, where_text(finding, data), str(step_number(finding, data)), finding.rule


def _place(finding: Finding) -> tuple[str, int | None, str | None]:
    return finding.rule, finding.node, finding.module

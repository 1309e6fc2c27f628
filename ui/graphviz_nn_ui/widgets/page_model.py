"""One page of a tensor as Qt's tables ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PyQt6.QtGui import QColor

from graphviz_nn_ui.viewmodels.tensor_pages import Page, element_text
from graphviz_nn_ui.widgets.theme import Theme

_ROLE: Final = Qt.ItemDataRole
_STRONGEST_TINT: Final = 150


class PageModel(QAbstractTableModel):
    """Cells may be coloured by their number; NaN and ±Inf have a sign and the colour of an error."""

    def __init__(self, theme: Callable[[], Theme], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tinted = True
        self.page: Page | None = None

    def show(self, page: Page | None) -> None:
        self.beginResetModel()
        self.page = page
        self.endResetModel()

    def set_tinted(self, tinted: bool) -> None:
        """Whether cells are coloured by their number. The view must be repainted after it."""
        self._tinted = tinted

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if self.page is None or parent.isValid() else self.page.numbers.shape[0]

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if self.page is None or parent.isValid() else self.page.numbers.shape[1]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        if role != _ROLE.DisplayRole or self.page is None:
            return None
        first = self.page.column if orientation == Qt.Orientation.Horizontal else self.page.row
        return str(first + section)

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        if self.page is None or not index.isValid():
            return None
        value = self.page.numbers[index.row(), index.column()]
        if role == _ROLE.DisplayRole:
            return element_text(value)
        if role == _ROLE.ToolTipRole:
            return str(value)
        if role == _ROLE.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLE.ForegroundRole:
            return None if np.isfinite(value) else self._theme().error
        if role == _ROLE.BackgroundRole and self._tinted:
            return self._tint(value)
        return None

    def _tint(self, value: Any) -> QColor | None:
        """Blue above zero, vermilion below it, the stronger the further away."""
        page = self.page
        if page is None or np.iscomplexobj(value) or not np.isfinite(value):
            return None
        furthest = max(abs(page.low), abs(page.high))
        if not furthest > 0:
            return None
        theme = self._theme()
        colour = QColor(theme.forward if value >= 0 else theme.breakpoint)
        colour.setAlpha(int(_STRONGEST_TINT * min(abs(float(value)) / furthest, 1.0)))
        return colour

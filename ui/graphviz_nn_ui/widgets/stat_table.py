"""Statistics of several tensors side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QBrush, QColor
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from graphviz_nn_ui.viewmodels.numbers import NOTHING
from graphviz_nn_ui.viewmodels.tensor_cards import STAT_ROWS, TensorCard, stat_texts
from graphviz_nn_ui.widgets.theme import theme_of

_SIGNS: Final = {"forward": "→", "backward": "←", "optimizer": "↻"}


class StatTable(QTableWidget):
    """One column a tensor, one row a statistic. What is not there yet at the cursor is faint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(len(STAT_ROWS), 0, parent)
        self._cards: Sequence[TensorCard] = ()
        self.setVerticalHeaderLabels(list(STAT_ROWS))
        self.setAccessibleName("Statistics of value and gradient")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTabKeyNavigation(False)
        columns, rows = self.horizontalHeader(), self.verticalHeader()
        assert columns is not None
        assert rows is not None
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        columns.setHighlightSections(False)
        columns.setMinimumSectionSize(24)
        columns.setStyleSheet("QHeaderView::section { padding: 4px 1px; }")
        rows.setHighlightSections(False)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        kind = None if event is None else event.type()
        if kind == QEvent.Type.PaletteChange:
            self.show_cards(self._cards)
        elif kind in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def show_cards(self, cards: Sequence[TensorCard]) -> None:
        """Shows the cards. Cells keep their items: what is the same as before is not painted anew."""
        self._cards = cards
        if self.columnCount() != len(cards):
            self.setColumnCount(len(cards))
            self._fit()
        theme = theme_of(self)
        colours = {"forward": theme.forward, "backward": theme.backward, "optimizer": theme.update}
        for column, card in enumerate(cards):
            _fill(self._heading(column), f"{_SIGNS[card.phase]} {card.title}", card.state, colours[card.phase])
            for row, text in enumerate(stat_texts(card.stats)):
                faint = theme.faint if not card.happened or not text else None
                colour = theme.error if text.startswith("✖") else faint
                tip = f"{card.title}, {STAT_ROWS[row]}: {text or 'not measured'}\n{card.state}"
                _fill(self._cell(row, column), text or NOTHING, tip, colour)

    def _heading(self, column: int) -> QTableWidgetItem:
        item = self.horizontalHeaderItem(column)
        if item is None:
            item = QTableWidgetItem()
            self.setHorizontalHeaderItem(column, item)
        return item

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            self.setItem(row, column, item)
        return item

    def _fit(self) -> None:
        """Makes the table as high as its rows."""
        columns, rows = self.horizontalHeader(), self.verticalHeader()
        if columns is None or rows is None:
            return
        rows.setDefaultSectionSize(self.fontMetrics().height() + 5)
        self.setFixedHeight(columns.sizeHint().height() + rows.length() + 2 * self.frameWidth())


def _fill(item: QTableWidgetItem, text: str, tip: str, colour: QColor | None) -> None:
    item.setText(text)
    item.setToolTip(tip)
    item.setData(Qt.ItemDataRole.ForegroundRole, None if colour is None else QBrush(colour))

"""The events as Qt's tables ask for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PyQt6.QtGui import QBrush, QColor

from graphviz_nn.model.events import EventKind
from graphviz_nn.session.order import START
from graphviz_nn_ui.viewmodels.event_rows import KIND_WORDS, PHASE_SIGNS, EventRow, EventRows
from graphviz_nn_ui.widgets.theme import Theme

COLUMNS: Final = ("#", "Event", "What", "Module", "µs")
NUMBER, KIND, WHAT, MODULE, TIME = range(len(COLUMNS))
_TIPS: Final = (
    "Place in the order of execution",
    "What happened; → forward, ← backward, ↻ update",
    "Operator, value or parameter",
    "The module that it happened in",
    "Microseconds since the event before",
)
_ROLE: Final = Qt.ItemDataRole
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_IN_WORDS: Final = (_ROLE.DisplayRole, _ROLE.ForegroundRole, _ROLE.ToolTipRole, _ROLE.AccessibleTextRole)
_ASKED: Final = frozenset(map(int, (*_IN_WORDS, _ROLE.TextAlignmentRole, _ROLE.BackgroundRole)))
"""Most of what Qt asks for is none of these: saying so at once halves the time of a repaint."""

_WORDS_KEPT: Final = 512
_POINTER_TINT: Final = 48


class EventModel(QAbstractTableModel):
    """An `EventRows` with the cursor in it: what has not happened yet is faint, the cursor's row has a pointer."""

    def __init__(self, theme: Callable[[], Theme], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: EventRows | None = None
        self._cursor = START
        self._pointer = -1
        self._words: Callable[[int], EventRow] = _nothing

    def show(self, rows: EventRows | None) -> None:
        self.beginResetModel()
        self.rows = rows
        # A cell asks for its row once a role: remembering those on the screen saves most of the work.
        self._words = _nothing if rows is None else lru_cache(_WORDS_KEPT)(rows.__getitem__)
        self.endResetModel()

    def set_cursor(self, seq: int) -> int:
        """Moves the cursor and returns its row, or -1. The view must be repainted after it."""
        self._cursor = seq
        self._pointer = -1 if self.rows is None else self.rows.row_at(seq)
        return self._pointer

    # What Qt asks for

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if self.rows is None or parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _ROLE.DisplayRole:
            return COLUMNS[section]
        if role == _ROLE.ToolTipRole:
            return _TIPS[section]
        if role == _ROLE.TextAlignmentRole:
            return _RIGHT if section in (NUMBER, TIME) else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        if role not in _ASKED or self.rows is None or not index.isValid():
            return None
        column = index.column()
        if role == _ROLE.TextAlignmentRole:
            return _RIGHT if column in (NUMBER, TIME) else None
        if role == _ROLE.BackgroundRole:
            return self._tint() if index.row() == self._pointer else None
        row = self._words(index.row())
        if role == _ROLE.ForegroundRole:
            return self._colour(row, column)
        if role == _ROLE.DisplayRole:
            return self._text(row, column, index.row() == self._pointer)
        return self._sentence(row)

    # Inside

    def _text(self, row: EventRow, column: int, pointed: bool) -> str:
        if column == NUMBER:
            return f"▶ {row.seq}" if pointed else str(row.seq)
        if column == KIND:
            return f"{PHASE_SIGNS[row.phase]} {KIND_WORDS[row.kind]}"
        if column == WHAT:
            return row.what
        return row.module if column == MODULE else row.microseconds

    def _colour(self, row: EventRow, column: int) -> QColor | None:
        theme = self._theme()
        if row.seq > self._cursor:
            return theme.faint
        if row.kind in (EventKind.ERROR, EventKind.ABORT):
            return theme.error
        if column == KIND:
            phases = {"backward": theme.backward, "optimizer": theme.update, "infra": theme.muted}
            return phases.get(row.phase, theme.forward)
        return theme.muted if column in (MODULE, TIME) else None

    def _tint(self) -> QBrush:
        colour = QColor(self._theme().pointer)
        colour.setAlpha(_POINTER_TINT)
        return QBrush(colour)

    def _sentence(self, row: EventRow) -> str:
        where = f" in {row.module}" if row.module else ""
        when = "" if row.seq <= self._cursor else ", not yet happened at the cursor"
        spent = f", {row.microseconds} µs after the event before" if row.microseconds else ""
        return f"Event {row.seq}, {row.phase}: {KIND_WORDS[row.kind]} {row.what}{where}{spent}{when}"


def _nothing(row: int) -> EventRow:
    raise IndexError(row)

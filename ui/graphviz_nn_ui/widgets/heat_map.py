"""Numbers by row and column as colours, with a cursor: the gradient of each layer over the steps of training."""

from __future__ import annotations

from typing import Final

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from graphviz_nn.model.views import HeatMap
from graphviz_nn.scene.tiles import Indices, map_indices
from graphviz_nn_ui.viewmodels.numbers import number_text
from graphviz_nn_ui.widgets.colour_images import fitted, indexed_image
from graphviz_nn_ui.widgets.theme import Theme, theme_of

_TOP: Final = 26
_BOTTOM: Final = 34
_RIGHT: Final = 12
_NAMES_SHARE: Final = 0.32
"""Of the width, what names of rows may take at most."""

_TICK_ROOM: Final = 64
_TICK_TEXT: Final = 14


class HeatMapView(QWidget):
    """Shows a `HeatMap`.

    Signals:
        chosen: (row, column) by a click or the arrow keys.
        pointed: (text) what is under the pointer, "" where nothing is.
    """

    chosen = pyqtSignal(int, int)
    pointed = pyqtSignal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._map: HeatMap | None = None
        self._indices: Indices = np.empty((0, 0), np.uint8)
        self._shown: QPixmap | None = None
        self._cursor = (-1, -1)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(360, 190)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(180, 110)

    @property
    def shown_map(self) -> HeatMap | None:
        return self._map

    def show_map(self, shown: HeatMap, indices: Indices | None = None) -> None:
        """Shows other numbers; `indices` are their `map_indices`, where a worker has made them."""
        self._map = shown
        self._indices = map_indices(shown) if indices is None else indices
        self._shown = None
        rows, columns = shown.values.shape
        self.setAccessibleDescription(f"{shown.title}: {rows} rows, {columns} columns")
        self.update()

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """Row and column that are marked; -1 for none."""
        return self._cursor

    def set_cursor(self, row: int, column: int) -> None:
        """Marks a row and a column; tells nobody."""
        if (row, column) != self._cursor:
            self._cursor = (row, column)
            self.update()

    def text_at(self, row: int, column: int) -> str:
        """Returns "layer1.0.conv1 · training step 12 · 0.0034"."""
        if self._map is None:
            return ""
        value = float(self._map.values[row, column])
        number = "not measured" if np.isnan(value) else number_text(value)
        return f"{self._map.rows[row]} · {self._map.column_axis} {self._map.columns[column]} · {number}"

    # Painting

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        theme = theme_of(self)
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.surface)
        if self._map is None or not self._indices.size:
            return
        area = self._area()
        if self._shown is None:
            size = area.size().toSize().expandedTo(QSize(1, 1))
            self._shown = fitted(indexed_image(self._indices, self._map.colours, theme.raised), size,
                                 self.devicePixelRatioF())  # fmt: skip
        painter.drawPixmap(area.topLeft(), self._shown)
        self._paint_names(painter, theme, area)
        self._paint_columns(painter, theme, area)
        self._paint_cursor(painter, theme, area)

    def _paint_names(self, painter: QPainter, theme: Theme, area: QRectF) -> None:
        assert self._map is not None
        metrics = painter.fontMetrics()
        height = area.height() / len(self._map.rows)
        every = max(int(np.ceil(metrics.height() / height)), 1)
        for row, name in enumerate(self._map.rows):
            if row % every == 0:
                middle = area.top() + (row + 0.5) * height
                painter.setPen(theme.ink if row == self._cursor[0] else theme.muted)
                text = metrics.elidedText(name, Qt.TextElideMode.ElideLeft, int(area.left()) - 12)
                box = QRectF(4, middle - metrics.height(), area.left() - 10, 2 * metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_columns(self, painter: QPainter, theme: Theme, area: QRectF) -> None:
        assert self._map is not None
        columns, metrics = self._map.columns, painter.fontMetrics()
        every = max(int(np.ceil(len(columns) * _TICK_ROOM / max(area.width(), 1))), 1)
        painter.setPen(theme.muted)
        for column in range(0, len(columns), every):
            x = area.left() + (column + 0.5) * area.width() / len(columns)
            left = min(x - metrics.horizontalAdvance(columns[column]) / 2, area.right() - 20)
            painter.drawText(QPointF(left, area.bottom() + _TICK_TEXT), columns[column])
        below = QRectF(area.left(), area.bottom() + _TICK_TEXT + 2, area.width(), _BOTTOM - _TICK_TEXT)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._map.column_axis)
        painter.setPen(theme.ink)
        title = metrics.elidedText(self._map.title, Qt.TextElideMode.ElideRight, self.width() - 16)
        painter.drawText(QPointF(8, _TOP - 9), title)

    def _paint_cursor(self, painter: QPainter, theme: Theme, area: QRectF) -> None:
        rows, columns = self._indices.shape
        row, column = self._cursor
        height, width = area.height() / rows, area.width() / columns
        painter.setPen(QPen(theme.pointer, 1.5))
        if 0 <= column < columns:
            painter.drawRect(QRectF(area.left() + column * width, area.top() - 1, max(width, 1.5), area.height() + 2))
        if 0 <= row < rows:
            painter.drawRect(QRectF(area.left() - 1, area.top() + row * height, area.width() + 2, height))
        if self.hasFocus():
            painter.setPen(theme.accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def resizeEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        del event
        self._shown = None

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._shown = None
        super().changeEvent(event)

    def _area(self) -> QRectF:
        assert self._map is not None
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(name) for name in self._map.rows), default=0) + 14
        left = min(widest, int(self.width() * _NAMES_SHARE))
        return QRectF(self.rect()).adjusted(left, _TOP, -_RIGHT, -_BOTTOM)

    # Pointing

    def cell_at(self, position: QPointF) -> tuple[int, int] | None:
        """Returns row and column at a position, or None."""
        if self._map is None or not self._indices.size or not self._area().contains(position):
            return None
        area, (rows, columns) = self._area(), self._indices.shape
        row = int((position.y() - area.top()) / area.height() * rows)
        column = int((position.x() - area.left()) / area.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._cut_text(event.pos().toPointF()), self)
            return True
        return super().event(event)

    def _cut_text(self, position: QPointF) -> str:
        """What there may be no room for: the title, or the name of a row."""
        if self._map is None or not self._indices.size:
            return ""
        area, rows = self._area(), self._map.rows
        if position.y() < _TOP:
            return self._map.title
        row = int((position.y() - area.top()) / area.height() * len(rows))
        return rows[row] if position.x() < area.left() and 0 <= row < len(rows) else ""

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        cell = None if event is None else self.cell_at(event.position())
        self.pointed.emit("" if cell is None else self.text_at(*cell))

    def leaveEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        del event
        self.pointed.emit("")

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        cell = None if event is None else self.cell_at(event.position())
        if cell is not None:
            self._choose(*cell)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        move = None if event is None else moves.get(Qt.Key(event.key()))
        rows, columns = self._indices.shape
        if move is None or not self._indices.size:
            super().keyPressEvent(event)
            return
        row, column = (max(here, 0) + by for here, by in zip(self._cursor, move, strict=True))
        self._choose(min(max(row, 0), rows - 1), min(max(column, 0), columns - 1))

    def _choose(self, row: int, column: int) -> None:
        self.set_cursor(row, column)
        self.pointed.emit(self.text_at(row, column))
        self.chosen.emit(row, column)

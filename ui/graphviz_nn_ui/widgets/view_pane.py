"""One view, whatever kind of data it made, or the sentence that says why it made none."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import QAbstractItemView, QLabel, QStackedWidget, QTableView, QVBoxLayout, QWidget

from graphviz_nn.model.views import Curves, HeatMap, Table
from graphviz_nn_ui.viewmodels.numbers import number_text
from graphviz_nn_ui.viewmodels.shown_views import Pane
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.heat_map import HeatMapView
from graphviz_nn_ui.widgets.image_grid import ImageGridView
from graphviz_nn_ui.widgets.plot import Plot

_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ViewPane(QWidget):
    """Paints what a view made.

    Attributes:
        images: the widget that shows images.

    Signals:
        pointed: (text) what is under the pointer.
    """

    pointed = pyqtSignal(str)

    def __init__(self, which: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageGridView(f"Images of the {which}")
        self._plot = Plot(f"Curves of the {which}")
        self._heat_map = HeatMapView(f"Heat map of the {which}")
        self._table = _TableView(f"Table of the {which}")
        self._pages = QStackedWidget()
        for page in (self.images, self._plot, self._heat_map, self._table):
            self._pages.addWidget(page)
        for pointing in (self.images, self._plot, self._heat_map):
            pointing.pointed.connect(self.pointed)
        self._emptiable = Emptiable(self._pages)
        self._which = which
        self._heading = QLabel(which)
        self._heading.setObjectName("muted")
        self._heading.setContentsMargins(8, 2, 8, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._heading)
        layout.addWidget(self._emptiable)

    @property
    def sentence(self) -> str:
        """Why nothing is shown, or "" where something is."""
        return self._emptiable.sentence

    @property
    def heading(self) -> str:
        return self._heading.text()

    def set_note(self, note: str) -> None:
        """Says something beside the name of what is shown; "" says nothing."""
        self._heading.setText(f"{self._which} · {note}" if note else self._which)

    def show_pane(self, pane: Pane) -> None:
        """Shows what the view made, or why it made nothing."""
        self._emptiable.say(pane.error)
        self.images.show_gallery(pane.gallery)
        self._heading.setVisible(pane.gallery is not None)
        match pane.data:
            case Curves() as curves:
                self._plot.show_curves(curves)
                self._pages.setCurrentWidget(self._plot)
            case HeatMap() as heat_map:
                self._heat_map.show_map(heat_map)
                self._pages.setCurrentWidget(self._heat_map)
            case Table() as table:
                self._table.show_table(table)
                self._pages.setCurrentWidget(self._table)
            case _:
                self._pages.setCurrentWidget(self.images)


class _TableView(QTableView):
    """A table of texts and numbers; numbers stand right."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        header = self.verticalHeader()
        if header is not None:
            header.hide()

    def show_table(self, table: Table) -> None:
        model = QStandardItemModel(len(table.rows), len(table.heading), self)
        model.setHorizontalHeaderLabels(table.heading)
        for row, cells in enumerate(table.rows):
            for column, cell in enumerate(cells):
                item = QStandardItem(number_text(cell) if isinstance(cell, float) else str(cell))
                if not isinstance(cell, str):
                    item.setTextAlignment(_RIGHT)
                model.setItem(row, column, item)
        self.setModel(model)
        self.resizeColumnsToContents()

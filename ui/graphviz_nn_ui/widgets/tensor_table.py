"""A tensor in numbers: one page of its last two dimensions at a time, the others chosen by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import (
    QApplication,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSpinBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from graphviz_nn.model.steps import RunData
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn_ui.viewmodels.numbers import number_text
from graphviz_nn_ui.viewmodels.tensor_pages import (
    PAGE_COLUMNS,
    PAGE_ROWS,
    Page,
    TensorPages,
    comma_separated,
    numpy_text,
    tensor_pages,
)
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.page_model import PageModel
from graphviz_nn_ui.widgets.theme import fixed_font, theme_of
from graphviz_nn_ui.workers.jobs import Jobs

_CELL: Final = "-0.0000e-00"


class TensorTable(QWidget):
    """The numbers of one kept tensor. A page is read by a worker: no tensor is too large to look at."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._tag = f"tensor page {id(self)}"
        self._pages: TensorPages | None = None
        self._model = PageModel(lambda: theme_of(self), self)
        self._view = self._make_view()
        self._empty = Emptiable(self._view)
        self._choices = QHBoxLayout()
        self._leading: list[QSpinBox] = []
        self._row, self._column = self._place("First row"), self._place("First column")
        self._tinted = QCheckBox("Colour")
        self._tinted.setChecked(True)
        self._tinted.setToolTip("Colour cells by their number: blue above zero, vermilion below it")
        self._tinted.toggled.connect(self._tint)
        self._said = QLabel()
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._said.setAccessibleName("What the page holds")
        self._lay_out()
        self.say("No tensor is chosen.")

    @property
    def page(self) -> Page | None:
        """The page that is shown."""
        return self._model.page

    @property
    def sentence(self) -> str:
        """Why no page is shown, or ""."""
        return self._empty.sentence

    def say(self, sentence: str) -> None:
        """Shows a sentence in place of numbers."""
        self._jobs.forget(self._tag)
        self._pages = None
        self._model.show(None)
        self._said.clear()
        for box in (*self._leading, self._row, self._column, self._tinted):
            box.hide()
        self._empty.say(sentence)

    def show_tensor(self, data: RunData, position: int, key: TensorKey) -> None:
        """Shows the first page of a kept tensor of a step."""
        pages = tensor_pages(data, position, key)
        if pages is None:
            self.say(not_kept_text(data))
            return
        same = self._pages is not None and self._pages.shape == pages.shape
        self._pages = pages
        if not same:
            self._offer_places(pages)
        self._read()

    def copy(self, text: Callable[[Any], str]) -> None:
        """Puts the page on the clipboard, written by `comma_separated` or `numpy_text`."""
        clipboard = QApplication.clipboard()
        if clipboard is not None and self._model.page is not None:
            clipboard.setText(text(self._model.page.numbers))

    # Building

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setAccessibleName("Numbers of the tensor")
        view.setModel(self._model)
        view.setFont(fixed_font(self))
        view.setWordWrap(False)
        metrics = view.fontMetrics()
        columns, rows = view.horizontalHeader(), view.verticalHeader()
        assert columns is not None
        assert rows is not None
        columns.setDefaultSectionSize(metrics.horizontalAdvance(_CELL))
        rows.setDefaultSectionSize(metrics.height() + 4)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for title, shortcut, text in (
            ("Copy page as CSV", QKeySequence(QKeySequence.StandardKey.Copy), comma_separated),
            ("Copy page as numpy", QKeySequence(), numpy_text),
        ):
            action = QAction(title, view)
            action.setShortcut(shortcut)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda checked, text=text: self.copy(text))
            view.addAction(action)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        return view

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._choices)
        column.addWidget(self._empty, 1)
        below = QHBoxLayout()
        below.setContentsMargins(6, 0, 6, 4)
        below.addWidget(self._said, 1)
        below.addWidget(self._tinted)
        column.addLayout(below)
        self._choices.setContentsMargins(6, 0, 6, 0)
        self._choices.addWidget(self._row)
        self._choices.addWidget(self._column)
        self._choices.addStretch(1)

    def _place(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._read)
        return box

    def _offer_places(self, pages: TensorPages) -> None:
        """Gives each fixed dimension a box, and rows and columns one each where there is more than a page of them."""
        for box in self._leading:
            self._choices.removeWidget(box)
            box.deleteLater()
        self._leading = []
        for dimension, size in enumerate(pages.leading):
            box = self._place(f"Index in dimension {dimension}, of {size}")
            box.setPrefix(f"dim {dimension}: ")
            self._limit(box, size - 1)
            self._choices.insertWidget(dimension, box)
            self._leading.append(box)
        for box, prefix, count, step in (
            (self._row, "row ", pages.rows, PAGE_ROWS),
            (self._column, "col ", pages.columns, PAGE_COLUMNS),
        ):
            box.setPrefix(prefix)
            box.setSingleStep(step)
            self._limit(box, max(count - 1, 0))
            box.setVisible(count > step)
        self._tinted.show()

    def _limit(self, box: QSpinBox, last: int) -> None:
        box.blockSignals(True)
        box.setRange(0, max(last, 0))
        box.setValue(0)
        box.blockSignals(False)

    # Reading

    def _read(self) -> None:
        pages = self._pages
        if pages is None:
            return
        at = tuple(box.value() for box in self._leading)
        row, column = self._row.value(), self._column.value()
        self._jobs.submit(
            self._tag, lambda ticket: pages.page(at, row, column), self._show_page, lambda error: self.say(str(error))
        )

    def _show_page(self, page: Page) -> None:
        pages = self._pages
        if pages is None:
            return
        self._model.show(page)
        rows, columns = page.numbers.shape
        self._empty.say("" if page.numbers.size else f"This tensor is empty: its shape is {list(pages.shape)}.")
        parts = [f"rows {page.row}–{page.row + rows - 1} of {pages.rows}"] if rows else []
        if pages.columns > 1:
            parts.append(f"columns {page.column}–{page.column + columns - 1} of {pages.columns}")
        if not np.isnan(page.low):
            parts.append(f"{number_text(page.low)} … {number_text(page.high)}")
        if page.bad:
            parts.append(f"✖ {page.bad} NaN or ±Inf")
        self._said.setText(" · ".join(parts))

    def _tint(self, tinted: bool) -> None:
        self._model.set_tinted(tinted)
        viewport = self._view.viewport()
        if viewport is not None:
            viewport.update()


def not_kept_text(data: RunData) -> str:
    """Returns why a tensor's numbers are not there, and how to record them."""
    keep = data.meta.keep
    return (
        f"This tensor was not kept: the run was recorded with keep={keep!r}. "
        "Record with keep='all', or keep=['layer3.*'] for some modules."
    )

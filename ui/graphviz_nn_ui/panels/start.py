"""The start page: recent runs, examples, and how to record one's own program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QGuiApplication, QResizeEvent
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from graphviz_nn_ui.viewmodels.recent import Recent, RecentRun
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.theme import fixed_font

WIDTH: Final = 980

HOW_TO: Final = """import graphviz_nn as gnn

with gnn.record("train.gvnn", model):
    train(model)  # your loop, unchanged"""
IN_THE_SHELL: Final = "graphviz-nn run train.py  # as it is\ngraphviz-nn view train.gvnn"


@dataclass(frozen=True, slots=True)
class Example:
    """A shipped example: its title, what it shows, and the arguments of `graphviz-nn` that record it."""

    title: str
    facts: str
    arguments: tuple[str, ...]


class StartPage(QScrollArea):
    """What there is to see while no run is open."""

    def __init__(
        self,
        recent: Recent,
        examples: Sequence[Example],
        open_run: Callable[[str], object],
        trace: Callable[[Example], object],
        choose: Callable[[], object],
    ) -> None:
        super().__init__()
        self._recent = recent
        self._open_run = open_run
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setAccessibleName("Start page")
        self._runs = QVBoxLayout()
        self._runs.setSpacing(2)
        content = QWidget()
        content.setMaximumWidth(WIDTH)
        grid = QGridLayout(content)
        grid.setContentsMargins(32, 40, 32, 32)
        grid.setHorizontalSpacing(48)
        grid.setRowMinimumHeight(2, 24)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        grid.addWidget(_title("graphviz_nn", 2.2), 0, 0, 1, 2)
        grid.addWidget(_muted("See what a PyTorch program really did: forward, backward, update."), 1, 0, 1, 2)
        left, right = QVBoxLayout(), QVBoxLayout()
        grid.addLayout(left, 3, 0)
        grid.addLayout(right, 3, 1)
        self._fill_left(left, choose)
        _fill_right(right, examples, trace)
        outer = QWidget()
        row = QHBoxLayout(outer)
        row.addStretch(1)
        row.addWidget(content, 100)
        row.addStretch(1)
        self.setWidget(outer)
        while_alive(self, recent.changed, self._show_recent)
        self._show_recent()

    @property
    def rows(self) -> list[Row]:
        """The recent runs that are shown."""
        return [row for place in range(self._runs.count()) if isinstance(row := _widget(self._runs, place), Row)]

    def _fill_left(self, column: QVBoxLayout, choose: Callable[[], object]) -> None:
        column.setSpacing(4)
        column.addWidget(_title("Recent runs", 1.25))
        column.addLayout(self._runs)
        button = QPushButton("Open a run…")
        button.setToolTip("Open a recorded run  (Ctrl+O)")
        button.clicked.connect(lambda checked: choose())
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        column.addSpacing(10)
        column.addWidget(button)
        column.addWidget(_muted("or drop a .gvnn file anywhere in this window"))
        column.addStretch(1)

    def _show_recent(self) -> None:
        while (item := self._runs.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for run in self._recent:
            self._runs.addWidget(self._row(run))
        if not len(self._recent):
            self._runs.addWidget(_muted("None yet. Record a program, open a run file, or look at an example."))

    def _row(self, run: RecentRun) -> Row:
        facts = run.facts if run.exists else "deleted or moved"
        row = Row(run.name, facts, run.path, lambda: self._open_run(run.path))
        row.setEnabled(run.exists)
        return row


class Row(QPushButton):
    """A title over a line of facts; both are cut with an ellipsis where they do not fit, and whole in the tooltip."""

    def __init__(self, title: str, facts: str, tip: str, work: Callable[[], object]) -> None:
        super().__init__()
        self.setFlat(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"{title}: {facts}")
        self.setToolTip(f"{facts}\n{tip}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._texts = (title, facts)
        self._labels = (_title("", 1.05), _muted(""))
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(1)
        for label in self._labels:
            label.setWordWrap(False)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            column.addWidget(label)
        self.clicked.connect(lambda checked: work())

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        layout = self.layout()
        return QSize(300, layout.sizeHint().height() if layout is not None else 40)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        for label, text in zip(self._labels, self._texts, strict=True):
            metrics = label.fontMetrics()
            label.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width() - 22))
        super().resizeEvent(event)


class Code(QPlainTextEdit):
    """A few lines to be copied."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setReadOnly(True)
        self.setObjectName("code")
        self.setFont(fixed_font(self))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        lines = text.count("\n") + 1
        self.setFixedHeight(self.fontMetrics().lineSpacing() * lines + 22)


def _fill_right(column: QVBoxLayout, examples: Sequence[Example], trace: Callable[[Example], object]) -> None:
    column.setSpacing(4)
    column.addWidget(_title("Examples", 1.25))
    for example in examples:

        def start(chosen: Example = example) -> None:
            trace(chosen)

        column.addWidget(Row(example.title, example.facts, "Recorded when you click: takes a few seconds", start))
    column.addSpacing(14)
    column.addWidget(_title("Record your own", 1.25))
    for text, what in ((HOW_TO, "In Python"), (IN_THE_SHELL, "In the shell")):
        copy = QPushButton("Copy")
        copy.setAccessibleName(f"Copy the lines: {what}")
        copy.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        copy.clicked.connect(lambda checked, lines=text: _copy(lines))
        row = QHBoxLayout()
        row.addWidget(_muted(what), 1)
        row.addWidget(copy)
        column.addLayout(row)
        lines = Code(text)
        lines.setAccessibleName(f"Lines that record: {what}")
        column.addWidget(lines)
    column.addStretch(1)


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)


def _title(text: str, size: float) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * size)
    font.setBold(size < 2)
    label.setFont(font)
    return label


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("muted")
    label.setWordWrap(True)
    return label


def _widget(layout: QVBoxLayout, place: int) -> QWidget | None:
    item = layout.itemAt(place)
    return item.widget() if item is not None else None

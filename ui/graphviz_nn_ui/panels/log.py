"""The log: what the app and the programs that it started had to say."""

from __future__ import annotations

import logging
import time
from html import escape

from PyQt6.QtCore import QEvent, pyqtSignal
from PyQt6.QtGui import QTextCursor
from PyQt6.QtWidgets import QComboBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.log import LIMIT, LogEntry
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.flow import Flow
from graphviz_nn_ui.widgets.theme import fixed_font, theme_of
from graphviz_nn_ui.workspace import Workspace

_LEVELS = {"Everything": logging.INFO, "Warnings and errors": logging.WARNING, "Errors": logging.ERROR}


class LogPanel(QWidget):
    """Lines as they come, with a choice of the least level."""

    _arrived = pyqtSignal(object)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._log = workspace.log
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(LIMIT)
        self._text.setAccessibleName("Log")
        self._text.setPlaceholderText(
            "Nothing has been logged. Warnings of the app and the output of traced programs appear here."
        )
        self._level = QComboBox()
        self._level.addItems(list(_LEVELS))
        self._level.setAccessibleName("Least level shown")
        self._level.currentIndexChanged.connect(self._fill)
        copy, clear = QPushButton("Copy all"), QPushButton("Clear")
        copy.clicked.connect(self._copy)
        clear.clicked.connect(self._clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Flow(QLabel("Show"), self._level, copy, clear))
        column.addWidget(self._text)
        # Entries come from any thread; a signal of Qt brings them to this one.
        self._arrived.connect(self._append)
        while_alive(self, self._log.added, self._arrived.emit)
        self._fill()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._fill()
        super().changeEvent(event)

    def _fill(self) -> None:
        self._text.setFont(fixed_font(self))
        self._text.clear()
        for entry in self._log.entries:
            self._append(entry)

    def _append(self, entry: LogEntry) -> None:
        if entry.level < _LEVELS[self._level.currentText()]:
            return
        theme = theme_of(self)
        colour = theme.muted
        if entry.level >= logging.WARNING:
            colour = theme.error if entry.level >= logging.ERROR else theme.warning
        when = time.strftime("%H:%M:%S", time.localtime(entry.time))
        word = f'<span style="color:{colour.name()}">{logging.getLevelName(entry.level).lower():>7}</span>'
        head = f'<span style="color:{theme.muted.name()}">{when}</span> {word}'
        text = f"{escape(entry.source)}: {escape(entry.text)}"
        self._text.appendHtml(f'<span style="white-space:pre-wrap">{head} {text}</span>')
        self._text.moveCursor(QTextCursor.MoveOperation.End)

    def _copy(self) -> None:
        self._text.selectAll()
        self._text.copy()
        self._text.moveCursor(QTextCursor.MoveOperation.End)

    def _clear(self) -> None:
        self._log.clear()
        self._text.clear()

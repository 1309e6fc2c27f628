"""A file of the program, with line numbers and syntax colours, scrolled to one line."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEvent, QRect, Qt
from PyQt6.QtGui import (
    QColor,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PyQt6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from graphviz_nn.model.layer_types import Category
from graphviz_nn_ui.viewmodels.source_text import SourceText
from graphviz_nn_ui.widgets.theme import Theme, fixed_font, theme_of

_GAP: Final = 8
_MARK_ALPHA: Final = 60


class SourceView(QPlainTextEdit):
    """Read-only. `show_source` replaces the text only where it is another file's."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName("Source of the call")
        self._source: SourceText | None = None
        self._line = 0
        document = self.document()
        assert document is not None
        self._colours = _Colours(document, theme_of(self))
        self._numbers = _LineNumbers(self)
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._numbers.follow)
        self._take_font()

    @property
    def line(self) -> int:
        """The line that is marked, from 1; 0 where none is."""
        return self._line

    def show_source(self, source: SourceText, line: int) -> None:
        """Shows a file, scrolls to a line (from 1) and marks it."""
        if source is not self._source:
            self._source = source
            self._colours.spans = source.spans
            self.setPlainText(source.text)
        self._line = line
        self._mark()
        document = self.document()
        block = document.findBlockByNumber(line - 1) if document is not None else QTextBlock()
        if block.isValid():
            self.setTextCursor(QTextCursor(block))
            self.centerCursor()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is None:
            return
        if event.type() == QEvent.Type.PaletteChange:
            self._colours.use(theme_of(self))
            self._mark()
        elif event.type() == QEvent.Type.ApplicationFontChange:
            self._take_font()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._numbers.setGeometry(QRect(inside.left(), inside.top(), self.gutter, inside.height()))

    @property
    def gutter(self) -> int:
        """Pixels that line numbers take."""
        return self.fontMetrics().horizontalAdvance(str(self.blockCount())) + 2 * _GAP

    def paint_numbers(self, painter: QPainter, area: QRect) -> None:
        """Writes the numbers of the lines in view beside them."""
        theme = theme_of(self)
        painter.fillRect(area, theme.window)
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        offset = self.contentOffset()
        while block.isValid():
            place = self.blockBoundingGeometry(block).translated(offset)
            if place.top() > area.bottom():
                return
            number = block.blockNumber() + 1
            painter.setPen(theme.pointer if number == self._line else theme.muted)
            box = QRect(0, int(place.top()), self.gutter - _GAP, int(place.height()))
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, str(number))
            block = block.next()

    def _make_room(self) -> None:
        self.setViewportMargins(self.gutter, 0, 0, 0)

    def _take_font(self) -> None:
        self.setFont(fixed_font(self))
        self._make_room()

    def _mark(self) -> None:
        """Tints the line."""
        document = self.document()
        block = document.findBlockByNumber(self._line - 1) if document is not None else QTextBlock()
        mark = QTextEdit.ExtraSelection()
        colour = QColor(theme_of(self).pointer)
        colour.setAlpha(_MARK_ALPHA)
        mark.format.setBackground(colour)
        mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        mark.cursor = QTextCursor(block) if block.isValid() else QTextCursor()
        self.setExtraSelections([mark] if block.isValid() and self._line else [])


class _LineNumbers(QWidget):
    def __init__(self, view: SourceView) -> None:
        super().__init__(view)
        self._view = view

    def follow(self, area: QRect, scrolled: int) -> None:
        if scrolled:
            self.scroll(0, scrolled)
        else:
            self.update(0, area.y(), self.width(), area.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self._view.paint_numbers(QPainter(self), event.rect())


class _Colours(QSyntaxHighlighter):
    """Gives the parts of a text that `SourceText.spans` names their colours."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self.spans: tuple[tuple[tuple[int, int, str], ...], ...] = ()
        self._formats = _formats(theme)

    def use(self, theme: Theme) -> None:
        self._formats = _formats(theme)
        self.rehighlight()

    def highlightBlock(self, text: str | None) -> None:  # noqa: N802  # Qt's name
        del text
        line = self.currentBlock().blockNumber()
        if line < len(self.spans):
            for start, length, role in self.spans[line]:
                self.setFormat(start, length, self._formats[role])


def _formats(theme: Theme) -> dict[str, QTextCharFormat]:
    tones = theme.palette.tones
    colours = {
        "comment": theme.muted,
        "string": theme.update,
        "number": QColor(tones[Category.LINEAR].strong),
        "keyword": theme.accent,
        "definition": QColor(tones[Category.RECURRENT].strong),
        "builtin": QColor(tones[Category.RECURRENT].strong),
    }
    formats = {}
    for role, colour in colours.items():
        formats[role] = QTextCharFormat()
        formats[role].setForeground(colour)
    formats["comment"].setFontItalic(True)
    return formats

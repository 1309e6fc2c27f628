"""What a panel shows where it has nothing to show: one sentence that says why, and what to do."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget


class Emptiable(QStackedWidget):
    """A widget, or a sentence in its place."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._sentence.setAccessibleName("Why this is empty")
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addWidget(self._sentence)
        self.addWidget(content)
        self.addWidget(page)

    @property
    def sentence(self) -> str:
        """What is said in place of the content, or "" while that is shown."""
        return self._sentence.text() if self.currentWidget() is not self._content else ""

    def say(self, sentence: str) -> None:
        """Shows a sentence in place of the content; "" shows the content again."""
        self._sentence.setText(sentence)
        self.setCurrentIndex(1 if sentence else 0)

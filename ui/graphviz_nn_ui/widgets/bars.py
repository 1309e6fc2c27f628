"""Bars above the canvas, in place of dialogs that block."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from graphviz_nn_ui.widgets.elided import ElidedLabel


class ProblemBar(QWidget):
    """Says what went wrong and what to do, until it is closed. Its text can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Problem")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setAccessibleName("What went wrong, and what to do")
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._sign = QLabel("✖")
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._sign.setObjectName("error")
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def tell(self, title: str, remedy: str) -> None:
        """Shows a problem in place of the one before."""
        self._text.setText(f"{title.rstrip('.')}. {remedy}" if remedy else title)
        self.show()


class WorkBar(QWidget):
    """Long work under way: what it is, how far, and a button to stop it."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Work under way")
        self._text = ElidedLabel()  # what a program prints may be long, and would push the docks together
        self.cancel = QPushButton("Cancel")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 6, 4)
        row.addWidget(self._text, 1)
        row.addWidget(self.cancel)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def tell(self, text: str) -> None:
        self._text.setText(text)
        self.show()

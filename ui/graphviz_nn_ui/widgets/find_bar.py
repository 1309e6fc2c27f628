"""The find bar: a search in the session's language, and a walk through what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.searching import BIG, Apart, Found, find
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.document import Document

PAUSE = 150
"""Milliseconds after the last letter until the search begins."""

TERMS = """Terms stand side by side and must all hold; - turns one round.
conv   "two words"          text in the name or the operator
op:conv2d  name:*.0.*  kind:parameter  phase:backward  dtype:float16
module:layer3               what ran in that module
shape:*x64x*                the shape of an output
source:model.py:12          calls made by that line
grad<1e-7  norm>100  zeros>0.9      numbers
nan  inf  error"""


class FindBar(QWidget):
    """Finds as one types; Enter goes to the next, Shift+Enter to the one before, Escape closes.

    Signals: closed().
    """

    closed = pyqtSignal()

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._found = Found()
        self._apart: Apart | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.box = QLineEdit()
        self.box.setPlaceholderText("Find nodes:  conv   op:softmax   module:layer3   shape:*x64x*   grad<1e-7   nan")
        self.box.setToolTip(TERMS)
        self.box.setAccessibleName("Find nodes")
        self.box.setClearButtonEnabled(True)
        self.box.installEventFilter(self)
        self._words = QLabel()
        self._words.setAccessibleName("What was found")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._error = QLabel()
        self._error.setObjectName("error")
        self._error.setWordWrap(True)
        self._error.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._error.setAccessibleName("Why nothing can be searched")
        self._error.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 6, 4)
        column.setSpacing(2)
        row = QHBoxLayout()
        column.addLayout(row)
        column.addWidget(self._error)
        row.addWidget(self.box, 4)
        for text, tip, work in (
            ("▲", "The one before  (Shift+Enter)", lambda: self.go(back=True)),
            ("▼", "The next one  (Enter)", self.go),
        ):
            row.addWidget(_button(text, tip, work))
        row.addWidget(self._words, 1)
        row.addWidget(_button("✕", "Close  (Escape)", self.hide))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self.search)
        self.box.textChanged.connect(lambda text: self._pause.start())
        self.hide()
        self._following = Following(workspace, self, document=self._forget, step=lambda position: self.search())

    @property
    def words(self) -> str:
        """What the bar says of the search."""
        return self._error.text() or self._words.text()

    def ask(self) -> None:
        """Opens it, with the last search ready to be typed over."""
        self.show()
        self.box.setFocus()
        self.box.selectAll()

    def search(self) -> None:
        """Searches the open step."""
        self._pause.stop()
        document, query = self._workspace.document, self.box.text()
        if document is None or not document.session.has_step or not query.strip():
            self._take(None)
            return
        step, path = document.session.step, document.data.path
        if len(step.structure.nodes) < BIG or path is None:
            self._take(find(step, query))
            return
        if self._apart is None or self._apart.key != (path, step.position):
            self._drop_apart()
            self._apart = Apart(path, step.position)
        apart = self._apart
        self._words.setText("searching …")
        self._workspace.jobs.submit("find", lambda ticket: apart.find(query), self._take)

    def go(self, *, back: bool = False) -> None:
        """Selects the next node that was found, and brings it into view."""
        if self._pause.isActive():
            self.search()
        document = self._workspace.document
        if document is None or not document.session.has_step:
            return
        from graphviz_nn.session import NodeSelection

        session = document.session
        selected = session.selection.node if isinstance(session.selection, NodeSelection) else -1
        node = self._found.go(selected, back)
        if node is not None:
            session.select(NodeSelection(node))
            self._workspace.reveal.emit(node)
            self._words.setText(self._found.words)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.go(back=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                self.closed.emit()
                return True
        return super().eventFilter(watched, event)

    def _take(self, found: Found | None) -> None:
        self._found = found or Found()
        self._error.setText(self._found.error)
        self._error.setVisible(bool(self._found.error))
        self._words.setText(found.words if found is not None and not found.error else "")

    def _forget(self, document: Document | None) -> None:
        self._drop_apart()
        self.search()

    def _drop_apart(self) -> None:
        if self._apart is not None:
            self._workspace.jobs.after_running(self._apart.close)
            self._apart = None


def _button(text: str, tip: str, work: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAutoRaise(True)
    button.setToolTip(tip)
    button.setAccessibleName(tip.partition("  ")[0])
    button.clicked.connect(lambda checked: work())
    return button

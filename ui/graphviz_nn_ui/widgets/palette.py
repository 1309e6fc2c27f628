"""The palette: type a few letters, press Enter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QApplication, QFrame, QLabel, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.palette import Catalogue, Offer, offers
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.session import Session

WIDTH = 620
HEIGHT = 420
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Palette(QFrame):
    """Stands over the window until something is chosen, Escape is pressed, or it loses the focus."""

    def __init__(self, window: QWidget, workspace: Workspace, trigger: Callable[[str], object]) -> None:
        super().__init__(window)
        self._workspace = workspace
        self._trigger = trigger
        self._catalogue = Catalogue(None)
        self._shortcuts: dict[str, str] = {}
        self._former: QWidget | None = None
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Palette")
        self.box = QLineEdit()
        self.box.setPlaceholderText("Type what you look for: a command, a module, a node")
        self.box.setAccessibleName("Search nodes, modules, commands")
        self.box.textChanged.connect(self._fill)
        self.box.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setAccessibleName("What fits")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        self._nothing = QLabel("Nothing fits. Try fewer letters, or a part of a name.")
        self._nothing.setObjectName("muted")
        self._nothing.setContentsMargins(6, 4, 6, 4)
        column.addWidget(self.box)
        column.addWidget(self.list)
        column.addWidget(self._nothing)
        self.hide()

    def ask(self) -> None:
        """Opens it, empty."""
        document = self._workspace.document
        has_step = document is not None and document.session.has_step
        self._catalogue = Catalogue(document.session.structure if document is not None and has_step else None)
        self._shortcuts = {each.name: _native(each.shortcut) for each in self._workspace.commands}
        around = self.parentWidget()
        if around is not None:
            width = min(WIDTH, around.width() - 40)
            self.setGeometry((around.width() - width) // 2, 56, width, min(HEIGHT, around.height() - 90))
        self._former = QApplication.focusWidget()
        self.box.clear()
        self._fill("")
        self.show()
        self.raise_()
        self.box.setFocus()

    @property
    def titles(self) -> list[str]:
        """What is offered now."""
        items = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item.text(0) for item in items if item is not None]

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._take_key(event):
            return True
        if event is not None and event.type() == QEvent.Type.FocusOut:
            self.hide()
        return super().eventFilter(watched, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self._leave()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.list.currentItem())
        elif key in _KEYS:
            self.list.keyPressEvent(event)
        else:
            return False
        return True

    def _leave(self) -> None:
        """Closes, and gives the focus back to where it was."""
        self.hide()
        if self._former is not None and not sip.isdeleted(self._former):
            self._former.setFocus()

    def _fill(self, text: str) -> None:
        self.list.clear()
        for offer in offers(text, self._workspace.commands, self._catalogue, self._shortcuts):
            item = QTreeWidgetItem(
                [offer.title, offer.detail if offer.kind == "command" else f"{offer.detail} · {offer.kind}"]
            )
            item.setData(0, Qt.ItemDataRole.UserRole, offer)
            item.setToolTip(0, offer.title)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.list.addTopLevelItem(item)
        self.list.setCurrentItem(self.list.topLevelItem(0))
        self._nothing.setVisible(not self.titles)
        self.list.setVisible(bool(self.titles))
        self._fit()
        self.list.setColumnWidth(0, max(self.width() - 220, 200))

    def _fit(self) -> None:
        """As high as what is offered, within the window."""
        around, layout = self.parentWidget(), self.layout()
        if around is None or layout is None:
            return
        rows = max(self.list.topLevelItemCount(), 1) * max(self.list.sizeHintForRow(0), self.fontMetrics().height())
        margins = layout.contentsMargins()
        beside = self.box.sizeHint().height() + margins.top() + margins.bottom() + layout.spacing() + 6
        self.resize(self.width(), min(rows + beside, HEIGHT, around.height() - 90))

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        if item is None:
            return
        offer: Offer = item.data(0, Qt.ItemDataRole.UserRole)
        self._leave()
        document = self._workspace.document
        if offer.kind == "command":
            self._trigger(offer.key)
        elif document is not None:
            self._go(document.session, offer)

    def _go(self, session: Session, offer: Offer) -> None:
        from graphviz_nn_ui.viewmodels.shot import named, shown_keys

        session.select(named(session.structure, offer.key, module=offer.kind == "module"))
        if offer.kind == "module":
            session.expand(*shown_keys(session.structure, offer.key))
        else:
            self._workspace.reveal.emit(session.structure.by_name[offer.key].id)


def _native(shortcut: str) -> str:
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)

"""The space bar: what it does to the control that has the focus comes before what it does in the window."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QComboBox, QWidget


class SpaceKey(QObject):
    """Keeps the space bar from the window's shortcuts while a button, a choice or a row with a check box has the focus.

    Qt asks the focused widget first whether it wants a key that is a shortcut; most of its own do not say so.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._watch)

    def _watch(self, former: QWidget | None, now: QWidget | None) -> None:
        if former is not None:
            former.removeEventFilter(self)
        if isinstance(now, QAbstractButton | QComboBox | QAbstractItemView):
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            space = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
            if space and _wants_space(watched):
                event.accept()
                return True
        return super().eventFilter(watched, event)


def _wants_space(widget: QObject | None) -> bool:
    if not isinstance(widget, QAbstractItemView):
        return True
    return bool(widget.currentIndex().flags() & Qt.ItemFlag.ItemIsUserCheckable)

"""Where changes of size end: a widget whose wishes stay its own."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QSize
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QWidget


class Boundary(QWidget):
    """Holds a widget, which fills it and is shown with it.

    A layout would tell the one around it of each text that is set, and that one the next, until the whole window is
    arranged and painted anew: here that ends, but for another size of text.
    """

    def __init__(self, content: QWidget | None = None) -> None:
        super().__init__()
        self._content: QWidget | None = None
        if content is not None:
            self.fill(content)

    def fill(self, content: QWidget) -> None:
        """Takes the widget in; it has to be shown where the boundary is in sight already."""
        self._content = content
        content.setParent(self)
        content.setGeometry(self.rect())

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return super().sizeHint() if self._content is None else self._content.sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return super().minimumSizeHint() if self._content is None else self._content.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        if self._content is not None:
            self._content.setGeometry(self.rect())

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.updateGeometry()

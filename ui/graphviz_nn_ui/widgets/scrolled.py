"""Room for a widget that may be higher than what holds it: it scrolls rather than lose a line of its controls."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QScrollArea, QWidget


class Scrolled(QScrollArea):
    """Shows a widget as high as there is room, but never lower than its layout can be: then it scrolls.

    Qt's own resizable area would scroll from the height on that a layout of wrapped lines prefers: here what can shrink
    shrinks first.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        """The content asks for another size."""
        if watched is self._content and event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        room, bar = self.maximumViewportSize(), self.verticalScrollBar()
        width = room.width()
        if self._least_height(width) > room.height() and bar is not None:
            width -= bar.sizeHint().width()
        self._content.resize(width, max(room.height(), self._least_height(width)))

    def _least_height(self, width: int) -> int:
        layout = self._content.layout()
        if layout is None:
            return self._content.minimumSizeHint().height()
        return layout.minimumHeightForWidth(width) if layout.hasHeightForWidth() else layout.minimumSize().height()

"""Mouse, wheel and touchpad on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QMouseEvent, QNativeGestureEvent, QWheelEvent
from PyQt6.QtWidgets import QApplication

from graphviz_nn_ui.canvas.hits import Hit

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_ZOOM_A_NOTCH: Final = 1.18
_NOTCH: Final = 120.0


class Mouse:
    """Drags move the picture, clicks select, double clicks open and close, the wheel magnifies."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._drags = False
        self._space = self._space_used = False

    def press_space(self) -> None:
        """Space is held: a drag with it moves the picture, and is all that it does."""
        self._space, self._space_used = True, False
        self._canvas.setCursor(Qt.CursorShape.OpenHandCursor)

    def release_space(self) -> bool:
        """Space is let go; returns whether it was pressed for itself."""
        alone = self._space and not self._space_used
        self._space = False
        if not self._drags:
            self._canvas.unsetCursor()
        return alone

    def press(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed = self._last = event.position()
            self._space_used = True
            self._drags = False

    def move(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._pressed is None:
            self.hover(self._canvas.hit(at))
            return
        if not self._drags and (at - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._drags = True
            self._canvas.setCursor(Qt.CursorShape.ClosedHandCursor)
        if self._drags:
            delta = at - self._last
            self._last = at
            self._canvas.camera.pan(delta.x(), delta.y())
            self._canvas.moved()

    def release(self, event: QMouseEvent) -> None:
        pressed, drags = self._pressed, self._drags or self._space
        self._pressed, self._drags = None, False
        self._canvas.unsetCursor()
        if pressed is not None and not drags and event.button() == Qt.MouseButton.LeftButton:
            self._canvas.click(self._canvas.hit(event.position()))

    def double_click(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._canvas.toggle(self._canvas.expanding.key_of(self._canvas.hit(event.position())))

    def wheel(self, event: QWheelEvent) -> None:
        """Magnifies; moves the picture with Shift, and where a touchpad scrolls."""
        event.accept()
        pixels, angle = event.pixelDelta(), event.angleDelta()
        turns = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        magnifies = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not pixels.isNull() and not magnifies:
            self._pan(pixels.x(), pixels.y())
        elif turns and not magnifies:
            self._pan(angle.x() or angle.y(), 0)
        else:
            notches = (angle.y() or angle.x()) / _NOTCH
            self._canvas.zoom(_ZOOM_A_NOTCH**notches, event.position())

    def gesture(self, event: QNativeGestureEvent) -> bool:
        """Magnifies by a pinch; returns whether the event was one."""
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self._canvas.zoom(1.0 + event.value(), event.position())
        return True

    def hover(self, hit: Hit | None) -> None:
        """Has what is under the pointer stand out a little."""
        if hit != self._canvas.hovered:
            self._canvas.hovered = hit
            self._canvas.update()

    def _pan(self, dx: float, dy: float) -> None:
        self._canvas.camera.pan(dx, dy)
        self._canvas.moved()

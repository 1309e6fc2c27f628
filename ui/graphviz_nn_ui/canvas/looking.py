"""Where the canvas looks: the camera, and what is brought into view."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtWidgets import QWidget

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn_ui.canvas.callouts import room_with_callouts
from graphviz_nn_ui.canvas.camera import Camera
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.selecting import Highlight, outline_of
from graphviz_nn_ui.canvas.stepping import Pointer
from graphviz_nn_ui.workspace import Workspace

_EDGE: Final = 12.0
"""Pixels from the canvas's edges within which something counts as out of sight."""

_HARD_TO_READ: Final = 0.5
_EASY_TO_READ: Final = 0.9


class Looking(QWidget):
    """Keeps the camera, and moves it.

    Attributes:
        camera: what part of the picture is seen.
        follow: whether the picture is moved when the cursor leaves the view.
        highlight: what is selected. pointer: where the session's cursor is.
        taken_left: pixels at the canvas's left that something else covers.
    """

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.camera = Camera()
        self.follow = True
        self.highlight = Highlight()
        self.pointer = Pointer()
        self.taken_left = 0.0
        self._shown: Drawing | None = None
        self._fitted = False

    @property
    def drawing(self) -> Drawing | None:
        return self._shown

    def fit(self) -> None:
        self.camera.fit()
        self.moved()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        self.camera.zoom(factor, at or QPointF(self.width() / 2, self.height() / 2))
        self.moved()

    def zoom_to_selection(self) -> None:
        rect = self.selected_rect()
        if rect is not None:
            self.camera.fit(rect.adjusted(-30, -30, 30, 30), largest=1.5)
            self.moved()

    def selected_rect(self) -> QRectF | None:
        """Where what is selected stands in the picture."""
        return outline_of(self._shown, self.highlight) if self._shown is not None else None

    def first_look(self) -> None:
        """Shows the whole picture where it can be read, or else its beginning, beside what stands in the corner; or
        what is selected, or where the cursor is, if somebody put it there already."""
        self._fitted = self.width() > 1 and self.isVisible()
        self.camera.first_look(self.taken_left)
        self._bring(self._asked_for())

    def moved(self) -> None:
        """Shows the picture from where the camera is now."""
        self.update()

    def _asked_for(self) -> QRectF | None:
        """Where the selection is, with the cursor where that fits; a cursor at the end, as in every run that is opened,
        was put there by nobody."""
        document = self.workspace.document
        if document is None or self._shown is None:
            return None
        session = document.session
        selected = self.selected_rect() if session.selection is not None else None
        pointer = self._pointer_rect() if session.cursor < len(session.step.order) - 1 else None
        if selected is None or pointer is None:
            return selected or pointer
        both, edges = selected.united(pointer), 2 * _EDGE / self.camera.scale
        view = self.camera.view
        fits = both.width() <= view.width() - edges and both.height() <= view.height() - edges
        return both if fits else selected

    def _pointer_rect(self) -> QRectF | None:
        """Where the cursor is, with room for what stands beside it."""
        rect = self.pointer.rect(self._shown) if self._shown is not None else None
        if rect is None or self._shown is None:
            return None
        down = self._shown.tables.direction == DOWN
        return room_with_callouts(rect, self.pointer.callouts, self.camera.scale, down)

    def _follow_pointer(self) -> None:
        if self.follow and self._fitted:
            self._bring(self._pointer_rect())

    def _bring(self, rect: QRectF | None) -> None:
        """Moves the picture where a part of it is out of sight."""
        if rect is not None and self.camera.bring(rect, _EDGE):
            self.moved()

    def _come_close(self, rect: QRectF) -> None:
        """Brings a part of the picture into view, large enough to be read."""
        if self.camera.scale < _HARD_TO_READ:
            self.camera.scale = _EASY_TO_READ
        self._bring(rect)

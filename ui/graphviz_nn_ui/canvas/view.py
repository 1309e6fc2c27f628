"""The canvas: the picture of the open step, at which a person looks, points and steps."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PyQt6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from graphviz_nn_ui.canvas.breadcrumb import Breadcrumb
from graphviz_nn_ui.canvas.frame import FramePainter
from graphviz_nn_ui.canvas.hits import BOX, CONTAINER, Hit
from graphviz_nn_ui.canvas.keys import keeps_key, press_key, release_key
from graphviz_nn_ui.canvas.legend import Legend
from graphviz_nn_ui.canvas.menu import context_menu
from graphviz_nn_ui.canvas.minimap import Minimap
from graphviz_nn_ui.canvas.mouse import Mouse
from graphviz_nn_ui.canvas.showing import Showing
from graphviz_nn_ui.canvas.tooltips import show_tooltip
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

_MARGIN: Final = 10
_BELOW: Final = 56
"""Pixels from the top that the way to the selection takes."""


class Canvas(Showing):
    """Puts map, legend and place over the picture, and takes Qt's events to those who understand them."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Graph")
        self._painter = FramePainter(self)
        self.mouse = Mouse(self)
        self.minimap, self.legend, self.breadcrumb = Minimap(self), Legend(self), Breadcrumb(self)
        self._parts: dict[str, Minimap | Legend | Breadcrumb] = {
            "minimap": self.minimap,
            "legend": self.legend,
            "breadcrumb": self.breadcrumb,
        }
        while_alive(self, workspace.look.changed, self._look_changed)
        self.start()

    def toggle_part(self, name: str) -> None:
        """Shows or hides the "minimap", the "legend" or the "breadcrumb"."""
        part = self._parts[name]
        part.wanted = not part.wanted
        self.tell_parts()

    def has_part(self, name: str) -> bool:
        return self._parts[name].wanted

    def moved(self) -> None:
        super().moved()
        self.minimap.place(self.width(), self.height(), _MARGIN)
        self._note_covered()
        self.minimap.update()

    def tell_parts(self) -> None:
        # While a picture gives way to another, map and legend keep what they show: its frames come first.
        if self.change is None:
            self.minimap.refresh()
            self.legend.refresh()
            self._place_parts()
        self.breadcrumb.refresh()
        super().tell_parts()

    def tell_place(self) -> None:
        self.breadcrumb.refresh()
        self.setAccessibleDescription(self.breadcrumb.place_text)

    def first_look(self) -> None:
        self.legend.refresh()
        beside = self.legend.wanted and not self.legend.folded
        self.taken_left = self.legend.sizeHint().width() + 2.0 * _MARGIN if beside else 0.0
        self._place_parts()
        super().first_look()
        self._settle_legend()

    def _settle_legend(self) -> None:
        """Has the legend stand where it covers nothing of the picture as it is seen now."""
        self.minimap.refresh()
        self.minimap.place(self.width(), self.height(), _MARGIN)
        self.legend.refresh()
        self.legend.settle(self.width(), self.height(), _MARGIN, _BELOW, self._is_free)
        self.legend.refresh()
        self._place_parts()

    def _is_free(self, rect: QRectF) -> bool:
        """Whether a part of the canvas shows no box and no title, and nothing stands over it but the legend."""
        if self.drawing is None:
            return True
        corner, size = self.camera.to_world(rect.topLeft()), rect.size() / self.camera.scale
        left, top, right, bottom = QRectF(corner, size).getCoords()
        x, y, width, height = self.drawing.tables.containers.title_rects.T
        titled = (x < right) & (x + width > left) & (y < bottom) & (y + height > top)
        others = (part for part in (self.minimap, self.breadcrumb) if not part.isHidden())
        over = any(rect.intersects(QRectF(part.geometry())) for part in others)
        return not (over or titled.any() or len(self.drawing.tables.box_band.inside(left, top, right, bottom)))

    # Qt's events

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(900, 700)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        painter = QPainter(self)
        self._painter.paint(painter)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        centre, asked_for = self.camera.view.center(), self._asked_for() if self._fitted else None
        seen = asked_for is not None and self.camera.view.intersects(asked_for)
        whole = self.camera.sees_all
        self.camera.width, self.camera.height = float(self.width()), float(self.height())
        self._place_parts()
        if self._fitted:
            self.camera.center(centre)
            if whole and not self.camera.sees_all:
                self.camera.fit(largest=self.camera.scale)
            self._bring(asked_for if seen else None)
        elif self._shown is not None:
            self.first_look()
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        if not self._fitted and self._shown is not None:
            self.first_look()
        super().showEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            QTimer.singleShot(0, self.tell_parts)  # once the parts have taken it, too
            if event.type() == QEvent.Type.FontChange and self._fitted:
                QTimer.singleShot(0, self._settle_legend)
        super().changeEvent(event)

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            show_tooltip(self, event)
            return True
        if isinstance(event, QNativeGestureEvent) and self.mouse.gesture(event):
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and keeps_key(event):
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self.mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self.mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self.mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self.mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            self.mouse.wheel(event)

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        self.mouse.hover(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and not press_key(self, event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and not release_key(self, event):
            super().keyReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            hit, at = (self.hit(QPointF(event.pos())), event.globalPos()) if by_mouse else self._selected_hit()
            if hit is not None and by_mouse:
                self.click(hit)
            menu = context_menu(self, hit)
            menu.exec(at)
            menu.deleteLater()

    def _selected_hit(self) -> tuple[Hit | None, QPoint]:
        """What the keyboard means, and where on the screen it ends."""
        found, rect = self.highlight, self.selected_rect()
        kind, places = (BOX, found.boxes) if found.boxes else (CONTAINER, found.containers)
        if rect is None or not places:
            return None, self.mapToGlobal(self.rect().center())
        corner = self.camera.rect_to_screen(rect).intersected(QRectF(self.rect())).bottomLeft()
        return Hit(kind, min(places)), self.mapToGlobal(corner.toPoint())

    def _place_parts(self) -> None:
        """Puts the map, the legend and the way to the selection into the corners."""
        height = max(self.fontMetrics().height() + 10, 28)
        self.breadcrumb.place(QRectF(_MARGIN, _MARGIN, self.width() - 2 * _MARGIN, height))
        self.legend.place(self.width(), self.height(), _MARGIN, _BELOW)
        self.minimap.place(self.width(), self.height(), _MARGIN)
        self._note_covered()

    def _note_covered(self) -> None:
        """Tells the camera what stands over the picture."""
        parts = self.minimap, self.legend, self.breadcrumb
        self.camera.covered = [QRectF(part.geometry()) for part in parts if not part.isHidden()]

    def _look_changed(self, field: str) -> None:
        if field in ("legend", "minimap"):
            self.tell_parts()

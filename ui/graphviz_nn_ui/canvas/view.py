"""The canvas: the picture of the open step, at which a person looks, points and steps."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
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

from graphviz_nn.session import NodeSelection, Selection
from graphviz_nn_ui.canvas.breadcrumb import Breadcrumb
from graphviz_nn_ui.canvas.camera import Camera
from graphviz_nn_ui.canvas.colours import Colours, colours_of
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.expanding import Expanding
from graphviz_nn_ui.canvas.frame import FramePainter
from graphviz_nn_ui.canvas.hits import Hit, hit_at
from graphviz_nn_ui.canvas.holding import held_points
from graphviz_nn_ui.canvas.keys import press_key
from graphviz_nn_ui.canvas.legend import Legend
from graphviz_nn_ui.canvas.menu import context_menu
from graphviz_nn_ui.canvas.minimap import Minimap
from graphviz_nn_ui.canvas.motion import CHANGE_MS, MANY_BOXES, PULSE_MS, Change, Clock
from graphviz_nn_ui.canvas.mouse import Mouse
from graphviz_nn_ui.canvas.selecting import Highlight, highlight_of, related, selection_of
from graphviz_nn_ui.canvas.source import PictureSource
from graphviz_nn_ui.canvas.stepping import Pointer, Pointing
from graphviz_nn_ui.canvas.tooltips import show_tooltip
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.theme import theme_of
from graphviz_nn_ui.workspace import Workspace

_EDGE: Final = 12.0
"""Pixels from the canvas's edges within which the pointer counts as out of sight."""

_MARGIN: Final = 10


class Canvas(QWidget):
    """Paints the picture and what is shown on it; keyboard and mouse are taken apart in modules of their own.

    Attributes:
        source: makes the picture. camera: what part of it is seen. expanding: opens and closes modules.
        follow: whether the picture is moved when the cursor leaves the view.
        animated: whether changes take a moment.
        upstream, downstream: whether what leads to the selection, or what it leads to, stands out.
    """

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.camera = Camera()
        self.follow = self.animated = True
        self.upstream = self.downstream = False
        self.highlight = Highlight()
        self.ways: list[Highlight] = []
        self.hovered: Hit | None = None
        self.pointer = Pointer()
        self._pointing = Pointing()
        self._painter = FramePainter(self)
        self._shown: Drawing | None = None
        self._anchor: str | None = None
        self.change: Change | None = None
        self.change_clock = Clock(self, CHANGE_MS, self.update)
        self.pulse_clock = Clock(self, PULSE_MS, self.update)
        self._fitted = False
        self.waiting = False
        self._revealing: int | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Graph")
        self.source = PictureSource(workspace, self)
        self.expanding = Expanding(self.source)
        self.mouse = Mouse(self)
        self.minimap, self.legend, self.breadcrumb = Minimap(self), Legend(self), Breadcrumb(self)
        self._parts: dict[str, Minimap | Legend | Breadcrumb] = {
            "minimap": self.minimap,
            "legend": self.legend,
            "breadcrumb": self.breadcrumb,
        }
        self.source.replaced.connect(self._replaced)
        self.source.repainted.connect(self._repainted)
        self.source.waiting.connect(self._wait)
        workspace.reveal.connect(self.reveal)
        self.destroyed.connect(lambda: workspace.reveal.disconnect(self.reveal))
        self._following = Following(workspace, self, cursor=self._cursor_moved, selection=self._selected)
        self._replaced()

    # What is shown

    @property
    def drawing(self) -> Drawing | None:
        return self._shown

    @property
    def colours(self) -> Colours:
        numbers = self._shown.numbers if self._shown is not None else None
        return colours_of(theme_of(self), numbers.quantity.colour_map if numbers is not None else "viridis")

    @property
    def empty_text(self) -> str:
        """Why there is no picture."""
        if self.waiting:
            return "Laying out the graph…"
        if self.workspace.document is None:
            return "No run is open."
        if self.source.session is None:
            return "The run has no recorded step yet: the picture appears when the first one ends."
        return "Reading the graph…"

    @property
    def selection(self) -> Selection | None:
        session = self.source.session
        return session.selection if session is not None else None

    def select(self, selection: Selection | None) -> None:
        session = self.source.session
        if session is not None:
            session.select(selection)

    def hit(self, point: QPointF) -> Hit | None:
        """Returns what stands at a point of the canvas."""
        if self._shown is None:
            return None
        return hit_at(self._shown.tables, self.camera.to_world(point), self.camera.scale)

    def click(self, hit: Hit | None) -> None:
        """Selects what was clicked."""
        session = self.source.session
        if session is not None and self._shown is not None:
            session.select(selection_of(self._shown, session.structure, hit))

    def toggle(self, key: str | None) -> bool:
        """Opens or closes a group, which stays where it is on the canvas; returns whether there is such a group."""
        if key is None:
            return False
        self._anchor = key
        self.expanding.toggle(key)
        return True

    def keep_in_place(self, key: str) -> None:
        """Has a group stay where it is on the canvas at the next change of the picture."""
        self._anchor = key

    def reveal(self, node: int) -> None:
        """Brings a node into view, opening what it stands in."""
        session = self.source.session
        if session is None or not 0 <= node < len(session.structure.nodes):
            return
        if self.expanding.reveal(node):
            self._revealing = node
        else:
            self._show_node(node)

    def set_ways(self, upstream: bool, downstream: bool) -> None:
        """Has what leads to the selection, or what it leads to, stand out, or not."""
        self.upstream, self.downstream = upstream, downstream
        self._find_ways()

    def set_hidden(self, box: int, hidden: bool) -> None:
        """Fades a box out, or back in, until the picture changes."""
        if self._shown is not None:
            self._shown.hidden[box] = hidden
            self._tell_parts()

    def toggle_part(self, name: str) -> None:
        """Shows or hides the "minimap", the "legend" or the "breadcrumb"."""
        part = self._parts[name]
        part.wanted = not part.wanted
        self._tell_parts()

    def has_part(self, name: str) -> bool:
        return self._parts[name].wanted

    # Where one looks

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
        rect = QRectF()
        if self._shown is None:
            return None
        tables = self._shown.tables
        for place in self.highlight.boxes:
            rect = rect.united(QRectF(*tables.boxes.rects[place].tolist()))
        for place in self.highlight.containers:
            rect = rect.united(QRectF(*tables.containers.rects[place].tolist()))
        return rect if rect.isValid() else None

    def moved(self) -> None:
        """Shows the picture from where the camera is now."""
        self.update()
        self.minimap.place(self.width(), self.height(), _MARGIN)
        self.minimap.update()

    # Following

    def _replaced(self) -> None:
        former, self._shown = self._shown, self.source.drawing
        self.change_clock.stop()
        self.change = None
        anchor, self._anchor = self._anchor, None
        if self._shown is None:
            self._fitted = False
            self.pointer, self.highlight, self.ways = Pointer(), Highlight(), []
        else:
            tables = self._shown.tables
            self.camera.world = (tables.width, tables.height)
            if former is None or not self._fitted:
                self._first_look()
            else:
                self._hold(former, self._shown, anchor)
            self._find_pointer()
            self._find_highlight(self.selection)
        if self._revealing is not None and self._shown is not None:
            node, self._revealing = self._revealing, None
            self._show_node(node)
        self._tell_parts()

    def _first_look(self) -> None:
        """The whole picture where it can be read, or else its beginning."""
        self._fitted = self.width() > 1 and self.isVisible()
        self.camera.fit()
        if self.camera.scale < 0.5:
            self.camera.scale = 0.8
            self.camera.center(QPointF(self.camera.world[0] / 2, self.height() / 2 / 0.8 - 60))
        self._leave_legend_free()

    def _leave_legend_free(self) -> None:
        """Moves the picture beside the legend where there is room for both."""
        wanted = self.legend.sizeHint().width() + 2.5 * _MARGIN if self.legend.wanted else 0.0
        left, width = self.camera.to_screen(0.0, 0.0).x(), self.camera.world[0] * self.camera.scale
        if left < wanted and wanted + width < self.width() - _MARGIN:
            self.camera.pan(wanted - left, 0.0)

    def _hold(self, before: Drawing, after: Drawing, anchor: str | None) -> None:
        """Keeps the anchor where it is on the canvas, and has the rest move to its new place."""
        old, new = held_points(before, after, anchor, self.camera.view.center())
        x, y = self.camera.x, self.camera.y
        if old is not None and new is not None:
            at = self.camera.to_screen(old.x(), old.y())
            at.setX(min(max(at.x(), 8.0), max(self.width() - 80.0, 8.0)) if anchor else at.x())
            at.setY(min(max(at.y(), 40.0), max(self.height() - 80.0, 40.0)) if anchor else at.y())
            self.camera.x = new.x() - at.x() / self.camera.scale
            self.camera.y = new.y() - at.y() / self.camera.scale
            self.camera.clamp()
        size = max(len(before.tables.boxes), len(after.tables.boxes))
        if self.animated and self.isVisible() and size <= MANY_BOXES:
            self.change = Change(before, after, (self.camera.x - x, self.camera.y - y))
            self.change_clock.start()

    def _repainted(self) -> None:
        self._tell_parts()

    def _tell_parts(self) -> None:
        self.minimap.refresh()
        self.legend.refresh()
        self.breadcrumb.refresh()
        self._place_parts()
        self.update()

    def _wait(self, waiting: bool) -> None:
        self.waiting = waiting
        if self._shown is None:
            self.update()

    def _cursor_moved(self, before: int, after: int) -> None:
        del before, after
        self._find_pointer()
        self._follow_pointer()
        if self._shown is not None and self.animated and self.isVisible() and self.pointer.wires:
            self.pulse_clock.start()
        else:
            self.pulse_clock.stop()
        self.breadcrumb.refresh()
        self.update()

    def _find_pointer(self) -> None:
        session = self.source.session
        if session is None or self._shown is None:
            return
        self.pointer = self._pointing.find(session, self._shown)

    def _follow_pointer(self) -> None:
        rect = self.pointer.rect(self._shown) if self._shown is not None else None
        if self.follow and self._fitted and rect is not None and not self.camera.sees(rect, _EDGE):
            self.camera.center(rect.center())
            self.moved()

    def _selected(self, selection: Selection | None) -> None:
        self._find_highlight(selection)
        rect = self.selected_rect()
        if rect is not None and self._fitted and not self.camera.view.intersects(rect):
            self.camera.center(rect.center())
            self.moved()

    def _find_highlight(self, selection: Selection | None) -> None:
        session = self.source.session
        if session is None or self._shown is None:
            return
        self.highlight = highlight_of(self._shown, session.structure, selection)
        self._find_ways()
        self.breadcrumb.refresh()
        self.setAccessibleDescription(self.breadcrumb.place_text)

    def _find_ways(self) -> None:
        self.ways = []
        if self._shown is not None and self.highlight.boxes:
            for wanted, upstream in ((self.upstream, True), (self.downstream, False)):
                if wanted:
                    self.ways.append(related(self._shown, self.highlight.boxes, upstream=upstream))
        self.update()

    def _show_node(self, node: int) -> None:
        if self._shown is not None:
            box = int(self._shown.tables.home[node])
            if box >= 0:
                rect = QRectF(*self._shown.tables.boxes.rects[box].tolist())
                if self.camera.scale < 0.5:
                    self.camera.scale = 0.9
                if not self.camera.sees(rect, _EDGE):
                    self.camera.center(rect.center())
        self.select(NodeSelection(node))
        self.moved()

    # Qt's events

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize(900, 700)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        del event
        painter = QPainter(self)
        self._painter.paint(painter)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        centre = self.camera.view.center()
        self.camera.width, self.camera.height = float(self.width()), float(self.height())
        if self._fitted:
            self.camera.center(centre)
        elif self._shown is not None:
            self._first_look()
        self._place_parts()
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        if not self._fitted and self._shown is not None:
            self._first_look()
        super().showEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._tell_parts()
        super().changeEvent(event)

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            show_tooltip(self, event)
            return True
        if isinstance(event, QNativeGestureEvent) and self.mouse.gesture(event):
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

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            hit = self.hit(QPointF(event.pos()))
            if hit is not None and event.reason() == QContextMenuEvent.Reason.Mouse:
                self.click(hit)
            menu = context_menu(self, hit)
            menu.exec(event.globalPos())
            menu.deleteLater()

    def _place_parts(self) -> None:
        """Puts the map, the legend and the way to the selection into the corners."""
        self.breadcrumb.place(QRectF(_MARGIN, _MARGIN, self.width() - 2 * _MARGIN, 28))
        self.legend.place(self.width(), self.height(), _MARGIN)
        self.minimap.place(self.width(), self.height(), _MARGIN)

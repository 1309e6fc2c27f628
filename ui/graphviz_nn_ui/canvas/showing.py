"""What the canvas shows: it follows the session."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtWidgets import QWidget

from graphviz_nn.session import NodeSelection, Selection
from graphviz_nn_ui.canvas.colours import Colours, colours_of
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.expanding import Expanding
from graphviz_nn_ui.canvas.hits import Hit, hit_at
from graphviz_nn_ui.canvas.holding import hold, turn
from graphviz_nn_ui.canvas.looking import Looking
from graphviz_nn_ui.canvas.motion import CHANGE_MS, MANY_BOXES, PULSE_MS, Change, Clock
from graphviz_nn_ui.canvas.selecting import Highlight, highlight_of, key_of, related, selection_of
from graphviz_nn_ui.canvas.source import PictureSource
from graphviz_nn_ui.canvas.stepping import Pointer, Pointing
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.theme import theme_of
from graphviz_nn_ui.workspace import Workspace


class Showing(Looking):
    """The state of the canvas, and what changes it.

    Attributes:
        source: makes the picture. expanding: opens and closes modules.
        animated: whether changes take a moment.
        upstream, downstream: whether what leads to the selection, or what it leads to, stands out.
        ways: what stands out beside the selection. hovered: what is under the mouse.
        change: the picture giving way to another, or None.
    """

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.animated = True
        self.upstream = self.downstream = False
        self.ways: list[Highlight] = []
        self.hovered: Hit | None = None
        self.change: Change | None = None
        self.change_clock = Clock(self, CHANGE_MS, self.update, self._changed)
        self.pulse_clock = Clock(self, PULSE_MS, self.update)
        self.waiting = False
        self._pointing = Pointing()
        self._anchor: str | None = None
        self._in_place = False
        self._revealing: int | None = None
        self.source = PictureSource(workspace, self)
        self.expanding = Expanding(self.source)

    def start(self) -> None:
        """Begins to follow the workspace; called once everything that is told of changes is there."""
        self.source.replaced.connect(self._replaced)
        self.source.repainted.connect(self.tell_parts)
        self.source.waiting.connect(self._wait)
        while_alive(self, self.workspace.reveal, self.reveal)
        self._following = Following(
            self.workspace, self, step=self._step_changed, cursor=self._cursor_moved, selection=self._selected
        )
        self._replaced()

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
        """Selects what was clicked; the picture stays where it is under the mouse."""
        session = self.source.session
        if session is not None and self._shown is not None:
            self._in_place = True
            session.select(selection_of(self._shown, session.structure, hit))
            self._in_place = False

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
        """Fades a box out, or back in; it stays so when modules are opened and closed."""
        self.source.set_faded(box, hidden)

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
            self._find_pointer()
            self._find_highlight(self.selection)
            if former is None or not self._fitted:
                self.first_look()
            else:
                self._change_to(former, self._shown, anchor)
        if self._revealing is not None and self._shown is not None:
            node, self._revealing = self._revealing, None
            self._show_node(node)
        self.tell_parts()

    def _change_to(self, before: Drawing, after: Drawing, anchor: str | None) -> None:
        """Has the new picture take the old one's place; the anchor stays where it is on the canvas."""
        if before.tables.direction != after.tables.direction:
            shift = turn(self.camera, before, after, key_of(after, self.highlight))
        else:
            shift = hold(self.camera, before, after, anchor)
        size = max(len(before.tables.boxes), len(after.tables.boxes))
        if self.animated and self.isVisible() and size <= MANY_BOXES:
            self.change = Change(before, after, shift)
            self.change_clock.start()

    def _changed(self) -> None:
        """The new picture is in its place."""
        self.change = None
        self.tell_parts()

    def tell_parts(self) -> None:
        """Shows the picture's colours and state as they are now."""
        self.update()

    def tell_place(self) -> None:
        """Tells who cannot see it where the selection is."""
        self.setAccessibleDescription(str(self.selection or ""))

    def _wait(self, waiting: bool) -> None:
        self.waiting = waiting
        if self._shown is None:
            self.update()

    def _cursor_moved(self, before: int, after: int) -> None:
        del before, after
        self._find_pointer()
        self._follow_pointer()
        if self._shown is not None and self.animated and self.isVisible() and self.pointer.moves:
            self.pulse_clock.start()
        else:
            self.pulse_clock.stop()
        self.tell_place()
        self.update()

    def _step_changed(self, position: int) -> None:
        """The cursor may stay where it is; what stands beside it has other numbers."""
        del position
        self._find_pointer()
        self.update()

    def _find_pointer(self) -> None:
        session = self.source.session
        if session is None or self._shown is None or len(self._shown.tables.home) != len(session.structure.nodes):
            return
        self.pointer = self._pointing.find(session, self._shown)

    def _selected(self, selection: Selection | None) -> None:
        self._find_highlight(selection)
        if self._fitted and not self._in_place:
            self._bring(self.selected_rect())

    def _find_highlight(self, selection: Selection | None) -> None:
        session = self.source.session
        if session is None or self._shown is None:
            return
        self.highlight = highlight_of(self._shown, session.structure, selection)
        self._find_ways()
        self.tell_place()

    def _find_ways(self) -> None:
        shown, boxes = self._shown, self.highlight.boxes
        wanted = [upstream for on, upstream in ((self.upstream, True), (self.downstream, False)) if on and boxes]
        self.ways = [related(shown, boxes, upstream=upstream) for upstream in wanted] if shown is not None else []
        self.update()

    def _show_node(self, node: int) -> None:
        box = int(self._shown.tables.home[node]) if self._shown is not None else -1
        if self._shown is not None and box >= 0:
            self._come_close(QRectF(*self._shown.tables.boxes.rects[box].tolist()))
        self.select(NodeSelection(node))
        self.moved()

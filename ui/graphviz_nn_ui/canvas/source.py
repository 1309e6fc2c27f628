"""Keeps the canvas's picture in step with the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QWidget

from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.scene import Scene
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn.session import Session
from graphviz_nn.signal import Signal
from graphviz_nn_ui.canvas.colouring import Colouring
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.overview import MANY_BOXES, Overview
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_groups import Groups, Keys
from graphviz_nn_ui.viewmodels.graph_state import all_among
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workers.layout import LARGE_PICTURE, Layouts
from graphviz_nn_ui.workers.layout_request import LayoutRequest
from graphviz_nn_ui.workspace import Workspace

_GROUPS: Final = "groups of the graph"
_OVERVIEW: Final = "overview"


class PictureSource(QObject):
    """Makes the drawing that the canvas shows, and tells when it changed.

    Attributes:
        drawing: what is to be shown, or None. overview: it from afar, where it is large.
        groups: what can be expanded in the open step, or None.
        folds: whether equal siblings are one box.
        replaced: another drawing is there.
        repainted: colours or state of the drawing changed.
        waiting: (whether a picture is being made).
    """

    def __init__(self, workspace: Workspace, owner: QWidget) -> None:
        super().__init__(owner)
        self.workspace = workspace
        self.drawing: Drawing | None = None
        self.overview: Overview | None = None
        self.groups: Groups | None = None
        self.folds = True
        self.replaced: Signal[()] = Signal()
        self.repainted: Signal[()] = Signal()
        self.waiting: Signal[bool] = Signal()
        self._layouts = Layouts(workspace.jobs)
        self._colouring = Colouring(workspace)
        self._faded: set[int] = set()
        while_alive(owner, workspace.look.changed, self._look_changed)
        self._following = Following(
            workspace,
            owner,
            document=self._show,
            step=self._step_changed,
            cursor=self._cursor_moved,
            expansion=self._expanded,
            breakpoints=self._marks_changed,
            findings=self._marks_changed,
        )

    @property
    def session(self) -> Session | None:
        """The session of the open run, or None where it has no step to draw."""
        document = self.workspace.document
        return document.session if document is not None and document.session.has_step else None

    @property
    def colour_problem(self) -> str:
        """Why nothing is coloured although that was asked for, or ""."""
        return self._colouring.problem

    def scene_maker(self) -> Callable[[Overlay | None], Scene]:
        """Returns what makes the picture as it is now, coloured by some numbers, in any thread."""
        session = self.session
        assert session is not None
        composers, structure, request = self._layouts.composers, session.structure, self._layout_request(session)
        return lambda numbers: composers.scene(structure, request, numbers)

    def set_folds(self, folds: bool) -> None:
        """Draws equal siblings as one box, or each for itself."""
        if folds != self.folds:
            self.folds = folds
            self._request()

    def set_faded(self, box: int, faded: bool) -> None:
        """Fades a box out, or back in, in this picture and those to come."""
        if self.drawing is not None:
            nodes = self.drawing.tables.boxes.nodes(box)
            self._faded = self._faded.union(nodes) if faded else self._faded.difference(nodes)
            self.drawing.hidden = all_among(self.drawing.tables.boxes, self._faded)
            self._changed()

    def _show(self, document: Document | None) -> None:
        del document
        self._layouts.forget()
        self._colouring.forget()
        self._faded = set()
        self.drawing = self.overview = self.groups = None
        self.replaced.emit()
        self._find_groups()

    def _find_groups(self) -> None:
        session = self.session
        if session is None:
            return
        structure = session.structure
        if self.groups is not None and self.groups.structure is structure:
            self._request()
            return
        self.waiting.emit(True)
        step = session.step

        def work(_: object) -> Groups:
            # The step keeps these from when they are first asked for; the pointer needs them, and in a large step they
            # take too long for the window's thread.
            _ = step.readers, step.order.phase, step.order.spans
            return Groups(structure)

        self.workspace.jobs.submit(_GROUPS, work, self._take_groups, self._fail)

    def _take_groups(self, groups: Groups) -> None:
        session = self.session
        if session is None:
            return
        if self.groups is not None:
            self._faded = set()
        self.groups = groups
        if not session.expanded:
            session.begin_expanded(groups.first_look(), origin=self)
        self._request()

    def _request(self) -> None:
        session, groups = self.session, self.groups
        if session is None or groups is None:
            return
        request = self._layout_request(session)
        self.waiting.emit(True)
        self._layouts.request(session.structure, request, groups.shown(session.expanded), self._take, self._fail)

    def _layout_request(self, session: Session) -> LayoutRequest:
        look = self.workspace.look
        return LayoutRequest(
            digest=session.step.info.structure,
            opened=tuple(session.expanded),
            direction=look.direction,
            show_all=look.show_all,
            folds=self.folds,
            heat=look.color_by != "none",
        )

    def _take(self, tables: SceneTables) -> None:
        session = self.session
        self.waiting.emit(False)
        if session is None or len(tables.home) != len(session.structure.nodes):
            return
        self.drawing, self.overview = Drawing(tables), None
        self._read_state()
        self._read_marks()
        self.drawing.hidden = all_among(tables.boxes, self._faded)
        if self.workspace.document is not None:
            self._colouring.colour(self.workspace.document, self.drawing, self._changed)
        self.replaced.emit()
        if self.groups is not None and self.groups.most > LARGE_PICTURE:
            self._layouts.prepare(session.structure, session.step.info.structure)
        if len(tables.boxes) > MANY_BOXES:
            self.workspace.jobs.submit(_OVERVIEW, lambda _: Overview.of(tables), self._take_overview)

    def _take_overview(self, overview: Overview) -> None:
        if self.drawing is not None:
            overview.set_codes(self.drawing.far_codes)
            self.overview = overview
            self.repainted.emit()

    def _fail(self, error: Exception) -> None:
        self.waiting.emit(False)
        self.workspace.problem.emit("The picture could not be laid out.", str(error))

    def _step_changed(self, position: int) -> None:
        del position
        session, groups = self.session, self.groups
        if session is None or self.drawing is None or groups is None or groups.structure is not session.structure:
            self._faded = set()
            self.drawing = self.overview = self.groups = None  # their nodes are not those of the session any more
            self.repainted.emit()
            self._find_groups()
            return
        self._read_state()
        self._read_marks()
        self._colour()

    def _cursor_moved(self, before: int, after: int) -> None:
        del before, after
        if self._read_state():
            self._changed()

    def _expanded(self, keys: Keys) -> None:
        del keys
        self._request()

    def _marks_changed(self) -> None:
        self._read_marks()
        self._changed()

    def _look_changed(self, field: str) -> None:
        drawing, look = self.drawing, self.workspace.look
        if field in ("direction", "show_all"):
            self._request()
        elif field == "color_by" and drawing is not None and drawing.tables.heat != (look.color_by != "none"):
            self._colour()
            self._request()
        elif field == "color_by":
            self._read_state()
            self._colour()

    def _read_state(self) -> bool:
        """Takes in what exists at the cursor; returns whether that is a change."""
        if self.session is None or self.drawing is None:
            return False
        return self._colouring.read_state(self.session, self.drawing)

    def _read_marks(self) -> None:
        document = self.workspace.document
        if self.session is not None and self.drawing is not None and document is not None:
            self._colouring.read_marks(document, self.drawing)

    def _colour(self) -> None:
        document, drawing = self.workspace.document, self.drawing
        if document is not None and drawing is not None and self._colouring.colour(document, drawing, self._changed):
            self._changed()

    def _changed(self) -> None:
        if self.overview is not None and self.drawing is not None:
            self.overview.set_codes(self.drawing.far_codes)
        self.repainted.emit()

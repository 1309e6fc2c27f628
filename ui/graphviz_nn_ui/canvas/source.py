"""Keeps the canvas's picture in step with the session: layout, colours, state, findings, breakpoints."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QWidget

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.scene.box_numbers import BoxNumbers, box_numbers
from graphviz_nn.scene.overlay import Overlay, overlay
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn.session import Session
from graphviz_nn.signal import Signal
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.overview import Overview
from graphviz_nn_ui.canvas.scene_painter import MANY_BOXES
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_groups import Groups, Keys
from graphviz_nn_ui.viewmodels.graph_state import box_state, complete_state, severities, stopping
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workers.layout import LARGE_PICTURE, Layouts
from graphviz_nn_ui.workers.layout_request import LayoutRequest
from graphviz_nn_ui.workspace import Workspace

_GROUPS: Final = "groups of the graph"
_COLOURS: Final = "colours"
_OVERVIEW: Final = "overview"
_AT_ONCE: Final = 1500
"""Boxes up to which colours are worked out where a picture arrives: it is never seen without them."""


class PictureSource(QObject):
    """Makes the drawing that the canvas shows, and tells when it changed.

    Attributes:
        drawing: what is to be shown, or None. overview: it from afar, where it is large.
        groups: what can be expanded in the open step, or None.
        colour_problem: why nothing is coloured although that was asked for, or "".
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
        self.colour_problem = ""
        self.folds = True
        self.replaced: Signal[()] = Signal()
        self.repainted: Signal[()] = Signal()
        self.waiting: Signal[bool] = Signal()
        self._layouts = Layouts(workspace.jobs)
        self._overlay: tuple[tuple[int, str], Overlay] | None = None
        workspace.look.changed.connect(self._look_changed)
        owner.destroyed.connect(lambda: workspace.look.changed.disconnect(self._look_changed))
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
    def options(self) -> PictureOptions:
        """How the picture is shown, as exporters take it."""
        look = self.workspace.look
        return PictureOptions(
            color_by=look.color_by, direction=look.direction, theme=look.theme, show_all=look.show_all
        )

    def set_folds(self, folds: bool) -> None:
        """Draws equal siblings as one box, or each for itself."""
        if folds != self.folds:
            self.folds = folds
            self._request()

    def _show(self, document: Document | None) -> None:
        del document
        self._layouts.forget()
        self.drawing = self.overview = self.groups = self._overlay = None
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
        self.groups = groups
        if not session.expanded:
            session.set_expanded(groups.first_look(), origin=self)
        self._request()

    def _request(self) -> None:
        session, groups, look = self.session, self.groups, self.workspace.look
        if session is None or groups is None:
            return
        request = LayoutRequest(
            digest=session.step.info.structure,
            opened=tuple(session.expanded),
            direction=look.direction,
            show_all=look.show_all,
            folds=self.folds,
            heat=look.color_by != "none",
        )
        self.waiting.emit(True)
        self._layouts.request(session.structure, request, groups.shown(session.expanded), self._take, self._fail)

    def _take(self, tables: SceneTables) -> None:
        session = self.session
        self.waiting.emit(False)
        if session is None or len(tables.home) != len(session.structure.nodes):
            return
        self.drawing, self.overview = Drawing(tables), None
        self._read_state()
        self._read_marks()
        known = self._overlay
        if known is not None and known[0] == self._wanted() and len(tables.boxes) <= _AT_ONCE:
            self.drawing.set_numbers(box_numbers(tables, known[1]))
        else:
            self._colour()
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
            self._find_groups()
            return
        self._read_state()
        self._read_marks()
        self._colour()

    def _cursor_moved(self, before: int, after: int) -> None:
        del before, after
        self._read_state()
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

    def _read_state(self) -> None:
        session, drawing = self.session, self.drawing
        if session is None or drawing is None:
            return
        boxes = drawing.tables.boxes
        recorded = len(session.step.order) > 0
        color_by = self.workspace.look.color_by
        drawing.set_state(*(box_state(boxes, session.state, color_by) if recorded else complete_state(boxes)))

    def _read_marks(self) -> None:
        session, drawing, document = self.session, self.drawing, self.workspace.document
        if session is not None and drawing is not None and document is not None:
            drawing.severities = severities(drawing.tables, document.findings, session.position)
            drawing.stops = stopping(drawing.tables, session)

    def _wanted(self) -> tuple[int, str]:
        session = self.session
        return (session.position if session is not None else -1, self.workspace.look.color_by)

    def _colour(self) -> None:
        """Reads the numbers that colour the picture."""
        document, drawing = self.workspace.document, self.drawing
        if document is None or drawing is None:
            return
        wanted, tables, data = self._wanted(), drawing.tables, document.data
        known = self._overlay[1] if self._overlay is not None and self._overlay[0] == wanted else None

        def work(_: object) -> tuple[Overlay | None, BoxNumbers | None, str]:
            try:
                read = known or overlay(data, *wanted)
            except GraphvizNNError as error:
                return None, None, str(error)
            return read, box_numbers(tables, read) if read is not None else None, ""

        def take(result: tuple[Overlay | None, BoxNumbers | None, str]) -> None:
            read, numbers, self.colour_problem = result
            self._overlay = (wanted, read) if read is not None else None
            if self.drawing is not None and self.drawing.tables is tables:
                self.drawing.set_numbers(numbers)
                self._changed()

        self.workspace.jobs.submit(_COLOURS, work, take)

    def _changed(self) -> None:
        if self.overview is not None and self.drawing is not None:
            self.overview.set_codes(self.drawing.far_codes)
        self.repainted.emit()

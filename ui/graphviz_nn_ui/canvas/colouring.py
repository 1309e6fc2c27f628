"""What is shown on a picture: the numbers that colour it, what exists at the cursor, findings, breakpoints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.scene.box_numbers import BoxNumbers, box_numbers
from graphviz_nn.scene.overlay import Overlay, overlay
from graphviz_nn.session import Session
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_nonfinite import NonFinite
from graphviz_nn_ui.viewmodels.graph_state import box_state, complete_state, severities, stopping
from graphviz_nn_ui.workspace import Workspace

_TAG: Final = "colours"
_AT_ONCE: Final = 1500
"""Boxes up to which colours are worked out where a picture arrives: it is never seen without them."""


class StepColours(NamedTuple):
    """What was read of a step to show it: its numbers or why there are none, and where they are not finite."""

    overlay: Overlay | None
    numbers: BoxNumbers | None
    problem: str
    nonfinite: NonFinite | None


class Colouring:
    """Fills in a drawing; remembers the numbers of the step.

    Attributes:
        problem: why nothing is coloured although that was asked for, or "".
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._overlay: tuple[tuple[int, str], Overlay] | None = None
        self._nonfinite: tuple[int, NonFinite] | None = None
        self.problem = ""

    def forget(self) -> None:
        """Another run is open."""
        self._overlay = self._nonfinite = None

    def read_state(self, session: Session, drawing: Drawing) -> bool:
        """Takes in what exists at the cursor; returns whether that is a change."""
        boxes, color_by = drawing.tables.boxes, self._workspace.look.color_by
        recorded = len(session.step.order) > 0
        changed = drawing.set_state(*(box_state(boxes, session.state, color_by) if recorded else complete_state(boxes)))
        if self._nonfinite is not None and self._nonfinite[0] == session.position:
            changed |= drawing.set_alarms(self._nonfinite[1].by_box(drawing.tables, session.cursor))
        return changed

    def read_marks(self, document: Document, drawing: Drawing) -> None:
        """Takes in findings and breakpoints."""
        session = document.session
        drawing.severities = severities(drawing.tables, session.structure, document.findings, session.position)
        drawing.stops = stopping(drawing.tables, session)

    def colour(self, document: Document, drawing: Drawing, changed: Callable[[], object]) -> bool:
        """Gives a drawing the numbers that colour it, and what is not finite; returns whether that is done. Where it is
        large, or the numbers must be read first, it is done later, and `changed` is called."""
        session, tables, data = document.session, drawing.tables, document.data
        wanted, step = (session.position, self._workspace.look.color_by), session.step
        known = self._overlay[1] if self._overlay is not None and self._overlay[0] == wanted else None
        bad = self._nonfinite[1] if self._nonfinite is not None and self._nonfinite[0] == wanted[0] else None
        if known is not None and bad is not None and len(tables.boxes) <= _AT_ONCE:
            drawing.set_numbers(box_numbers(tables, known))
            self.read_state(session, drawing)
            return True

        def work(_: object) -> StepColours:
            found = bad
            with suppress(GraphvizNNError):  # damaged numbers are told of where they are to be seen
                found = found or NonFinite(data, step)
            try:
                read = known or overlay(data, *wanted)
            except GraphvizNNError as error:
                return StepColours(None, None, str(error), found)
            return StepColours(read, box_numbers(tables, read) if read is not None else None, "", found)

        def take(result: StepColours) -> None:
            self.problem = result.problem
            self._overlay = (wanted, result.overlay) if result.overlay is not None else None
            self._nonfinite = (wanted[0], result.nonfinite) if result.nonfinite is not None else None
            drawing.set_numbers(result.numbers)
            if len(tables.home) == len(session.structure.nodes):
                self.read_state(session, drawing)
            changed()

        self._workspace.jobs.submit(_TAG, work, take)
        return False

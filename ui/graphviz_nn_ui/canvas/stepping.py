"""Where the session's cursor is on the picture, and what flows there."""

from __future__ import annotations

from dataclasses import dataclass, field

from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor

from graphviz_nn.model.events import EventKind
from graphviz_nn.scene.tables import Floats
from graphviz_nn.session import Session
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.viewmodels.graph_textbook import Callout, callouts
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class Pointer:
    """The place of the cursor.

    Attributes:
        box, container: where it is, by place; one of them is None, or both.
        wires: along which something flows at this event, and `back` whether it is gradients.
        phase: of the event.
        callouts: what comes into the node and what goes out, in the backward phase.
    """

    box: int | None = None
    container: int | None = None
    wires: tuple[int, ...] = ()
    back: bool = False
    phase: str = ""
    callouts: list[Callout] = field(default_factory=list)

    @property
    def moves(self) -> bool:
        """Whether there is something to be seen flowing: along wires, or into the parameters of the box."""
        return bool(self.wires) or (self.box is not None and (self.back or self.phase == "optimizer"))

    def rect(self, drawing: Drawing) -> QRectF | None:
        """Where it is in the picture."""
        return self.rect_among(drawing.tables.boxes.rects, drawing.tables.containers.title_rects)

    def rect_among(self, boxes: Floats, titles: Floats) -> QRectF | None:
        """Where it is when boxes and the titles of containers stand at these places."""
        if self.box is not None:
            return QRectF(*boxes[self.box].tolist())
        if self.container is not None:
            return QRectF(*titles[self.container].tolist())
        return None

    def colour(self, theme: Theme) -> QColor:
        """The colour of its phase."""
        if self.phase == "optimizer":
            return theme.update
        return theme.backward if self.back or self.phase == "backward" else theme.forward


class Pointing:
    """Finds the pointer for the session's cursor; keeps the numbers of the step, and what was said beside it last."""

    def __init__(self) -> None:
        self._numbers: StepNumbers | None = None
        self._said: tuple[tuple[int, int], list[Callout]] | None = None

    def find(self, session: Session, drawing: Drawing) -> Pointer:
        place = session.place
        box, container = None, None
        for node in place.nodes:
            home = int(drawing.tables.home[node])
            container = drawing.container(f"f{node}")
            if home >= 0 or container is not None:
                box = home if home >= 0 else None
                break
        if box is None and container is None and place.module_call is not None:
            box = drawing.box(f"m{place.module_call}")
            container = drawing.container(f"m{place.module_call}")
        back = place.kind in (EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT)
        wires = self._wires(drawing, box, place.kind)
        beside = []
        if place.nodes and back:
            node = _reader(session, drawing, place.nodes[0], box)
            beside = self._callouts(session, node)
        return Pointer(box, None if box is not None else container, wires, back, place.phase, beside)

    def _wires(self, drawing: Drawing, box: int | None, kind: EventKind | None) -> tuple[int, ...]:
        if box is None:
            return ()
        if kind == EventKind.GRADIENT:
            return tuple(drawing.leaving(box))
        return tuple(drawing.entering(box)) if kind == EventKind.CALL else ()

    def _callouts(self, session: Session, node: int) -> list[Callout]:
        """What comes into a node and goes out; where only the picture changes, as it was said before."""
        if self._numbers is None or self._numbers.step is not session.step:
            self._numbers, self._said = StepNumbers(session.data, session.step), None
        place = session.cursor, node
        if self._said is None or self._said[0] != place:
            self._said = place, callouts(session, self._numbers, node)
        return self._said[1]


def _reader(session: Session, drawing: Drawing, node: int, box: int | None) -> int:
    """The node itself; for a parameter, beside which there is nothing to say, the call in the box that reads it."""
    nodes = session.structure.nodes
    if nodes[node].kind != "parameter" or box is None:
        return node
    members = drawing.tables.boxes.nodes(box)
    return next((each for each in members if any(edge.node == node for edge in nodes[each].inputs)), node)

"""A layer in the backward pass as a textbook draws it: three things come in, three go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import Output, ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.overlay import scientific
from graphviz_nn.scene.words import shape_text
from graphviz_nn.session import Session
from graphviz_nn.session.textbook import AVAILABLE, LATER, NEVER_ARRIVES, NONE, Reference
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

FORWARD: Final = "forward"
BACKWARD: Final = "backward"

_DIFFERENTIABLE: Final = ("float", "bfloat", "complex")

_STATES: Final = {LATER: "not yet", NONE: "None", NEVER_ARRIVES: "never arrives"}


@dataclass(frozen=True, slots=True)
class Callout:
    """A line beside a box.

    Attributes:
        symbol: how a textbook writes it: "x", "W", "∂L/∂y". text: its shape and norm, or why there are none.
        flow: `FORWARD` or `BACKWARD`, for its colour. incoming: whether it comes into the node.
        there: whether it exists at the cursor.
    """

    symbol: str
    text: str
    flow: str
    incoming: bool
    there: bool


def callouts(session: Session, numbers: StepNumbers | None, node: int) -> list[Callout]:
    """Returns the lines for a node, what comes in first; empty outside the backward pass."""
    place = session.place
    if place.phase != "backward" or place.kind == EventKind.UPDATE:
        return []
    book, structure = session.textbook(node), session.structure
    rows: list[tuple[str, Sequence[Reference], str, bool]] = [
        ("x", _without_buffers(structure, book.inputs), FORWARD, True),
        ("W", book.parameters, FORWARD, True),
        ("∂L/∂y", _reachable(structure, book.incoming), BACKWARD, True),
        ("y", _main(structure, book.outputs), FORWARD, False),
        ("∂L/∂x", _reachable(structure, book.input_gradients), BACKWARD, False),
        ("∂L/∂W", book.parameter_gradients, BACKWARD, False),
    ]
    return [
        Callout(symbol, _text(session, numbers, references), flow, incoming, _there(references))
        for symbol, references, flow, incoming in rows
        if references
    ]


def _without_buffers(structure: Structure, references: Sequence[Reference]) -> list[Reference]:
    return [each for each in references if structure.nodes[each.key.node].kind != "buffer"]


def _main(structure: Structure, references: Sequence[Reference]) -> list[Reference]:
    """Without what a call writes to on the side, as a batch norm to its running mean."""
    outputs = [_output(structure, each) for each in references]
    found = [each for each, out in zip(references, outputs, strict=True) if not out.version or out.requires_grad]
    return found or list(references)


def _reachable(structure: Structure, references: Sequence[Reference]) -> list[Reference]:
    """Those that a gradient could reach: no buffers, and nothing without fractions."""
    kept = _main(structure, _without_buffers(structure, references))
    return [each for each in kept if _output(structure, each).dtype.startswith(_DIFFERENTIABLE)]


def _output(structure: Structure, reference: Reference) -> Output:
    return structure.nodes[reference.key.node].outputs[reference.key.index]


def _there(references: Sequence[Reference]) -> bool:
    return any(reference.availability == AVAILABLE for reference in references)


def _text(session: Session, numbers: StepNumbers | None, references: Sequence[Reference]) -> str:
    """One or two of the references, and how many more there are."""
    shown = [_one(session, numbers, reference, len(references) > 1) for reference in references[:2]]
    more = len(references) - len(shown)
    return ",  ".join(shown) + (f"  +{more}" if more else "")


def _one(session: Session, numbers: StepNumbers | None, reference: Reference, several: bool) -> str:
    key = reference.key
    output = session.structure.nodes[key.node].outputs[key.index]
    name = f"{reference.argument} " if several and reference.argument else ""
    state = _STATES.get(reference.availability)
    if state is not None:
        return f"{name}{state}"
    norm = ""
    if numbers is not None:
        table = "output" if key.kind == "value" else "gradient"
        stats = numbers.stats(table, ValueRef(key.node, key.index), getattr(key, "number", 0))
        norm = f"  ‖·‖ {scientific(stats.l2)}" if stats is not None else ""
    return f"{name}{shape_text(output.shape, output.dtype)}{norm}"

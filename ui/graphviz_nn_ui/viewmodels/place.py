"""The cursor's place in words, for the status bar and for screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphviz_nn.model.events import EventKind

if TYPE_CHECKING:
    from graphviz_nn.model.nodes import Node
    from graphviz_nn.model.steps import StepInfo
    from graphviz_nn.session import Place, Session

PHASE_WORDS = {"optimizer": "update", "infra": "bookkeeping"}
"""Phases that people call by another word."""

_SAYS = {
    EventKind.CALL: "{}",
    EventKind.RETURN: "the end of {}",
    EventKind.MODULE_ENTER: "the start of {}",
    EventKind.MODULE_EXIT: "the end of {}",
    EventKind.PASS_BEGIN: "the start of backward pass {}",
    EventKind.PASS_END: "the end of backward pass {}",
    EventKind.GRADIENT: "the gradient of {}",
    EventKind.PARAMETER_GRADIENT: "the accumulated gradient of {}",
    EventKind.UPDATE: "the update of {}",
    EventKind.ERROR: "the error in {}",
    EventKind.ABORT: "the end of the recording",
}


def status(session: Session) -> str:
    """ "After #143 softmax · forward · step 40 (12 of 100 recorded)"."""
    if not session.has_step:
        live = getattr(session.data, "live", False)
        return "No step has been recorded yet: waiting for the first one to end" if live else "No step was recorded"
    step = step_words(session.step.info, session.position, len(session.data.steps()))
    place = session.place
    if place.kind is None:
        return f"Before the first event · {step}"
    at_end = place.seq == len(session.step.order) - 1
    said = f"After #{place.seq} {event_words(session, place)}{', the last event' if at_end else ''}"
    return " · ".join([said, *([PHASE_WORDS.get(place.phase, place.phase)] if place.phase else []), step])


def event_words(session: Session, place: Place) -> str:
    """What happened there, in a few words: "the gradient of conv1"."""
    if place.kind is None:
        return "nothing"
    if place.kind in (EventKind.PASS_BEGIN, EventKind.PASS_END):
        return _SAYS[place.kind].format(place.number)
    if place.kind in (EventKind.MODULE_ENTER, EventKind.MODULE_EXIT):
        return _SAYS[place.kind].format(place.module or "the model")
    if not place.nodes:
        return _SAYS[place.kind].format("the program")
    node = session.structure.nodes[place.nodes[0]]
    return _SAYS[place.kind].format(_called(node) if place.kind == EventKind.CALL else node.name)


def _called(node: Node) -> str:
    """The name of a call, with what it is where the name does not tell: "stem (conv2d)", but "relu_1"."""
    what = node.op if node.kind in ("op", "composite") else node.kind
    return node.name if what.strip("_") in node.name.rpartition(".")[2].lower() else f"{node.name} ({what})"


def step_words(info: StepInfo, position: int, count: int) -> str:
    """Which training step: its number, and its place among the recorded ones where that says something else."""
    if count == 1:
        return f"step {info.index}"
    return f"step {info.index} ({position + 1} of {count} recorded)"

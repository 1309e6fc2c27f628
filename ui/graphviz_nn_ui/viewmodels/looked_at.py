"""What the panels of one thing show: what is selected or, while nothing is, what the cursor stands on, or the model."""

from __future__ import annotations

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.structure import Structure
from graphviz_nn.session import ModuleSelection, NodeSelection, Selection, Session


def looked_at(session: Session) -> Selection | None:
    """Returns what to show: the selection; without one, what the cursor stands on, so that whoever steps sees each call
    in turn; with the cursor after the last event, where a run opens, the model, or the call that failed. None before
    the first event, and after the last one of a program without modules.

    The start and the end of a layer that holds no other count as its call.
    """
    place = session.place
    if session.selection is not None:
        return session.selection
    if _is_over(session):
        return _model(session.structure)
    if place.nodes:
        return NodeSelection(place.nodes[0])
    if place.module_call is None:
        return None
    calls = session.structure.module_calls
    module = calls[place.module_call]
    if place.module_call not in session.structure.outer_calls:
        for node in last_of_module(session.structure, module.path, module.call):
            return NodeSelection(node)
    return ModuleSelection(module.path, module.call)


def why_shown(session: Session) -> str:
    """Returns why something is shown that nobody selected: "at the cursor"; "" for the selection."""
    if session.selection is not None:
        return ""
    return "nothing is selected" if _is_over(session) else "at the cursor"


def _is_over(session: Session) -> bool:
    return session.place.seq == len(session.step.order) - 1 and session.place.kind != EventKind.ERROR


def _model(structure: Structure) -> ModuleSelection | None:
    """The module that was called last by no other."""
    roots = (call.path for call in reversed(structure.module_calls) if call.parent is None)
    path = next(roots, None)
    return None if path is None else ModuleSelection(path)


def last_of_module(structure: Structure, path: str, call: int | None) -> list[int]:
    """Returns the last node with an output that a module made in a call, those of its children included; of its last
    call for None. Empty where it made none."""
    calls = structure.module_calls
    places = (place for place in reversed(range(len(calls))) if calls[place].path == path)
    last = next((place for place in places if call in (None, calls[place].call)), None)
    node = -1 if last is None else structure.last_outputs[last]
    return [node] if node >= 0 else []

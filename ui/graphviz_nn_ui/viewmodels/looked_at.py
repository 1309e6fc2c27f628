"""What the panels of one thing show: what is selected or, while nothing is, what the cursor stands on."""

from __future__ import annotations

from itertools import islice

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.structure import Structure
from graphviz_nn.session import ModuleSelection, NodeSelection, Selection, Session

AT_CURSOR = "at the cursor"
"""Says that something is shown because the cursor stands on it: nobody has selected it."""


def looked_at(session: Session) -> Selection | None:
    """Returns what to show; None where nothing is selected and the cursor is before the first event or after the last:
    whoever steps sees each call in turn, and a run that has just been opened asks for a choice, or shows its error.

    The start and the end of a layer that holds no other count as its call.
    """
    place = session.place
    over = place.seq == len(session.step.order) - 1 and place.kind != EventKind.ERROR
    if session.selection is not None or over:
        return session.selection
    if place.nodes:
        return NodeSelection(place.nodes[0])
    if place.module_call is None:
        return None
    calls = session.structure.module_calls
    module = calls[place.module_call]
    if not any(each.parent == place.module_call for each in calls):
        for node in last_of_module(session.structure, module.path, module.call):
            return NodeSelection(node)
    return ModuleSelection(module.path, module.call)


def last_of_module(structure: Structure, path: str, call: int | None) -> list[int]:
    """Returns the last node with an output that a module made in a call, those of its children included; of its last
    call for None. Empty where it made none."""
    calls = [
        place for place, each in enumerate(structure.module_calls) if each.path == path and call in (None, each.call)
    ]
    inside = set(calls[-1:])
    for place, each in enumerate(structure.module_calls):
        if each.parent in inside:
            inside.add(place)
    made = (node.id for node in reversed(structure.nodes) if node.module_call in inside and node.outputs)
    return list(islice(made, 1))

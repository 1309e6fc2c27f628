"""What the event at the cursor says."""

from __future__ import annotations

from dataclasses import dataclass

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import PHASES, ValueRef
from graphviz_nn.session.order import START, StepOrder
from graphviz_nn.session.spans import NOWHERE


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of events.

    Attributes:
        seq: the last event that has happened; -1 before the first.
        kind: of that event, or None before the first.
        phase: one of `PHASES`, or "" before the first event.
        number: the backward pass, or -1 outside any.
        nodes: the node that the event is about, then the composites that are running around it, innermost first.
        value: the value whose gradient arrived, for the events of gradients.
        module_call: index into `Structure.module_calls` of the module that the event belongs to, or None.
        module: its path, or None.
    """

    seq: int
    kind: EventKind | None
    phase: str
    number: int
    nodes: tuple[int, ...]
    value: ValueRef | None
    module_call: int | None
    module: str | None


def place_at(order: StepOrder, seq: int) -> Place:
    """Returns what happens at `seq`, from -1 to the number of events less one."""
    if seq == START:
        return Place(START, None, "", -1, (), None, None, None)
    kind = EventKind(int(order.kind[seq]))
    node = int(order.node[seq])
    own = (node,) if node >= 0 else ()
    running = tuple(outer for outer in _running(order, seq) if outer not in own)
    gradient = kind in (EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT)
    call = int(order.module_call[seq])
    if call < 0 and not own and (opener := order.module_around(seq)) != NOWHERE:
        call = int(order.module_call[opener])
    return Place(
        seq=seq,
        kind=kind,
        phase=PHASES[order.phase[seq]],
        number=int(order.number[seq]),
        nodes=own + running,
        value=ValueRef(node, int(order.index[seq])) if gradient else None,
        module_call=call if call >= 0 else None,
        module=order.structure.module_calls[call].path if call >= 0 else None,
    )


def same_place(before: StepOrder, seq: int, after: StepOrder) -> int:
    """Returns where a place is in another step's order.

    It is the same event of the node of the same name, or the end where there is none and where `seq` was the end.
    """
    end = len(after) - 1
    if seq == len(before) - 1:
        return end
    if before is after or seq == START:
        return seq
    name = before.structure.nodes[before.node[seq]].name if before.node[seq] >= 0 else None
    if name is None or name not in after.structure.by_name:
        return end
    same = after.events_of(after.structure.by_name[name].id)
    same = same[(after.kind[same] == before.kind[seq]) & (after.index[same] == before.index[seq])]
    same = same[after.number[same] == before.number[seq]]
    return int(same[0]) if len(same) else end


def _running(order: StepOrder, seq: int) -> list[int]:
    """The composite and custom calls around an event, innermost first."""
    found = []
    around = int(order.spans.around[seq])
    while around != NOWHERE:
        if order.kind[around] == EventKind.CALL:
            found.append(int(order.node[around]))
        around = int(order.spans.around[around])
    return found

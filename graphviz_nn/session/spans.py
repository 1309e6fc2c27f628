"""What contains what: module calls, composite calls and backward passes as spans of the event order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.steps import EventTable

Integers = npt.NDArray[np.int32]

NOWHERE: Final = -1
_CLOSES: Final = {
    int(EventKind.MODULE_EXIT): int(EventKind.MODULE_ENTER),
    int(EventKind.RETURN): int(EventKind.CALL),
    int(EventKind.PASS_END): int(EventKind.PASS_BEGIN),
}


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The nesting of a step's events, by seq.

    Attributes:
        around: the event that opens the innermost span around this one, or -1. A span's first and last event stand
            outside it, so both have the same.
        partner: for the event that opens a span the one that closes it, and the other way round; -1 for others.
        beyond: for the event that opens a span the first event after what it contains: its partner, or for a span
            that nothing closed (the program failed inside) the event that came after it, or the number of events.
            -1 for others.
    """

    around: Integers
    partner: Integers
    beyond: Integers


def nest(events: EventTable) -> Spans:
    """Returns the spans of a step.

    An event that closes a span closes those that were opened inside it and never closed. One whose span was not
    opened contains nothing: several threads may have written the order.
    """
    size = len(events)
    around, partner, beyond = (np.full(size, NOWHERE, np.int32) for _ in range(3))
    keys = _keys(events)
    stack: list[int] = []
    open_spans: dict[tuple[int, int], int] = {}
    done = 0
    for seq, (kind, what) in keys:
        around[done:seq] = stack[-1] if stack else NOWHERE
        done = seq
        opener = _CLOSES.get(kind)
        if opener is None:
            around[seq] = stack[-1] if stack else NOWHERE
            done = seq + 1
            stack.append(seq)
            open_spans[kind, what] = seq
            continue
        start = open_spans.pop((opener, what), None)
        if start is None:
            continue
        while (left := stack.pop()) != start:
            beyond[left] = seq
            open_spans = {key: where for key, where in open_spans.items() if where != left}
        partner[start], partner[seq] = seq, start
        beyond[start] = seq
    around[done:] = stack[-1] if stack else NOWHERE
    beyond[stack] = size
    return Spans(around, partner, beyond)


def _keys(events: EventTable) -> list[tuple[int, tuple[int, int]]]:
    """The events that open or close a span, with what tells spans apart: kind, and node, module call or pass."""
    kind = events["kind"]
    has_inside = np.zeros(int(events["node"].max(initial=0)) + 1, np.bool_)
    has_inside[events["node"][kind == EventKind.RETURN]] = True
    of_calls = (kind == EventKind.CALL) & has_inside[np.maximum(events["node"], 0)]
    of_others = np.isin(kind, [*_CLOSES, EventKind.MODULE_ENTER, EventKind.PASS_BEGIN])
    where = np.flatnonzero(of_calls | of_others)
    of_passes = np.isin(kind, (EventKind.PASS_BEGIN, EventKind.PASS_END))
    what = np.where(of_passes, events["pass"], events["node"])[where]
    return list(zip(where.tolist(), zip(kind[where].tolist(), what.tolist(), strict=True), strict=True))

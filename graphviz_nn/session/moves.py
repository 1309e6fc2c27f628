"""Moves through a step: from the seq of the last event that has happened to that of another.

`START` (-1) is the place before the first event. Each function returns where the move ends, or None where there is
nothing further in that direction. A span is a module call, a composite call or a backward pass.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import EventKind
from graphviz_nn.session.order import START, StepOrder
from graphviz_nn.session.spans import NOWHERE

_GRADIENTS: Final = (EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT)
_WINDOW: Final = 256
"""Events that are looked at first, for most modules are small; then four times as many, and so on."""

Seqs = npt.NDArray[np.intp]


def into(order: StepOrder, seq: int) -> int | None:
    """The next event."""
    return seq + 1 if seq + 1 < len(order) else None


def into_back(order: StepOrder, seq: int) -> int | None:
    """The event before."""
    del order
    return seq - 1 if seq > START else None


def over(order: StepOrder, seq: int) -> int | None:
    """The next event outside what this one contains: from the event that opens a span the one that closes it."""
    if seq > START and (beyond := int(order.spans.beyond[seq])) != NOWHERE:
        # A span that nothing closed reaches to the end of the step.
        target = min(beyond, len(order) - 1)
        return target if target > seq else None
    return into(order, seq)


def over_back(order: StepOrder, seq: int) -> int | None:
    """The event before, outside what ends here: from the event that closes a span the one that opens it."""
    if seq > START and (opener := int(order.spans.partner[seq])) != NOWHERE and opener < seq:
        return opener
    return into_back(order, seq)


def out(order: StepOrder, seq: int) -> int | None:
    """The end of this module call.

    At a gradient it is the first event after all gradients that follow one another inside the module call whose value
    it is of. Outside every module call it is the end of the backward pass, or of the phase.
    """
    if seq == START:
        return phase_end(order, seq)
    if order.kind[seq] in _GRADIENTS and order.module_call[seq] >= 0:
        return _beyond_module(order, seq)
    own = order.kind[seq] == EventKind.MODULE_ENTER
    opener = seq if own else order.module_around(seq)
    if opener == NOWHERE:
        opener = order.pass_around(seq)
    if opener == NOWHERE:
        return phase_end(order, seq)
    return min(int(order.spans.beyond[opener]), len(order) - 1) if seq < len(order) - 1 else None


def out_back(order: StepOrder, seq: int) -> int | None:
    """The start of this module call: `out` reversed."""
    if seq == START:
        return None
    if order.kind[seq] in _GRADIENTS and order.module_call[seq] >= 0:
        return _before_module(order, seq)
    left = order.kind[seq] == EventKind.MODULE_EXIT
    opener = int(order.spans.partner[seq]) if left else order.module_around(seq)
    if opener == NOWHERE:
        opener = order.pass_around(seq)
    return opener if opener != NOWHERE else phase_start(order, seq)


def phase_end(order: StepOrder, seq: int) -> int | None:
    """The last event of this phase, or of the next where this one has ended."""
    return following(np.append(order.phase_starts[1:] - 1, len(order) - 1), seq) if len(order) else None


def phase_start(order: StepOrder, seq: int) -> int | None:
    """The first event of this phase, or of the one before where this one has just begun."""
    if seq == START:
        return None
    found = preceding(order.phase_starts, seq)
    return START if found is None else found


def to_node(order: StepOrder, seq: int, node: int) -> int | None:
    """The next event that names the node: its call, its gradient, its update."""
    return following(order.events_of(node), seq)


def to_node_back(order: StepOrder, seq: int, node: int) -> int | None:
    """The event before that names the node."""
    return preceding(order.events_of(node), seq)


def following(seqs: Seqs, seq: int) -> int | None:
    """The first of ascending `seqs` after `seq`."""
    place = int(np.searchsorted(seqs, seq, side="right"))
    return int(seqs[place]) if place < len(seqs) else None


def preceding(seqs: Seqs, seq: int) -> int | None:
    """The last of ascending `seqs` before `seq`."""
    place = int(np.searchsorted(seqs, seq, side="left"))
    return int(seqs[place - 1]) if place else None


def _outside(order: StepOrder, seq: int, where: slice) -> npt.NDArray[np.bool_]:
    """Which events of a slice are anything but gradients inside the module call of the gradient at `seq`."""
    call = order.module_call[seq]
    calls = order.gradient_call[where]
    return np.asarray((calls < call) | (calls >= order.calls_end[call]))


def _beyond_module(order: StepOrder, seq: int) -> int | None:
    start, width = seq + 1, _WINDOW
    while start < len(order):
        outside = _outside(order, seq, slice(start, start + width))
        if outside.any():
            return start + int(outside.argmax())
        start, width = start + width, width * 4
    return len(order) - 1 if seq < len(order) - 1 else None


def _before_module(order: StepOrder, seq: int) -> int:
    stop, width = seq, _WINDOW
    while stop > 0:
        outside = _outside(order, seq, slice(max(stop - width, 0), stop))[::-1]
        if outside.any():
            return stop - 1 - int(outside.argmax())
        stop, width = stop - width, width * 4
    return START

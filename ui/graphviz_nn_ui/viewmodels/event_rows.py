"""What happened in a step, row by row, as a list shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.nodes import PHASES
from graphviz_nn.session.selection import ModuleSelection, NodeSelection, Selection
from graphviz_nn_ui.viewmodels.numbers import microseconds_text
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

KIND_WORDS: Final = {
    EventKind.CALL: "call",
    EventKind.RETURN: "return",
    EventKind.MODULE_ENTER: "enter",
    EventKind.MODULE_EXIT: "leave",
    EventKind.PASS_BEGIN: "begin",
    EventKind.PASS_END: "end",
    EventKind.GRADIENT: "grad",
    EventKind.PARAMETER_GRADIENT: ".grad",
    EventKind.UPDATE: "update",
    EventKind.ERROR: "error",
    EventKind.ABORT: "cut short",
}
KIND_FILTERS: Final = {
    "All events": tuple(EventKind),
    "Calls": (EventKind.CALL, EventKind.RETURN, EventKind.ERROR, EventKind.ABORT),
    "Gradients": (EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT),
    "Updates": (EventKind.UPDATE,),
    "Modules": (EventKind.MODULE_ENTER, EventKind.MODULE_EXIT),
}
PHASE_FILTERS: Final = {"All phases": "", "Forward": "forward", "Backward": "backward", "Update": "optimizer"}
PHASE_SIGNS: Final = {"forward": "→", "recompute": "→", "backward": "←", "optimizer": "↻", "infra": "·"}
"""Beside its colour, what tells a phase."""

_PASSES: Final = (EventKind.PASS_BEGIN, EventKind.PASS_END)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event in words. `phase` is one of `PHASES`; `microseconds` is "" where it was not measured."""

    seq: int
    phase: str
    kind: EventKind
    what: str
    module: str
    microseconds: str


class EventRows:
    """The events of the open step that a filter lets through, each put into words when it is looked at.

    Attributes:
        shown: their seqs, ascending.
    """

    def __init__(self, numbers: StepNumbers, kinds: str = "All events", phase: str = "All phases") -> None:
        """`kinds` is one of `KIND_FILTERS`, `phase` one of `PHASE_FILTERS`."""
        self._numbers = numbers
        self._order = numbers.step.order
        keep = np.isin(self._order.kind, KIND_FILTERS[kinds])
        if PHASE_FILTERS[phase]:
            keep &= self._order.phase == PHASES.index(PHASE_FILTERS[phase])
        self.shown: npt.NDArray[np.intp] = np.flatnonzero(keep)

    def __len__(self) -> int:
        return len(self.shown)

    @property
    def last(self) -> int:
        """The seq of the last one that is shown; 0 where none is."""
        return int(self.shown[-1]) if len(self.shown) else 0

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return len(self.shown) == len(self._order)

    def __getitem__(self, row: int) -> EventRow:
        seq = int(self.shown[row])
        kind = EventKind(int(self._order.kind[seq]))
        spent = self._spent[seq]
        return EventRow(
            seq=seq,
            phase=PHASES[self._order.phase[seq]],
            kind=kind,
            what=self._what(seq, kind),
            module=self._module(seq),
            microseconds="" if np.isnan(spent) else microseconds_text(float(spent) * 1e6),
        )

    def row_at(self, seq: int) -> int:
        """Returns the row of the last shown event that has happened at a cursor, or -1 where none has."""
        return int(np.searchsorted(self.shown, seq, side="right")) - 1

    def selection(self, row: int) -> Selection | None:
        """Returns what an event is about: a node, a module call, or nothing."""
        seq = int(self.shown[row])
        if self._order.kind[seq] in (EventKind.MODULE_ENTER, EventKind.MODULE_EXIT):
            call = self._order.structure.module_calls[self._order.module_call[seq]]
            return ModuleSelection(call.path, call.call)
        node = int(self._order.node[seq])
        return NodeSelection(node) if node >= 0 else None

    def row_of_node(self, node: int, cursor: int) -> int:
        """Returns the row of the node's event that is nearest to the cursor, or -1 where none is shown."""
        events = self._order.events_of(node)
        rows = np.searchsorted(self.shown, events)
        inside = rows < len(self.shown)
        rows, events = rows[inside], events[inside]
        rows = rows[self.shown[rows] == events]
        return int(rows[np.argmin(np.abs(self.shown[rows] - cursor))]) if len(rows) else -1

    @cached_property
    def _spent(self) -> npt.NDArray[np.float64]:
        return self._numbers.spent

    def _what(self, seq: int, kind: EventKind) -> str:
        order = self._order
        if kind in _PASSES:
            return f"backward pass {int(order.number[seq])}"
        if kind in (EventKind.MODULE_ENTER, EventKind.MODULE_EXIT):
            call = order.structure.module_calls[order.module_call[seq]]
            name = _module_name(call.path).rpartition(".")[2]  # the whole path stands beside it
            return f"{name} · call {call.call}" if call.call > 1 else name
        number = int(order.node[seq])
        if number < 0:
            return KIND_WORDS[kind]
        node = order.structure.nodes[number]
        what = node.name.rpartition(".")[2] if node.kind in ("parameter", "buffer") else node.op
        if len(node.outputs) > 1 and kind == EventKind.GRADIENT:
            what += f"[{int(order.index[seq])}]"
        return f"{what}: None" if kind == EventKind.GRADIENT and order.state[seq] == STATE_NONE else what

    def _module(self, seq: int) -> str:
        call = int(self._order.module_call[seq])
        return "" if call < 0 else _module_name(self._order.structure.module_calls[call].path)


def _module_name(path: str) -> str:
    return path or "(root)"

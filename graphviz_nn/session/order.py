"""The event order of a step, indexed once so that every move through it is quick."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import PHASES
from graphviz_nn.model.steps import EventTable
from graphviz_nn.model.structure import Structure
from graphviz_nn.session.spans import NOWHERE, Integers, Spans, nest

FORWARD: Final = PHASES.index("forward")
BACKWARD: Final = PHASES.index("backward")
OPTIMIZER: Final = PHASES.index("optimizer")
START: Final = -1
"""The place before the first event."""

_OF_MODULES: Final = (EventKind.MODULE_ENTER, EventKind.MODULE_EXIT)
_OF_CALLS: Final = (EventKind.CALL, EventKind.RETURN)
_OF_PASSES: Final = (EventKind.PASS_BEGIN, EventKind.PASS_END)
_OF_GRADIENTS: Final = (EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT)


class StepOrder:
    """What happened in a step, by seq. Steps that did the same share one.

    Attributes:
        structure: the step's structure.
        events: its events; their times are those of the step that it was made from.
        kind, node, index, number, state: columns of the events. `node` is -1 where an event has none, as those of
            modules do; `number` is the backward pass.
        module_call: the module call that an event belongs to, or -1: for MODULE_ENTER and MODULE_EXIT their own, for
            a gradient that of the node that made its value.
    """

    def __init__(self, structure: Structure, events: EventTable) -> None:
        self.structure = structure
        self.events = events
        self.kind: npt.NDArray[np.uint8] = np.ascontiguousarray(events["kind"])
        self.index: Integers = np.ascontiguousarray(events["index"])
        self.number: npt.NDArray[np.int16] = np.ascontiguousarray(events["pass"])
        self.state: npt.NDArray[np.uint8] = np.ascontiguousarray(events["state"])
        of_modules = np.isin(self.kind, _OF_MODULES)
        self.node: Integers = np.where(of_modules, NOWHERE, events["node"]).astype(np.int32)
        calls = np.array([-1 if n.module_call is None else n.module_call for n in structure.nodes], np.int32)
        own = np.where(of_modules, events["node"], NOWHERE).astype(np.int32)
        has_node = self.node >= 0
        own[has_node] = calls[self.node[has_node]]
        self.module_call: Integers = own

    def __len__(self) -> int:
        return len(self.kind)

    def describes(self, structure: Structure, events: EventTable) -> bool:
        """Whether another step did the same in the same order."""
        return (
            structure is self.structure
            and len(events) == len(self)
            and all(np.array_equal(events[name], self.events[name]) for name in ("kind", "state", "pass", "node"))
            and np.array_equal(events["index"], self.index)
        )

    @cached_property
    def spans(self) -> Spans:
        """What contains what."""
        return nest(self.events)

    @cached_property
    def phase(self) -> npt.NDArray[np.int8]:
        """Index into `PHASES` by seq. What has no phase of its own (an error) has that of the event before it."""
        of_nodes = _phases(node.phase for node in self.structure.nodes)
        of_modules = _phases(call.phase for call in self.structure.module_calls)
        phase = np.full(len(self), NOWHERE, np.int8)
        calls, modules = np.isin(self.kind, _OF_CALLS), np.isin(self.kind, _OF_MODULES)
        phase[calls] = of_nodes[self.node[calls]]
        phase[modules] = of_modules[self.module_call[modules]]
        phase[np.isin(self.kind, (*_OF_PASSES, *_OF_GRADIENTS))] = BACKWARD
        phase[self.kind == EventKind.UPDATE] = OPTIMIZER
        known = np.maximum.accumulate(np.where(phase >= 0, np.arange(len(self)), NOWHERE))
        return np.where(known >= 0, phase[known], FORWARD).astype(np.int8)

    @cached_property
    def phase_starts(self) -> npt.NDArray[np.intp]:
        """Seqs at which a phase of the step begins.

        All that happens in a backward pass is one phase, recomputed calls too, and each outermost pass is its own.
        """
        if not len(self):
            return np.empty(0, np.intp)
        depth = np.cumsum((self.kind == EventKind.PASS_BEGIN).astype(np.int32) - (self.kind == EventKind.PASS_END))
        inside = (depth > 0) | (self.kind == EventKind.PASS_END)
        coarse = np.where(inside, BACKWARD, np.where(self.phase == OPTIMIZER, OPTIMIZER, FORWARD))
        begins = np.ones(len(self), np.bool_)
        begins[1:] = (np.diff(coarse) != 0) | ((self.kind == EventKind.PASS_END) & (depth <= 0))[:-1]
        return np.flatnonzero(begins)

    def events_of(self, node: int) -> npt.NDArray[np.intp]:
        """Returns the seqs of what happens to a node, in order: its call, gradients, update, error."""
        order, starts = self._by_node
        return order[starts[node] : starts[node + 1]]

    @cached_property
    def gradient_call(self) -> Integers:
        """By seq the module call that a gradient belongs to; -1 for other events."""
        return np.where(np.isin(self.kind, _OF_GRADIENTS), self.module_call, NOWHERE).astype(np.int32)

    @cached_property
    def calls_end(self) -> Integers:
        """By module call the number after the last call that was made inside it. Calls are numbered as entered, so
        those inside call k are k + 1 up to that number."""
        calls = self.structure.module_calls
        end = np.arange(1, len(calls) + 1, dtype=np.int32)
        for number in range(len(calls) - 1, 0, -1):
            parent = calls[number].parent
            if parent is not None:
                end[parent] = max(end[parent], end[number])
        return end

    def module_around(self, seq: int) -> int:
        """Returns the event that opens the innermost module call around an event, or -1."""
        around = int(self.spans.around[seq])
        while around != NOWHERE and self.kind[around] != EventKind.MODULE_ENTER:
            around = int(self.spans.around[around])
        return around

    def pass_around(self, seq: int) -> int:
        """Returns the event that begins the innermost backward pass around an event, or -1."""
        around = int(self.spans.around[seq])
        while around != NOWHERE and self.kind[around] != EventKind.PASS_BEGIN:
            around = int(self.spans.around[around])
        return around

    @cached_property
    def _by_node(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        # A pass names its root, where it starts from; nothing happens to that node.
        node = np.where(np.isin(self.kind, _OF_PASSES), NOWHERE, self.node)
        order = np.argsort(node, kind="stable")
        starts = np.searchsorted(node[order], np.arange(len(self.structure.nodes) + 1))
        return order, starts


def _phases(names: Iterable[str]) -> npt.NDArray[np.int8]:
    codes = {name: code for code, name in enumerate(PHASES)}
    return np.array([codes.get(name, FORWARD) for name in names], np.int8)

"""What exists at a place in the order of events: values, gradients, updated parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import STATE_NONE, STATE_TENSOR, EventKind
from graphviz_nn.session.order import StepOrder
from graphviz_nn.session.spans import Integers

NO_GRADIENT: Final = 0
NONE_GRADIENT: Final = 1
TENSOR_GRADIENT: Final = 2
"""A node's gradient: none has arrived, autograd said None for each output so far, or at least one is a tensor."""

NEVER: Final = np.iinfo(np.int32).max
FEW: Final = 1000
"""Events between two states up to which one is made out of the other."""

Flags = npt.NDArray[np.bool_]
Nodes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What exists when the event `seq` has happened, by node id.

    Attributes:
        value: whether the node's call has ended.
        gradient: `NO_GRADIENT`, `NONE_GRADIENT` or `TENSOR_GRADIENT`, over all backward passes so far.
        updated: whether the optimizer has changed the parameter.
    """

    seq: int
    value: Flags
    gradient: npt.NDArray[np.int8]
    updated: Flags


class States:
    """The states of a step.

    Nothing that exists ceases to, so the seq at which each node gets its value, its gradient and its update says it
    all. A state is made out of the last one where the events between them are few.

    Attributes:
        value_at, tensor_at, none_at, updated_at: by node id the seq of that event, or `NEVER`.
    """

    def __init__(self, order: StepOrder) -> None:
        calls, returns = order.kind == EventKind.CALL, order.kind == EventKind.RETURN
        count = len(order.structure.nodes)
        self._node = order.node
        self._last: State | None = None
        called, returned = _first(order, calls, count), _first(order, returns, count)
        has_return = returned != NEVER
        self.value_at = np.where(has_return, returned, called)
        gradient = order.kind == EventKind.GRADIENT
        self.tensor_at = _first(order, gradient & (order.state == STATE_TENSOR), count)
        self.none_at = _first(order, gradient & (order.state == STATE_NONE), count)
        self.updated_at = _first(order, order.kind == EventKind.UPDATE, count)
        # A call that raised was called and gave nothing. One that raised in its backward pass has its value.
        failed = order.node[(order.kind == EventKind.ERROR) & (order.node >= 0)]
        self.value_at[[node for node in failed if not order.structure.nodes[node].outputs]] = NEVER

    def at(self, seq: int) -> State:
        """Returns the state when the event `seq` has happened; -1 is before the first. Its arrays are read-only."""
        last = self._last
        if last is None or abs(seq - last.seq) > FEW:
            state = State(seq, *self._facts(slice(None), seq))
        else:
            nodes = self._named(last.seq, seq)
            state = State(seq, last.value.copy(), last.gradient.copy(), last.updated.copy())
            state.value[nodes], state.gradient[nodes], state.updated[nodes] = self._facts(nodes, seq)
        for table in (state.value, state.gradient, state.updated):
            table.flags.writeable = False
        self._last = state
        return state

    def changed(self, before: int, after: int) -> Nodes:
        """Returns the ids of the nodes whose state differs between two places, ascending."""
        nodes = self._named(before, after)
        differs = np.zeros(len(nodes), np.bool_)
        for former, latter in zip(self._facts(nodes, before), self._facts(nodes, after), strict=True):
            differs |= former != latter
        return nodes[differs]

    def _facts(self, nodes: Nodes | slice, seq: int) -> tuple[Flags, npt.NDArray[np.int8], Flags]:
        """Value, gradient and update of some nodes."""
        tensor = (self.tensor_at[nodes] <= seq).astype(np.int8)
        none = (self.none_at[nodes] <= seq).astype(np.int8)
        gradient = np.maximum(tensor * np.int8(TENSOR_GRADIENT), none * np.int8(NONE_GRADIENT))
        return self.value_at[nodes] <= seq, gradient, self.updated_at[nodes] <= seq

    def _named(self, before: int, after: int) -> Nodes:
        """The nodes that the events between two places name."""
        low, high = min(before, after), max(before, after)
        nodes = np.unique(self._node[low + 1 : high + 1])
        return nodes[nodes >= 0].astype(np.intp)


def _first(order: StepOrder, chosen: Flags, count: int) -> Integers:
    """By node the seq of the first chosen event that names it, or `NEVER`."""
    first = np.full(count, NEVER, np.int32)
    seqs = np.flatnonzero(chosen & (order.node >= 0))
    np.minimum.at(first, order.node[seqs], seqs.astype(np.int32))
    return first

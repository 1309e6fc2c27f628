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
Flags = npt.NDArray[np.bool_]


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
    all, and neighbouring states differ in the nodes that `changed` names.

    Attributes:
        value_at, tensor_at, none_at, updated_at: by node id the seq of that event, or `NEVER`.
    """

    def __init__(self, order: StepOrder) -> None:
        calls, returns = order.kind == EventKind.CALL, order.kind == EventKind.RETURN
        count = len(order.structure.nodes)
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
        """Returns the state when the event `seq` has happened; -1 is before the first."""
        gradient = np.where(self.tensor_at <= seq, TENSOR_GRADIENT, NO_GRADIENT).astype(np.int8)
        gradient[(self.none_at <= seq) & (gradient == NO_GRADIENT)] = NONE_GRADIENT
        return State(seq, self.value_at <= seq, gradient, self.updated_at <= seq)

    def changed(self, before: int, after: int) -> npt.NDArray[np.intp]:
        """Returns the ids of the nodes whose state differs between two places, ascending."""
        low, high = min(before, after), max(before, after)
        changed = np.zeros(len(self.value_at), np.bool_)
        for table in (self.value_at, self.tensor_at, self.updated_at):
            changed |= (table > low) & (table <= high)
        none = (self.none_at > low) & (self.none_at <= high)
        # A None that comes after a tensor changes nothing.
        return np.flatnonzero(changed | (none & (self.tensor_at > low)))


def _first(order: StepOrder, chosen: Flags, count: int) -> Integers:
    """By node the seq of the first chosen event that names it, or `NEVER`."""
    first = np.full(count, NEVER, np.int32)
    seqs = np.flatnonzero(chosen & (order.node >= 0))
    np.minimum.at(first, order.node[seqs], seqs.astype(np.int32))
    return first

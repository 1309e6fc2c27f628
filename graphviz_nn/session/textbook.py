"""A layer as a textbook draws it in the backward pass: what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

import numpy as np

from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.nodes import Input, Node, ValueRef
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session.order import START, StepOrder
from graphviz_nn.session.state import NEVER, States

AVAILABLE: Final = "available"
LATER: Final = "later"
NONE: Final = "none"
NEVER_ARRIVES: Final = "never"
"""Of a reference at the cursor: it is there; it comes further on; autograd said None; it never comes in this step."""

_NOT_DIFFERENTIATED: Final = ("optimizer", "recompute")


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor that flows in or out.

    Attributes:
        key: kind ("value" or "gradient"), value and backward pass, as tensors of a run are named.
        argument: the argument that it fills, or "" for what the node makes.
        availability: one of `AVAILABLE`, `LATER`, `NONE`, `NEVER_ARRIVES`.
        seq: the event that brings it, or None.
        kept: whether the run holds the tensor itself.
        shared: of a gradient: other calls read the same value, so that this is the sum over all of them; what flowed
            back from this node alone is not delivered by autograd.
    """

    key: TensorKey
    argument: str
    availability: str
    seq: int | None
    kept: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class Textbook:
    """What came into a node (inputs, parameters, incoming gradients) and what goes out of it (outputs, gradients of the
    inputs, gradients of the parameters), in the order of its arguments and outputs."""

    node: int
    number: int
    inputs: tuple[Reference, ...]
    parameters: tuple[Reference, ...]
    incoming: tuple[Reference, ...]
    outputs: tuple[Reference, ...]
    input_gradients: tuple[Reference, ...]
    parameter_gradients: tuple[Reference, ...]


class Readers:
    """How many times the calls of a structure that gradients flow back from read each value."""

    def __init__(self, order: StepOrder) -> None:
        structure = order.structure
        calls = [node for node in structure.nodes if node.phase not in _NOT_DIFFERENTIATED]
        rows = [structure.value_offsets[edge.node] + edge.output for node in calls for edge in node.inputs]
        self._counts = np.bincount(np.array(rows, np.intp), minlength=structure.value_count)
        self._offsets = structure.value_offsets

    def count(self, value: ValueRef) -> int:
        return int(self._counts[self._offsets[value.node] + value.index])


def textbook(
    order: StepOrder, states: States, readers: Readers, kept: Container[TensorKey], seq: int, node: int
) -> Textbook:
    """Returns the references of a node when the event `seq` has happened, in the backward pass that `pass_at` names."""
    number = pass_at(order, seq)
    look = _Look(order, states, readers, kept, seq, number)
    this = order.structure.nodes[node]
    parameters = [edge for edge in this.inputs if order.structure.nodes[edge.node].kind == "parameter"]
    inputs = [edge for edge in this.inputs if order.structure.nodes[edge.node].kind != "parameter"]
    return Textbook(
        node=node,
        number=number,
        inputs=tuple(look.value(_read(edge), edge.argument) for edge in inputs),
        parameters=tuple(look.value(_read(edge), edge.argument) for edge in parameters),
        incoming=tuple(look.gradient(value) for value in _made(this)),
        outputs=tuple(look.value(value) for value in _made(this)),
        input_gradients=tuple(look.gradient(_read(edge), edge.argument) for edge in inputs),
        parameter_gradients=tuple(look.gradient(_read(edge), edge.argument) for edge in parameters),
    )


def pass_at(order: StepOrder, seq: int) -> int:
    """Returns the backward pass around an event, else the last one that began before it, else the first: 0."""
    if seq == START:
        return 0
    number = int(order.number[seq])
    if number >= 0:
        return number
    begun = np.flatnonzero(order.kind[: seq + 1] == EventKind.PASS_BEGIN)
    return int(order.number[begun[-1]]) if len(begun) else 0


@dataclass(frozen=True, slots=True)
class _Look:
    order: StepOrder
    states: States
    readers: Readers
    kept: Container[TensorKey]
    seq: int
    number: int

    def value(self, value: ValueRef, argument: str = "") -> Reference:
        made = int(self.states.value_at[value.node])
        key = TensorKey("value", value.node, value.index)
        return self._reference(key, argument, None if made == NEVER else made, False)

    def gradient(self, value: ValueRef, argument: str = "") -> Reference:
        order = self.order
        events = order.events_of(value.node)
        here = (order.kind[events] == EventKind.GRADIENT) & (order.index[events] == value.index)
        events = events[here & (order.number[events] == self.number)]
        key = TensorKey("gradient", value.node, value.index, self.number)
        # A value recomputed under checkpoint may get its gradient more than once in a pass: the last one counts.
        seq = int(events[-1]) if len(events) else None
        said_none = seq is not None and order.state[seq] == STATE_NONE
        return self._reference(key, argument, seq, said_none, shared=self.readers.count(value) > 1)

    def _reference(
        self, key: TensorKey, argument: str, seq: int | None, said_none: bool, shared: bool = False
    ) -> Reference:
        if seq is None:
            availability = NEVER_ARRIVES
        elif seq > self.seq:
            availability = LATER
        else:
            availability = NONE if said_none else AVAILABLE
        return Reference(key, argument, availability, seq, key in self.kept, shared)


def _read(edge: Input) -> ValueRef:
    return ValueRef(edge.node, edge.output)


def _made(node: Node) -> list[ValueRef]:
    return [ValueRef(node.id, index) for index in range(len(node.outputs))]

"""A recurrent cell that the program calls once a step, `torch.nn.LSTMCell` and the like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.subject import Subject
from graphviz_nn_sequence.cells import GRU, LSTM, RELU, TANH, Cell, Numbers, Unrolled, Weights, as_double
from graphviz_nn_sequence.reading import given, require, sample_within

CELLS: Final[Mapping[str, Cell]] = MappingProxyType(
    {"lstm_cell": LSTM(), "gru_cell": GRU(), "rnn_tanh_cell": TANH, "rnn_relu_cell": RELU}
)


@dataclass(frozen=True)
class SteppedCell:
    """All calls of a step with the same weights as this one, in order of execution.

    Attributes:
        subject: the output of one of them. chosen: which sample of the batch; beyond the end it is the last.
    """

    subject: Subject
    chosen: int = 0

    @cached_property
    def calls(self) -> list[Subject]:
        """The first output of each call with a batch of the same size."""
        node = self.subject.node
        if node is None or node.op not in CELLS:
            raise NotRecorded("Gates and states are those of a recurrent cell: name one.")
        weight, nodes = _weight(node), self.subject.structure.nodes
        alike = (
            each.id for each in nodes
            if each.op == node.op and _weight(each) == weight and each.outputs[0].shape[0] == self.samples
        )  # fmt: skip
        return [replace(self.subject, node_id=number, of="value", index=0) for number in alike]

    @property
    def samples(self) -> int:
        return self.subject.shape[0]

    @property
    def sample(self) -> int:
        return sample_within(self.chosen, self.samples)

    def unrolled(self) -> Unrolled:
        """Returns the calls one after the other, each from the states that it was given.

        Raises:
            NotRecorded: something that a call read was not kept.
        """
        require(self.subject, "inputs, states and weights", (value for call in self.calls for value in call.inputs()))
        weights = _weights(self.calls[0])
        steps = [self._step(call, weights) for call in self.calls]
        return Unrolled(
            {name: np.concatenate([step.gates[name] for step in steps]) for name in steps[0].gates},
            {name: np.concatenate([step.states[name] for step in steps]) for name in steps[0].states},
            steps[0].start,
        )

    def row(self, values: Subject) -> Numbers:
        """Returns the chosen sample out of a state or a gradient of one."""
        return as_double(values.read(self.sample))

    def _step(self, call: Subject, weights: Weights) -> Unrolled:
        (inputs,) = given(call, "input")
        states = tuple(self.row(state) for state in given(call, "hx"))
        return self._cell.forward(self.row(inputs)[None], weights, states)

    @property
    def _cell(self) -> Cell:
        return CELLS[self.subject.node.op if self.subject.node is not None else ""]


def _weight(node: Node) -> tuple[int, int] | None:
    """Which value the call reads as the weight of its hidden state."""
    return next(((read.node, read.output) for read in node.inputs if read.argument == "w_hh"), None)


def _weights(call: Subject) -> Weights:
    matrices = [as_double(each.read()) for each in (*given(call, "w_ih"), *given(call, "w_hh"))]
    none = np.zeros(len(matrices[0]))
    biases = (call.argument("b_ih"), call.argument("b_hh"))
    return Weights(*matrices, *(none if bias is None else as_double(bias.read()) for bias in biases))

"""A whole recurrent layer in one call, `torch.lstm` and the like: what it read, and its cells computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.slices import Index
from graphviz_nn.model.subject import Subject
from graphviz_nn_sequence.cells import GRU, LSTM, RELU, TANH, Cell, Numbers, Unrolled, Weights, as_double
from graphviz_nn_sequence.reading import given, require, sample_within

CELLS: Final[Mapping[str, Cell]] = MappingProxyType({"lstm": LSTM(), "gru": GRU(), "rnn_tanh": TANH, "rnn_relu": RELU})


@dataclass(frozen=True, slots=True, eq=False)
class Strand:
    """One layer in one direction. `place` is its number in the states; `reverse`: it runs from the end to the start."""

    layer: int
    reverse: bool
    place: int
    weights: Weights
    steps: Unrolled

    def ordered(self, numbers: Numbers) -> Numbers:
        """Returns numbers [steps, …] in the order of the sequence, or those of the sequence in the order of steps."""
        return numbers[::-1] if self.reverse else numbers


@dataclass(frozen=True)
class FusedLayer:
    """What a call of `torch.lstm`, `torch.gru`, `torch.rnn_tanh` or `torch.rnn_relu` read.

    Attributes:
        subject: the call's output. sample: which sequence of the batch; beyond the end it is the last.
    """

    subject: Subject
    chosen: int = 0

    @property
    def node(self) -> Node:
        node = self.subject.node
        if node is None or node.op not in CELLS:
            raise NotRecorded("Gates and states are those of a recurrent layer: name one.")
        return node

    @property
    def cell(self) -> Cell:
        return CELLS[self.node.op]

    @cached_property
    def states(self) -> list[Subject]:
        """The states before the first step, [layers · directions, samples, units], the hidden one first."""
        return given(self.subject, "hx")

    @property
    def output(self) -> Subject:
        """The hidden states of the last layer."""
        return replace(self.subject, index=0, of="value")

    @property
    def samples(self) -> int:
        return self.states[0].shape[1]

    @property
    def sample(self) -> int:
        return sample_within(self.chosen, self.samples)

    @property
    def layers(self) -> int:
        return int(self._attribute("num_layers", 1))

    @property
    def directions(self) -> int:
        return 2 if self._attribute("bidirectional", False) else 1

    @property
    def dropped(self) -> bool:
        """Whether dropout stood between layers: its random choice is not recorded, so only the first layer is known."""
        return self.layers > 1 and bool(self._attribute("train", False)) and self._attribute("dropout", 0.0) > 0

    @property
    def remark(self) -> str:
        """What a reader must know to tell which sequence is shown, "" where nothing."""
        return "" if self._packed is None else "packed sequences, counted from the longest"

    def part(self, values: Subject) -> Numbers:
        """Returns the chosen sequence out of the layer's input, output, or a gradient of these: [steps, features].

        Of packed sequences these are the rows of the sequence, as many as it is long.
        """
        index: tuple[Index, ...] = (slice(None), self.sample)
        if self._packed is not None:
            sizes = as_double(self._packed.read()).astype(np.int64)
            firsts = np.cumsum(sizes) - sizes
            return as_double(values.read()[(firsts + self.sample)[sizes > self.sample]])
        return as_double(values.read(*(reversed(index) if self._attribute("batch_first", False) else index)))

    def strands(self) -> list[Strand]:
        """Returns each layer and direction over the chosen sequence; where `dropped`, the first layer's alone.

        Raises:
            NotRecorded: something that the call read was not kept.
        """
        inputs = self._input
        require(self.subject, "input, first states and weights", (inputs, *self.states, *self._parameters))
        taken = self.part(inputs)
        states = [as_double(state.read(slice(None), self.sample)) for state in self.states]
        found: list[Strand] = []
        for layer in range(1 if self.dropped else self.layers):
            here = []
            for reverse in (False, True)[: self.directions]:
                place = layer * self.directions + reverse
                weights = self._weights(place)
                start = tuple(state[place] for state in states)
                steps = self.cell.forward(taken[::-1] if reverse else taken, weights, start)
                here.append(Strand(layer, reverse, place, weights, steps))
            taken = np.concatenate([strand.ordered(strand.steps.states["hidden"]) for strand in here], axis=1)
            found += here
        return found

    def gradients(self) -> list[tuple[Strand, Numbers]]:
        """Returns the gradient of each strand's hidden state, [steps, outputs], in the order of the sequence.

        Autograd gives the gradient of the call's output, which is what later layers and the loss say of each step. What
        also comes back from later steps is added here, by the derivatives of the cells' formulas.

        Raises:
            NotRecorded: what the call read, or the gradient that it got, was not kept, or dropout stood between layers.
        """
        if self.dropped:
            raise NotRecorded(
                "Gradients cannot be followed through dropout between layers, whose choice is not recorded. "
                "Record in eval mode."
            )
        strands = self.strands()
        arriving, ends = self._arriving(strands)
        found: list[tuple[Strand, Numbers]] = []
        for layer in reversed(range(self.layers)):
            here = [strand for strand in strands if strand.layer == layer]
            below = np.zeros((len(arriving), 1))
            for strand, part in zip(here, np.split(arriving, self.directions, axis=1), strict=True):
                end = tuple(state[strand.place] for state in ends)
                carried = self.cell.backward(strand.steps, strand.weights, strand.ordered(part), end)
                found.append((strand, strand.ordered(carried.hidden)))
                below = below + strand.ordered(carried.inputs)
            arriving = below
        return sorted(found, key=lambda each: each[0].place)

    # Inside

    def _arriving(self, strands: list[Strand]) -> tuple[Numbers, list[Numbers]]:
        """What autograd delivered for the chosen sequence: at the output, and at the states after the last step.

        Where a program makes no use of one of these, autograd delivers nothing, which counts as 0.
        """
        results = [replace(self.output, index=place).gradient() for place in range(1 + len(self.states))]
        if all(result.described is None for result in results):
            results[0].read()  # says why there is none
        steps = [strand.ordered(strand.steps.states["hidden"]) for strand in strands[-self.directions :]]
        arriving = np.zeros_like(np.concatenate(steps, axis=1))
        if results[0].described is not None:
            arriving = self.part(results[0])
        ends = [
            np.zeros((state.shape[0], state.shape[2])) if result.described is None
            else as_double(result.read(slice(None), self.sample))
            for result, state in zip(results[1:], self.states, strict=True)
        ]  # fmt: skip
        return arriving, ends

    @property
    def _input(self) -> Subject:
        return given(self.subject, "input", "data")[0]

    @cached_property
    def _packed(self) -> Subject | None:
        """How many sequences are left at each step, of packed sequences."""
        return self.subject.argument("batch_sizes")

    @cached_property
    def _parameters(self) -> list[Subject]:
        return given(self.subject, "params")

    def _attribute(self, name: str, default: Any) -> Any:
        return self.node.attributes.get(name, default)

    def _weights(self, place: int) -> Weights:
        """Each layer and direction has its weights in a row: two matrices, two biases, the projection."""
        each = len(self._parameters) // (self.layers * self.directions)
        numbers = [as_double(one.read()) for one in self._parameters[place * each :][:each]]
        biased = bool(self._attribute("has_biases", True))
        none = np.zeros(len(numbers[0]))
        biases = numbers[2:4] if biased else [none, none]
        rest = numbers[4 if biased else 2 :]
        return Weights(numbers[0], numbers[1], biases[0], biases[1], rest[0] if rest else None)

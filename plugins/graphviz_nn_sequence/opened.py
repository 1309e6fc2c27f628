"""A recurrent layer opened: the gates and states of one sequence, whether one call took it whole or one call a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.subject import Subject
from graphviz_nn_sequence import fused, stepped
from graphviz_nn_sequence.cells import Numbers

GATED: Final = frozenset({"lstm", "gru", "lstm_cell", "gru_cell"})
RECURRENT: Final = frozenset({*fused.CELLS, *stepped.CELLS})

DROPPED: Final = (
    "the first layer alone: what dropout leaves of its output for the next layer is not recorded. "
    "Record in eval mode for the others"
)
_USUAL: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Numbers over the sequence, [steps, units]: what they are ("forget"), and of which layer ("layer 1 reverse").

    `layer` is "" where there is only one.
    """

    layer: str
    name: str
    numbers: Numbers

    @property
    def label(self) -> str:
        return f"{self.layer} · {self.name}" if self.layer else self.name


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Gates and states of one sequence of `samples`, and what a reader must know of them ("" where nothing)."""

    gates: list[Track]
    states: list[Track]
    samples: int
    sample: int
    note: str


def is_recurrent(subject: Subject) -> bool:
    """Whether it is the value of a recurrent layer or cell."""
    return subject.node is not None and subject.node.op in RECURRENT and subject.of == "value"


def is_gated(subject: Subject) -> bool:
    """Whether it is the value of a layer or cell that has gates."""
    return is_recurrent(subject) and subject.node is not None and subject.node.op in GATED


def open_layer(subject: Subject, sample: int) -> Opened:
    """Computes the gates and states of one sample, in float64 from what the call read.

    Raises:
        NotRecorded: that was not kept.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite in the program is not finite here
        if subject.node is not None and subject.node.op in stepped.CELLS:
            return _stepped(stepped.SteppedCell(subject, sample))
        return _fused(fused.FusedLayer(subject, sample))


def layer_name(layer: fused.FusedLayer, strand: fused.Strand) -> str:
    """Returns "layer 1 reverse", or as much of it as tells the strands of this layer apart."""
    words = [*([f"layer {strand.layer}"] if layer.layers > 1 else []), *(["reverse"] if strand.reverse else [])]
    return " ".join(words) or ("forward" if layer.directions > 1 else "")


def _fused(layer: fused.FusedLayer) -> Opened:
    gates: list[Track] = []
    states: list[Track] = []
    strands = layer.strands()
    for strand in strands:
        name = layer_name(layer, strand)
        gates += [Track(name, gate, strand.ordered(numbers)) for gate, numbers in strand.steps.gates.items()]
        states += [Track(name, state, strand.ordered(numbers)) for state, numbers in strand.steps.states.items()]
    known = DROPPED if layer.dropped else _agreement(layer, strands)
    return Opened(gates, states, layer.samples, layer.sample, "; ".join(filter(None, (layer.remark, known))))


def _agreement(layer: fused.FusedLayer, strands: list[fused.Strand]) -> str:
    """Says so where the last layer comes out unlike the recorded one, as under autocast or with quantized weights."""
    try:
        recorded = layer.part(layer.output)
    except NotRecorded:
        return ""
    last = [strand.ordered(strand.steps.states["hidden"]) for strand in strands[-layer.directions :]]
    furthest = float(np.abs(np.concatenate(last, axis=1) - recorded).max(initial=0.0))
    return f"the hidden state computed here is up to {furthest:.2g} off the recorded one" if furthest > _USUAL else ""


def _stepped(cell: stepped.SteppedCell) -> Opened:
    steps = cell.unrolled()
    gates = [Track("", name, numbers) for name, numbers in steps.gates.items()]
    states = [Track("", name, numbers) for name, numbers in steps.states.items()]
    return Opened(gates, states, cell.samples, cell.sample, f"{len(cell.calls)} calls, in order of execution")

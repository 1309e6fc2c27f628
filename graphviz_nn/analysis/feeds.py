"""Where data enters a network: what the first layers read, before any parameter had a part in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphviz_nn.analysis.comparisons import output_of, row_of
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Input, Node

_FLOATS: Final = frozenset({"float64", "float32", "float16", "bfloat16"})


@dataclass(frozen=True, slots=True)
class Feed:
    """A layer that is trained, and the data that it reads.

    Attributes:
        node: the layer's call. read: the edge that carries the data. row: its value's row in a table of all values.
        samples: size of the data's first dimension. features: elements a sample.
        normalised: whether what the layer makes goes into a normalisation at once, which undoes the scale of the data.
    """

    node: Node
    read: Input
    row: int
    samples: int
    features: int
    normalised: bool


@dataclass(frozen=True, slots=True)
class FedSteps:
    """Steps of one structure with a backward pass, and where data enters in them."""

    steps: list[StepFacts]
    feeds: list[Feed]


def fed_steps(context: CheckContext) -> list[FedSteps]:
    """Returns the steps with a backward pass by structure, with the feeds of each."""

    def search() -> list[FedSteps]:
        return [FedSteps(steps, feeds(steps[-1])) for steps in context.by_structure()]

    return context.share("feeds", search)


def feeds(step: StepFacts) -> list[Feed]:
    """Returns the feeds of trained layers that the loss was computed from, in order of execution.

    Data are floating-point tensors that were computed from no parameter: the batch as it came, or after arithmetic
    with constants. Tensors that are optimised themselves are no data.
    """
    lineage = step.lineage
    learned, above = learned_nodes(lineage), lineage.ancestors(step.roots)
    found = []
    for node in lineage.weighted:
        read = next((read for read in node.inputs if read.node not in lineage.made_of_parameters), None)
        if read is None or read.node in learned or node.id not in above or not node.outputs[0].requires_grad:
            continue
        value = output_of(lineage, read)
        if value.dtype in _FLOATS and value.shape and not value.requires_grad:
            samples, row = max(value.shape[0], 1), row_of(lineage, read)
            features = int(lineage.numel[row]) // samples
            found.append(Feed(node, read, row, samples, features, _goes_into_a_normalisation(lineage, node)))
    return found


def learned_nodes(lineage: Lineage) -> set[int]:
    """Returns the parameters, and the calls in which one had a part."""
    found: set[int] = set()
    for node in lineage.forward:
        if node.kind == "parameter" or not found.isdisjoint(lineage.reads[node.id]):
            found.add(node.id)
    return found


def _goes_into_a_normalisation(lineage: Lineage, node: Node) -> bool:
    readers = [lineage.structure.nodes[reader] for reader in lineage.readers[node.id]]
    return any(lineage.category(reader) is Category.NORMALISATION for reader in readers)

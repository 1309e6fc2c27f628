"""Losses in which a column of numbers meets a row of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import ELEMENTWISE, output_of, plain
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.analysis.losses import last_comparisons
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Input, Node

_ELEMENT_BY_ELEMENT: Final = frozenset({Category.ELEMENTWISE, Category.ACTIVATION})
_REDUCTIONS: Final = frozenset({"mean", "sum"})
_ADDING_A_DIMENSION: Final = frozenset({"unsqueeze", "getitem", "view", "reshape", "expand_dims"})

_Shape = tuple[int, ...]


def broadcast_loss(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Prediction and target have different shapes, and are broadcast against each other: every sample is compared
    with the target of every other one.

    **Symptom.** A regression predicts the mean of its targets for every sample; weights or advantages of samples have
    no effect.

    **Mathematics.** (N, 1) against (N) broadcasts to (N, N), so the mean squared error is Σᵢⱼ(ŷᵢ − yⱼ)²/N². For each i
    it is least at ŷᵢ = ȳ, whatever xᵢ is: the minimiser carries no information. A product of the two has the mean
    (Σᵢlᵢ/N)(Σⱼwⱼ/N): the weights wⱼ no longer belong to the losses lᵢ.

    **Criterion.** In an elementwise loss, or a difference that is squared (or made positive) and reduced to a number,
    the two sides have different numbers of dimensions, and their broadcast has more elements than either. Or, in a loss
    that is written out, an elementwise call reads (…, N, 1) and (…, N), neither made of parameters alone, and what it
    makes goes element by element into a mean or sum over everything.

    **Healthy look-alikes.** Pairwise distances, written with explicit dimensions of size 1: on both sides, or one that
    is added to a row of numbers right before the call; a bias or a single row against many; a number against a tensor;
    an outer product that a layer reads.

    **Remedy.** Bring both to one shape: `prediction.squeeze(-1)` or `target.unsqueeze(-1)`.

    **Source.** PyTorch, "Broadcasting semantics"; `mse_loss` warns of it too.
    """
    del thresholds
    told: set[tuple[int, int]] = set()
    for step, node, mine, other in _broadcasts(context):
        if (step.position, node.id) in told:
            continue
        told.add((step.position, node.id))
        joint = _joint(mine, other)
        yield step.finding(
            "broadcast_loss",
            "error",
            node,
            f"Shapes {list(mine)} and {list(other)} of a prediction and what it is compared or weighed with are "
            f"broadcast to {joint} numbers.",
            "Bring both to one shape: prediction.squeeze(-1) or target.unsqueeze(-1).",
            prediction="×".join(map(str, mine)),
            target="×".join(map(str, other)),
            differences=float(joint),
        )


def _broadcasts(context: CheckContext) -> Iterator[tuple[StepFacts, Node, _Shape, _Shape]]:
    """The calls, and the shapes of their two sides, the prediction's first."""
    for step, found in last_comparisons(context):
        mine, other = output_of(step.lineage, found.prediction).shape, output_of(step.lineage, found.target).shape
        compares = found.op in (*ELEMENTWISE, "sub") and len(mine) != len(other)
        if compares and _joint(mine, other) > max(np.prod(mine), np.prod(other)):
            yield step, found.node, mine, other
    for steps in context.by_structure():
        step = steps[-1]
        above = step.lineage.ancestors(step.roots)
        for node in step.lineage.of_category(Category.ELEMENTWISE):
            sides = _column_and_row(step.lineage, node) if node.id in above else None
            if sides is not None and _ends_in_a_total(step.lineage, node):
                yield step, node, *sides


def _column_and_row(lineage: Lineage, node: Node) -> tuple[_Shape, _Shape] | None:
    """The shapes (…, N, 1) and (…, N) that an elementwise call reads; None where it reads others, or means to."""
    if len(node.inputs) != 2 or not node.outputs[0].requires_grad:
        return None
    column, row = sorted(node.inputs, key=lambda read: -len(output_of(lineage, read).shape))
    tall, flat = output_of(lineage, column).shape, output_of(lineage, row).shape
    made = lineage.made_of_parameters
    if not flat or flat[-1] < 2 or tall != (*flat, 1) or column.node in made or row.node in made:
        return None
    return None if _adds_a_dimension(lineage, column) else (tall, flat)


def _adds_a_dimension(lineage: Lineage, read: Input) -> bool:
    """Whether the last dimension was added on purpose, to numbers that had none."""
    node = lineage.structure.nodes[read.node]
    if plain(node) not in _ADDING_A_DIMENSION or not node.inputs:
        return False
    return (*output_of(lineage, node.inputs[0]).shape, 1) == output_of(lineage, read).shape


def _ends_in_a_total(lineage: Lineage, node: Node) -> bool:
    """Whether everything that reads the call, element by element, ends in a mean or sum over everything."""
    nodes, waiting, seen = lineage.structure.nodes, [node.id], {node.id}
    while waiting:
        readers = lineage.readers[waiting.pop()]
        if not readers:
            return False
        for reader in (nodes[number] for number in dict.fromkeys(readers)):
            if plain(reader) in _REDUCTIONS and all(not output.shape for output in reader.outputs):
                continue
            if lineage.category(reader) not in _ELEMENT_BY_ELEMENT:
                return False
            if reader.id not in seen:
                seen.add(reader.id)
                waiting.append(reader.id)
    return True


def _joint(mine: _Shape, other: _Shape) -> int:
    return int(np.prod(np.broadcast_shapes(mine, other)))

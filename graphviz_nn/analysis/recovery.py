"""Whether a network whose gradient shrinks with depth grows out of it by its own updates."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from graphviz_nn.analysis.context import COLUMN, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node


def steps_to_recover(steps: list[StepFacts], layers: list[Node], share: float) -> float:
    """Returns how many updates the weights of the layers take to grow until the gradient passes them undiminished.

    Where a layer keeps a `share` of the gradient, its weight has to become 1/share times as large. An update by
    r = ‖Δw‖/‖w‖ gives (1/share − 1)/r steps; r is that of the slowest layer (median over the steps). Optimizers that
    divide by the size of the gradient move all layers alike, and the first ones as well; for others r is as small as
    the gradient. Infinite where nothing was updated, or where something between the layers stays as it is: an
    activation with bounded results, which saturates instead of passing more, or a product with what is no weight.
    """
    if not layers or _is_bounded(steps[-1], layers):
        return math.inf
    slowest = min(_relative_updates(steps, {node.id for node in layers}), default=0.0)
    return (1 / share - 1) / slowest if slowest > 0 else math.inf


def _relative_updates(steps: list[StepFacts], layers: set[int]) -> Iterator[float]:
    """‖Δw‖/‖w‖ of each layer's weight, the median over the steps; 0 where it was never updated."""
    for use in steps[-1].lineage.weights:
        if use.node.id in layers and use.parameter is not None:
            changes = np.array([step.change[use.parameter.id, COLUMN["l2"]] for step in steps])
            sizes = np.array([step.output[use.weight, COLUMN["l2"]] for step in steps])
            known = np.isfinite(changes) & (sizes > 0)
            yield float(np.median(changes[known] / sizes[known])) if known.any() else 0.0


def _is_bounded(step: StepFacts, layers: list[Node]) -> bool:
    """Whether something between the layers and the loss shrinks signals whatever the weights are: an activation with
    bounded results, or a product with what is no weight, as with the neighbours of a graph."""
    lineage = step.lineage
    below = lineage.layers_below(step.roots)
    between = lineage.descendants([min(node.id for node in layers)])
    return any(
        node.id in between and below[node.id] > 0 and _limits(lineage, node)
        for node in (*lineage.of_category(Category.ACTIVATION), *lineage.of_category(Category.LINEAR))
    )


def _limits(lineage: Lineage, node: Node) -> bool:
    if lineage.category(node) is Category.LINEAR:
        return node.id not in lineage.weighted_ids and node.id not in lineage.made_of_parameters
    healthy = lineage.healthy(node)
    return healthy.flat is not None or (healthy.reach is not None and all(map(math.isfinite, healthy.reach)))

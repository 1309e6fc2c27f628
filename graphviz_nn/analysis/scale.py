"""The size of activations by depth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.depth import median_over
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node


@dataclass(frozen=True, slots=True)
class _Point:
    """A layer by its depth from the input, and the root mean square of its output."""

    node: Node
    depth: int
    size: float


def activation_scale(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Activations grow or shrink by about the same factor at every layer.

    **Symptom.** Activations of the last layers are orders of magnitude larger or smaller than those of the first; the
    first loss is absurd, or the output does not depend on the input.

    **Mathematics.** A layer of gain g (weights of root mean square w, n inputs, g = w·√n, halved in square by ReLU)
    multiplies the deviation of its input by g, and L layers by g^L. Only g ≈ 1 (after the activation) or a
    normalisation keeps a deep network in range. Biases stop the shrinking of the size, not that of the signal.

    **Criterion.** Of the layers on one way with no normalisation below, at least `layers` deep, the last has an output
    whose root mean square is more than `ratio` times that of the first, or less than 1/`ratio` of it; and without the
    largest step between neighbours it still is beyond √`ratio`, so that it is drift and not one odd layer. Median
    over the recorded steps. Layers that are called several times, as in a recurrence, do not count.

    **Healthy look-alikes.** Normalised networks, residual streams before a last normalisation. One layer of tiny or
    large output, such as a last layer that begins near zero. Inputs of a large scale, which one layer brings in range.

    **Remedy.** He initialisation for ReLU, Glorot for tanh, LeCun for SELU, normalisation, scaled residual branches.

    **Source.** He et al. 2015 (arXiv:1502.01852), section 2.2; Mishkin and Matas 2016 (arXiv:1511.06422).
    """
    limit = thresholds["ratio"]
    for steps in context.by_structure():
        points = _points(steps, int(thresholds["layers"]))
        if len(points) <= thresholds["layers"] or points[-1].depth - points[0].depth < thresholds["layers"]:
            continue
        sizes = np.log([point.size for point in points])
        drift, changes = float(sizes[-1] - sizes[0]), np.diff(sizes)
        steady = drift - float(changes.max() if drift > 0 else changes.min())
        if abs(drift) <= np.log(limit) or steady * np.sign(drift) <= np.log(limit) / 2:
            continue
        depth = points[-1].depth - points[0].depth
        yield steps[-1].finding(
            "activation_scale", "warning", points[-1].node,
            f"Over {depth} layers the activations {'grow' if drift > 0 else 'shrink'} {np.exp(abs(drift)):.1e} times.",
            "Use He or Glorot initialisation, or normalisation between the layers.",
            ratio=float(np.exp(drift)), by_layer=[point.size for point in points],
            factor_by_layer=float(np.exp(drift / depth)), names=[point.node.name for point in points],
        )  # fmt: skip


def _points(steps: list[StepFacts], least: int) -> list[_Point]:
    """The largest output at each depth, from the first layer to the last that is not normalised afterwards.

    Empty where there are fewer than `least` such layers.
    """
    last = steps[-1]
    lineage = last.lineage
    plain = [node for node in lineage.weighted if not lineage.normalised[node.id]]
    if len(plain) < least:
        return []
    rows = [lineage.rows(node).start for node in plain]
    sizes = median_over(np.array([step.size[rows] for step in steps])).tolist()
    depths = _depths(last)
    below = lineage.layers_below(last.roots)
    found: dict[int, _Point] = {}
    keys = [lineage.layer_key(node) for node in plain]
    calls = Counter(keys)
    for node, key, value in zip(plain, keys, sizes, strict=True):
        if calls[key] > 1 or below[node.id] < 1 or not math.isfinite(value) or value <= 0:
            continue
        depth = depths[node.id]
        if depth not in found or value > found[depth].size:
            found[depth] = _Point(node, depth, value)
    return [found[depth] for depth in sorted(found)]


def _depths(step: StepFacts) -> list[int]:
    """For each node, the largest number of layers on a way to it from the inputs, its own call included."""
    lineage = step.lineage
    found, weighted = [0] * len(step.structure.nodes), lineage.weighted_ids
    for node in lineage.forward:
        found[node.id] = max((found[read] for read in lineage.reads[node.id]), default=0) + (node.id in weighted)
    return found

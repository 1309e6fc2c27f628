"""Units that say the same of every sample: zero for all, or one value for all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.depth import layers_by_structure, vanished
from graphviz_nn.analysis.feeds import feeds
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node

_SAME = 1e-6
_DEEP = 3
"""Least layers over which a gradient that shrinks is a matter of depth."""


def dead_units(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Most units of a layer give exactly zero for every sample of every recorded step.

    **Symptom.** The layer is narrower than it looks; the loss stops early. Dead units get no gradient, so they stay.

    **Mathematics.** ReLU passes a gradient on only where its input is positive. A unit whose input is negative for all
    samples never changes by gradients again. At initialisation, with weights drawn symmetrically, a unit is off for one
    sample with probability 1/2, and for all of them with at most that, however alike the samples are. Of n units,
    more than n/2 + 3·√n/2 dead ones (three standard deviations) are therefore no chance.

    **Criterion.** A unit (a feature or channel, not an element) is dead if its largest output is 0 over all samples and
    positions of all recorded steps, at least `samples` of them. The share of dead units is above 1/2 + 1.5/√n and above
    `share`; or every unit is dead. The layer's inputs to the activation are not zero themselves. A layer of which all
    units are dead cuts off what is above it: an error; otherwise a warning.

    **Healthy look-alikes.** Sparse activations: zero for most samples, not for all. Half of the units dead in a deep or
    narrow network at its beginning. Leaky, parametric and smooth activations. ReLU in a loss, as in a satisfied margin.
    Experts that got no samples. Branches that begin at zero, whose ReLU reads zeros.

    **Remedy.** A smaller learning rate, biases of zero or above, He initialisation, a leaky activation.

    **Source.** Lu et al. 2019 (arXiv:1903.06733); Douglas and Yu 2018 (arXiv:1812.05981).
    """
    for steps in context.by_structure():
        last = steps[-1]
        for node in _suspects(last):
            if not last.lineage.healthy(node).sparse or node.id not in last.lineage.below_a_layer:
                continue
            maxima = _maxima(steps, node)
            if maxima is None or not maxima.size or not node.outputs[0].requires_grad:
                continue
            samples = _samples(last, node, maxima.size) * len(steps)
            share, units = float((maxima <= 0).mean()), float(maxima.size)
            alive_input = any(_input_varies(step, node) for step in steps)
            limit = min(max(0.5 + 1.5 / math.sqrt(units), thresholds["share"]), 1.0)
            if samples < thresholds["samples"] or not alive_input or units < 2 or (share <= limit and share < 1):
                continue
            yield last.finding(
                "dead_units", "error" if share == 1 else "warning", node,
                f"{share:.0%} of the {units:.0f} units are zero for every sample.",
                "Lower the learning rate, begin with biases of zero and He initialisation, or use a leaky activation.",
                share=share, units=units, samples=float(samples), steps=float(len(steps)),
            )  # fmt: skip


def _suspects(step: StepFacts) -> Iterator[Node]:
    """The calls of which a quarter of the maxima are zero in this step: those that read it two ways count both."""
    table = step.metric("unit_maxima")
    if table is None or not len(table):
        return
    zeros = np.add.reduceat(table.numbers <= 0, np.cumsum(table.lengths) - table.lengths)
    for node in np.unique(table.nodes[zeros * 4 >= table.lengths]).tolist():
        yield step.structure.nodes[node]


def _maxima(steps: list[StepFacts], node: Node) -> npt.NDArray[np.float32] | None:
    """Largest output of each unit over the steps; None where it was not measured."""
    tables = [step.metric("unit_maxima") for step in steps]
    rows = [row for table in tables if table is not None and (row := table.row(node.id)) is not None]
    if not rows:
        return None
    found: npt.NDArray[np.float32] = np.max(rows, axis=0)
    shape = node.outputs[0].shape
    if len(shape) != 3 or len(found) != shape[1] + shape[2]:
        return found
    by_channel, by_feature = found[: shape[1]], found[shape[1] :]
    return by_channel if _comes_from_convolution(steps[-1], node) else by_feature


def _comes_from_convolution(step: StepFacts, node: Node) -> bool:
    """Whether the nearest layer above is a convolution, after which dimension 1 holds the channels."""
    nodes = step.structure.nodes
    while node.inputs and node.id not in step.lineage.weighted_ids:
        node = nodes[node.inputs[0].node]
    return step.lineage.category(node) is Category.CONVOLUTION


def _samples(step: StepFacts, node: Node, units: int) -> int:
    return math.prod(node.outputs[0].shape) // max(units, 1)


def _input_varies(step: StepFacts, node: Node) -> bool:
    read = node.inputs[0]
    row = step.output[step.lineage.row(read.node, read.output)]
    return bool(row[COLUMN["l2"]] > 0)


def collapsed(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """What the network makes of different samples is one and the same, so that it cannot tell them apart.

    **Symptom.** The prediction is a constant, the mean or the most frequent class; the loss stays at that of guessing.

    **Mathematics.** Let s be the deviation between samples (root mean square over units) and r the root mean square of
    all. What a last layer can tell apart is s; r − s goes into a bias. Each layer with gain under one, or with a bias
    that outweighs its input, makes s/r smaller; with s/r = 1e-4 a weight of 1e4 would be needed.

    **Criterion.** Samples (dimension 0, at least four) differ at the first layer's input by more than 10 % of its size.
    At a hidden layer's output, and at the outputs of all layers below it on the way to the loss, s/r is under `share`,
    as the median over the recorded steps. Layers that read a dead activation, or whose output is zero throughout,
    are left to the rule for that; so are networks in which the gradient shrinks with depth to under `gradient`.

    **Healthy look-alikes.** Last layers that begin at zero or with a bias for rare classes: the layers above tell
    samples apart. Queries, positions and tokens that are the same for every sample: only layers computed from the
    data count. Networks of ten default ReLU layers keep 3e-3.

    **Remedy.** Larger initial weights or smaller biases, normalisation over the batch, residual connections; a stop of
    the gradient, a predictor or negative pairs where representations of pairs are pulled together.

    **Source.** Schoenholz et al. 2017 (arXiv:1611.01232) on correlations by depth; Chen and He 2021 (arXiv:2011.10566).
    """
    for steps, layers in layers_by_structure(context):
        last = steps[-1]
        if vanished(layers, thresholds["gradient"], _DEEP) is not None:
            continue
        below = last.lineage.layers_below(last.roots)
        spreads = _spreads(steps)
        if min(spreads.values(), default=1.0) >= thresholds["share"] or not _data_differs(last):
            continue
        hidden = [use for use in last.lineage.weights if use.node.id in spreads and below[use.node.id] >= 1]
        first = next((use for use in hidden if _is_collapsed(last, use, spreads, thresholds["share"])), None)
        if first is not None and not _reads_zeros(steps, first):
            yield last.finding(
                "collapsed", "warning", first.node,
                f"Different samples differ by {spreads[first.node.id]:.1e} of the size of this layer's output.",
                "Use larger initial weights, smaller biases, normalisation over the batch, or residual connections.",
                share=spreads[first.node.id], layers_below=float(below[first.node.id] - 1), steps=float(len(steps)),
            )  # fmt: skip


def _spreads(steps: list[StepFacts]) -> dict[int, float]:
    """Deviation between samples over root mean square of each layer's output, by node: the median over the steps."""
    found: dict[int, list[float]] = {}
    for step in steps:
        table = step.metric("sample_spread")
        if table is None:
            return {}
        between, size = table.numbers.reshape(-1, 2).T.astype(np.float64)
        shares = np.divide(between, size, out=np.full(len(size), np.nan), where=(size > 0) & (size < np.inf))
        for node, share in zip(table.nodes.tolist(), shares.tolist(), strict=True):
            if not math.isnan(share):
                found.setdefault(node, []).append(share)
    return {node: statistics.median(shares) for node, shares in found.items() if len(shares) == len(steps)}


def _data_differs(step: StepFacts) -> bool:
    """Whether the numbers that the first trained layer reads vary: their deviation is over a tenth of their size.

    Samples that are all the same are left to the rule for that.
    """
    feed = next(iter(feeds(step)), None)
    if feed is None:
        return False
    table = step.metric("feature_spread")
    spread = None if table is None else table.row(feed.read.node, feed.read.output)
    if spread is not None and len(spread) == 3 and spread[2] <= _SAME * step.size[feed.row]:
        return False
    return bool(step.output[feed.row, COLUMN["std"]] > 0.1 * step.size[feed.row])


def _is_collapsed(step: StepFacts, use: WeightUse, spreads: Mapping[int, float], limit: float) -> bool:
    """Whether the layer and all layers below it give the same for all samples, and the layer has one below it."""
    if spreads[use.node.id] >= limit:
        return False
    after = step.lineage.descendants([use.node.id]) & step.lineage.weighted_ids - {use.node.id}
    return bool(after) and all(spreads.get(number, 1.0) < limit for number in after)


def _reads_zeros(steps: list[StepFacts], use: WeightUse) -> bool:
    return any(step.output[use.data, COLUMN["l2"]] == 0 for step in steps)

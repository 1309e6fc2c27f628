"""Weights that begin at the wrong scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.analysis.saturation import flat_share
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_WAVES = frozenset({"sin", "cos"})
_LEAST_LAYER_NUMBERS = 8
_HALF = 0.5
_TIMES_TARGET = 10.0
_NATS = 2.0


def init_scale(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A layer's weights begin far too large or far too small for the number of its inputs.

    **Symptom.** Too large: the first loss is many times that of guessing (ln k for k classes), or sigmoids and tanhs
    begin at their ends. Too small: everything behind the layer sees almost nothing, and the first steps change little.

    **Mathematics.** With n inputs of unit variance and weights of root mean square w, a unit has variance n·w². LeCun's
    scheme makes the gain w·√n 1, He's √2, Glorot's at most √2; with the gain of tanh, 5/3, at most 2.4. Softmax with
    logits of deviation s has an expected loss of about ln k + s²/2 for small s.

    **Criterion.** On the first step of a run. *Too large*: the gain is above `large`, no normalisation below undoes it,
    and its effect is there: the mean cross-entropy is above both 2·ln k and ln k + 2 nats, or a prediction's root mean
    square is more than ten times that of its target, or at least half of an activation that the layer feeds is in its
    flat ends. The layer with the largest gain is named. *Too small*: the gain is above 0 and below `small`, a layer
    and no normalisation is below it, and nothing goes around it.

    **Healthy look-alikes.** Small last layers, adapters and residual branches (something goes around them), weights of
    exactly zero, layers before a normalisation, first layers of sine networks, trained weights that give a low loss.

    **Remedy.** He initialisation before ReLU, Glorot before tanh and sigmoid, LeCun before SELU; a small last layer.

    **Source.** Glorot and Bengio 2010; He et al. 2015 (arXiv:1502.01852); LeCun et al. 1998, "Efficient BackProp".
    """
    step = context.beginning
    if step is None:
        return
    uses = [use for use in step.lineage.weights if _is_judged(step, use)]
    gains = {use.node.id: _gain(step, use) for use in uses}
    large = [use for use in uses if gains[use.node.id] > thresholds["large"] and not _makes_waves(step.lineage, use)]
    found = _too_large(step, large, gains)
    if found is not None:
        use, effect, seen, usual = found
        yield step.finding(
            "init_scale", "warning", use.node,
            f"The weights are {gains[use.node.id] / math.sqrt(2):.1f} times those of He's scheme, and {effect}.",
            f"Draw them with a standard deviation of about {math.sqrt(2 / use.fan_in):.2g} (He) or less.",
            gain=gains[use.node.id], fan_in=float(use.fan_in), seen=seen, usual=usual,
        )  # fmt: skip
    below = step.lineage.layers_below(step.roots)
    for use in uses:
        hidden = below[use.node.id] >= 2 and not step.lineage.normalised[use.node.id]
        if hidden and 0 < gains[use.node.id] < thresholds["small"] and not _is_bypassed(step, use):
            yield step.finding(
                "init_scale", "warning", use.node,
                f"The weights pass on {gains[use.node.id]:.1e} of what comes in, and nothing goes around the layer.",
                f"Draw them with a standard deviation of about {math.sqrt(1 / use.fan_in):.2g} (LeCun) or more.",
                gain=gains[use.node.id], fan_in=float(use.fan_in), usual=1.0,
            )  # fmt: skip
            return


def _is_judged(step: StepFacts, use: WeightUse) -> bool:
    trained = use.parameter is None or use.parameter.outputs[0].requires_grad
    return trained and step.lineage.numel[use.weight] >= _LEAST_LAYER_NUMBERS and bool(step.arrived[use.output])


def _gain(step: StepFacts, use: WeightUse) -> float:
    """Deviation of a unit's result for inputs of unit variance."""
    return float(step.size[use.weight]) * math.sqrt(use.fan_in)


def _too_large(
    step: StepFacts, large: list[WeightUse], gains: Mapping[int, float]
) -> tuple[WeightUse, str, float, float] | None:
    """The layer at fault, the effect in words, the number that shows it and what would be usual."""
    plain = [use for use in large if not step.lineage.normalised[use.node.id]]
    loss = next(_bad_losses(step), None) if plain else None
    if loss is not None:
        return max(plain, key=lambda use: gains[use.node.id]), *loss
    for use in large:
        for reader in step.lineage.readers[use.node.id]:
            share = flat_share(step, step.structure.nodes[reader])
            if share is not None and share >= _HALF:
                return use, f"{share:.0%} of the activation behind them begins in its flat ends", share, 0.0
    return None


def _bad_losses(step: StepFacts) -> Iterator[tuple[str, float, float]]:
    lineage = step.lineage
    for number in sorted(lineage.ancestors(step.roots)):
        node = step.structure.nodes[number]
        found = _bad_loss(step, node) if node.op in _LOSSES and len(node.inputs) >= 2 else None
        if found is not None:
            yield found


_LOSSES = frozenset({"cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "mse_loss"})


def _bad_loss(step: StepFacts, node: Node) -> tuple[str, float, float] | None:
    rows = [step.lineage.row(read.node, read.output) for read in node.inputs[:2]]
    if node.op == "mse_loss":
        prediction, target = (float(step.size[row]) for row in rows)
        bad = target > 0 and prediction > _TIMES_TARGET * target
        return ("the prediction is far larger than the target", prediction, target) if bad else None
    if node.attributes.get("reduction", "mean") != "mean":
        return None
    shape = step.structure.nodes[node.inputs[0].node].outputs[node.inputs[0].output].shape
    classes = 2 if node.op.startswith("binary") else shape[min(1, len(shape) - 1)] if shape else 1
    value, even = float(step.output[step.lineage.rows(node)][0, COLUMN["mean"]]), math.log(max(classes, 2))
    if not np.isfinite(value) or value <= max(2 * even, even + _NATS):
        return None
    return f"the first loss is {value:.3g} where guessing gives {even:.3g}", value, even


def _makes_waves(lineage: Lineage, use: WeightUse, reach: int = 3) -> bool:
    """Whether the result goes into a sine or cosine, which have no scale that is too large."""
    front = [use.node.id]
    for _ in range(reach):
        front = [reader for number in front for reader in lineage.readers[number]]
        if any(lineage.structure.nodes[number].op in _WAVES for number in front):
            return True
    return False


def _is_bypassed(step: StepFacts, use: WeightUse) -> bool:
    """Whether what the layer reads, or what that was computed from with parameters, reaches a root without it."""
    lineage, nodes = step.lineage, step.structure.nodes
    source = int(lineage.value_node[use.data])
    above = {n for n in lineage.ancestors([source]) if n not in lineage.made_of_parameters and nodes[n].inputs}
    starts = (above | {source}) - {use.node.id}
    found, waiting = set(starts), list(starts)
    while waiting:
        for reader in lineage.readers[waiting.pop()]:
            if reader != use.node.id and reader not in found:
                found.add(reader)
                waiting.append(reader)
    return not found.isdisjoint(step.roots)

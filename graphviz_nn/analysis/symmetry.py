"""Units that begin alike and therefore stay alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.metrics import NEIGHBOURS
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.analysis.zero import could_not_move
from graphviz_nn.model.findings import Finding

_TOLERANCE = {"float16": 1e-2, "bfloat16": 1e-2}
_ROUNDING = 1e-5
_CONSTANT = 1e-5
_PATIENCE = 3


def symmetric_init(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The units of a hidden layer have the same weights, so that they all compute the same, and go on doing so.

    **Symptom.** A wide layer works as if it had one unit; the loss stops early, or moves by the last bias alone.

    **Mathematics.** Two units with the same incoming and the same outgoing weights get the same gradient, so every
    optimizer that works element by element keeps them the same for ever. Randomness is what breaks the symmetry.

    **Criterion.** In a layer with another one below it, more than `share` of neighbouring units have incoming weights
    that differ by no more than rounding, and so have their gradients, on every recorded step. Where the gradients are
    exactly zero, that takes three steps on which something else moved, or nothing could. On the first step of a run a
    weight that is one constant, not zero, is reported whatever its gradient is, unless it is a grouped convolution.

    **Healthy look-alikes.** A last layer that begins at zero: the targets tell its units apart. Zero-initialised
    residual branches and LoRA: the next layers, or the inputs, tell them apart at the first step. Scales of 1
    and biases of 0. Units that are dead have gradients alike, but not weights.

    **Remedy.** Draw weights at random (He, Glorot, orthogonal); zero is for biases and for the last layer of a branch.

    **Source.** Goodfellow, Bengio, Courville 2016, Deep Learning, section 8.4.
    """
    for steps in context.by_structure():
        below = steps[-1].lineage.layers_below(steps[-1].roots)
        begin = context.beginning
        at_begin = begin if begin is not None and begin.lineage is steps[-1].lineage else None
        suspects = _suspects(steps[0]) | (set() if at_begin is None else _suspects(at_begin))
        if not suspects:
            continue
        for use in _hidden(steps[-1], below):
            if use.parameter is None or use.parameter.id not in suspects:
                continue
            shares = [share for step in steps if (share := _share(step, use)) is not None]
            enough = len(shares) == len(steps) and min(shares, default=0.0) > thresholds["share"]
            alike = enough and _is_proven(steps, use)
            if alike or (at_begin is not None and _is_constant(at_begin, use)):
                place = steps[0] if at_begin is None else at_begin
                row = place.output[use.weight]
                yield place.finding(
                    "symmetric_init", "warning", use.node,
                    f"The {use.units} units of the layer begin with the same weights.",
                    "Draw the weights at random (He, Glorot or orthogonal initialisation).",
                    units=float(use.units), share_alike=float(min(shares, default=1.0)),
                    mean=float(row[COLUMN["mean"]]), deviation=float(row[COLUMN["std"]]), steps=float(len(steps)),
                )  # fmt: skip


def _suspects(step: StepFacts) -> set[int]:
    """The weights of which two neighbouring units are alike in this step."""
    table = step.metric("weight_neighbours")
    if table is None or not len(table):
        return set()
    alike = np.minimum.reduceat(table.numbers, np.cumsum(table.lengths) - table.lengths) <= max(_TOLERANCE.values())
    return set(table.nodes[alike].tolist())


def _hidden(step: StepFacts, below: npt.NDArray[np.int64]) -> Iterable[WeightUse]:
    """The layers with a trainable weight for several units that have another layer below them, each weight once."""
    seen: set[int] = set()
    for use in step.lineage.weights:
        weight = use.parameter
        if weight is None or weight.id in seen or not weight.outputs[0].requires_grad:
            continue
        seen.add(weight.id)
        if use.units > 1 and below[use.node.id] >= 2 and step.arrived[use.weight]:
            yield use


def _share(step: StepFacts, use: WeightUse) -> float | None:
    """Share of neighbouring units with weights and gradients alike; None where it was not measured."""
    weights, gradients = step.metric("weight_neighbours"), step.metric("gradient_neighbours")
    if weights is None or gradients is None or use.parameter is None:
        return None
    mine = weights.row(use.parameter.id)
    passes = gradients.passes[gradients.nodes == use.parameter.id]
    theirs = gradients.row(use.parameter.id, 0, int(passes[-1])) if len(passes) else None
    if mine is None or theirs is None:
        return None
    rows = min(use.parameter.outputs[0].shape[0] - 1, NEIGHBOURS)
    part = slice(rows, None) if use.by_column else slice(0, rows)
    limit = _TOLERANCE.get(use.parameter.outputs[0].dtype, _ROUNDING)
    alike = (mine[part] <= limit) & (theirs[part] <= limit)
    return float(alike.mean()) if alike.size else None


def _is_proven(steps: list[StepFacts], use: WeightUse) -> bool:
    if any(step.gradient_l2[use.weight] > 0 for step in steps):
        return True
    return sum(step.moved or could_not_move(step) for step in steps) >= _PATIENCE


def _is_constant(step: StepFacts, use: WeightUse) -> bool:
    mean, deviation = step.output[use.weight, [COLUMN["mean"], COLUMN["std"]]]
    grouped = use.node.attributes.get("groups", 1) != 1
    return bool(use.fan_in > 1 and not grouped and mean != 0 and deviation <= _CONSTANT * abs(mean))

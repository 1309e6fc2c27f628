"""Predictions that the last activation keeps away from what their targets ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import (
    ELEMENTWISE,
    Comparison,
    class_count,
    comparisons,
    origin,
    output_of,
    plain,
    row_of,
)
from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.losses import SIGMOIDS, SOFTMAXES
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_BOUNDED_BY_ARGUMENTS: Final = frozenset({"hardtanh", "clamp", "clip", "clamp_min", "clamp_max"})

_Verdict = tuple[str, dict[str, float]]
"""Cause and evidence."""


def output_range(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The last activation cannot give the values that the targets have.

    **Symptom.** The loss stops at a plateau; predictions stick to the end of the activation's range.

    **Mathematics.** With outputs confined to [a, b], each target y outside costs at least (y − b)² or (a − y)² in the
    mean squared error, whatever the weights. The activation is driven into its flat end, where its derivative vanishes.
    Logits confined to [a, b] give each of k classes a probability of 1/(1 + (k − 1)e^(a − b)) at the most, so that
    cross-entropy is at least log(1 + (k − 1)e^(a − b)): 0.80 after tanh with ten classes. Where there is one logit, a
    negative example costs at least log(1 + e^a), and a positive one log(1 + e^(−b)): 0.69 and 0 after ReLU. Of several
    logits a ReLU excludes no probabilities, but each one that it sets to zero gets no gradient, also that of the class
    that is right.

    **Criterion.** The prediction of a loss was made by an activation (or a clamp between numbers) with nothing but
    casts, views and indexing in between. *Elementwise losses*: the targets of the recorded steps extend beyond the
    reach of the activation by more than `share` of their own span. *Losses of logits*: the least cross-entropy within
    that reach is above `share` of that of guessing; or ReLU sets more than `share` of the logits of `cross_entropy` to
    zero, as the median over the recorded steps.

    **Healthy look-alikes.** Targets that pass the reach by rounding or a few per cent of noise; outputs that are scaled
    after the activation, as tanh-capped logits are; ReLU outputs for counts and distances; ReLU before a pooling that
    ends in the logits; logits clamped to ±10.

    **Remedy.** Leave the last activation out, scale its output to the targets, or normalise the targets.

    **Source.** Goodfellow, Bengio and Courville, "Deep Learning" (2016), sections 6.2.2 and 6.3.
    """
    for steps in context.by_structure():
        for found in comparisons(steps[-1]):
            made_by = origin(steps[-1].lineage, found.prediction)
            reach = _reach(steps[-1], made_by)
            if reach is None:
                continue
            if found.op in (*ELEMENTWISE, "sub"):
                verdict = _beyond(steps, found, made_by, reach, thresholds["share"])
            else:
                verdict = _confined(steps, found, made_by, reach, thresholds["share"])
            if verdict is not None:
                cause, evidence = verdict
                yield steps[-1].finding(
                    "output_range", "warning", made_by, cause,
                    "Leave the last activation out, scale its output, or normalise the targets.",
                    **evidence, lowest_output=reach[0], highest_output=reach[1], loss=found.node.name,
                )  # fmt: skip


def _reach(step: StepFacts, node: Node) -> tuple[float, float] | None:
    """The least and the greatest number that the call can give; None where nothing bounds it, or data do."""
    if plain(node) not in _BOUNDED_BY_ARGUMENTS:
        return step.lineage.healthy(node).reach
    ends = []
    for names, unbounded in ((("min_val", "min"), -np.inf), (("max_val", "max"), np.inf)):
        given = next((value for name in names if (value := node.attributes.get(name)) is not None), unbounded)
        ends.append(float(given) if isinstance(given, (int, float)) else unbounded)
    return (ends[0], ends[1]) if len(node.inputs) == 1 and np.isfinite(ends).any() else None


def _beyond(
    steps: list[StepFacts], found: Comparison, made_by: Node, reach: tuple[float, float], share: float
) -> _Verdict | None:
    lineage = steps[-1].lineage
    row = row_of(lineage, found.target)
    low = min((float(step.output[row, COLUMN["min"]]) for step in steps), default=np.nan)
    high = max((float(step.output[row, COLUMN["max"]]) for step in steps), default=np.nan)
    if not np.isfinite(low + high) or output_of(lineage, found.target).requires_grad:
        return None
    beyond = max(high - reach[1], reach[0] - low, 0.0)
    if beyond <= share * max(high - low, 1e-12) or beyond <= 1e-6:
        return None
    cause = f"{made_by.op} gives values from {reach[0]:g} to {reach[1]:g}, but targets go from {low:.3g} to {high:.3g}."
    return cause, {"lowest_target": low, "highest_target": high}


def _confined(
    steps: list[StepFacts], found: Comparison, made_by: Node, reach: tuple[float, float], share: float
) -> _Verdict | None:
    if plain(made_by) in SIGMOIDS | SOFTMAXES:
        return None  # They are a fault of their own.
    low, high = reach
    if found.op == "cross_entropy":
        classes = class_count(steps[-1].lineage, found.prediction)
        least, guessing = float(np.log1p((classes - 1) * np.exp(low - high))), float(np.log(max(classes, 2)))
    elif found.op == "binary_cross_entropy_with_logits":
        least, guessing = float(max(np.logaddexp(0, low), np.logaddexp(0, -high))), float(np.log(2))
    else:
        return None
    if least > share * guessing:
        cause = f"{made_by.op} confines the logits to {low:g} … {high:g}: some examples cost {least:.3g} at best."
        return cause, {"least_loss": least, "guessing": guessing}
    row = steps[-1].lineage.rows(made_by).start
    zeros = float(np.median([step.output[row, COLUMN["zeros"]] for step in steps]))
    if steps[-1].lineage.healthy(made_by).sparse and zeros > share:
        return f"{made_by.op} sets {zeros:.0%} of the logits to zero, and these get no gradient.", {"zeros": zeros}
    return None

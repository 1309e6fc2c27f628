"""A loss that goes the wrong way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.history import history, may_be_adversaries, rises
from graphviz_nn.model.findings import Finding

_SIGNIFICANT = 3.0
_MOSTLY = 0.5
_TIMES_NOISE = 5.0
_LEAST_BEFORE_NAN = 3


def diverging(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The loss rises while gradients or weights grow: each step makes the next one worse.

    **Symptom.** The loss climbs, often by orders of magnitude, and may end as NaN.

    **Mathematics.** Near a minimum with curvature λ, gradient descent multiplies the distance from it by 1 − lr·λ. For
    lr > 2/λ its magnitude is above 1: distance and gradient grow geometrically, the loss as their square.

    **Criterion.** At least `steps` recorded steps. The losses rise with time: Kendall's τ is above ½ and three standard
    deviations from chance, and the median of the last fifth is over that of the first by more than five times the
    noise of the first half. And, as the second witness, the norm of all gradients is more than `gradients` times, or
    the weights' (median over layers) more than `weights` times that of the first recorded step. Where the loss becomes
    NaN or infinite, the finite losses before it are judged: three are enough beside the second witness, and none is
    needed beside losses that rise as described.

    **Healthy look-alikes.** Losses that rise by design: adversaries (optimizers with losses of their own), policy
    gradients, penalties that are faded in, contrastive losses over a growing queue; there neither gradients nor weights
    grow like this. A learning rate that is still warming up over a flat loss.

    **Remedy.** A learning rate three to ten times smaller, warm-up, clipping of the gradient.

    **Source.** LeCun et al. 1998, "Efficient BackProp", section 4.
    """
    course = history(context)
    losses = course.finite_losses
    spoiled = len(losses) < len(course)
    if context.first is None or not context.trained or may_be_adversaries(context):
        return
    if len(losses) < (_LEAST_BEFORE_NAN if spoiled else thresholds["steps"]):
        return
    trend, deviations = rises(losses)
    far = deviations > _SIGNIFICANT and _rises_far(losses)
    if trend < _MOSTLY or not (far or spoiled):
        return
    step = next((step for step in reversed(context.trained) if math.isfinite(step.info.loss or math.nan)), None)
    gradients, weights = (math.nan, math.nan) if step is None else _growth(context.first, step)
    if gradients > thresholds["gradients"] or weights > thresholds["weights"] or (step is None and far):
        last = step or context.trained[-1]
        yield last.finding(
            "diverging",
            "warning",
            last.structure.nodes[last.roots[-1]],
            f"The loss rises from {losses[0]:.3g} to {losses[-1]:.3g}"
            + (", then it is NaN." if step is None else f", and gradients become {gradients:.2g} times as large."),
            "Lower the learning rate three to ten times, warm it up, or clip the gradient.",
            first_loss=float(losses[0]),
            last_loss=float(losses[-1]),
            trend=trend,
            gradient_growth=gradients,
            weight_growth=weights,
        )


def _rises_far(losses: Numbers) -> bool:
    """Whether the end is above the start by more than the noise of the first half explains."""
    fifth = max(len(losses) // 5, 3)
    differences = np.diff(losses[: max(len(losses) // 2, 3)])
    noise = float(np.median(np.abs(differences - np.median(differences))))
    return float(np.median(losses[-fifth:]) - np.median(losses[:fifth])) > _TIMES_NOISE * noise


def _growth(first: StepFacts, last: StepFacts) -> tuple[float, float]:
    """How many times as large the norm of all gradients is, and the median weight matrix; 0 where not known."""
    gradients, sizes = [], []
    for name, node in last.lineage.parameters.items():
        before = first.lineage.parameters.get(name)
        if before is None:
            continue
        rows = first.lineage.rows(before).start, last.lineage.rows(node).start
        gradients.append((first.gradient_l2[rows[0]], last.gradient_l2[rows[1]]))
        if len(node.outputs[0].shape) > 1 and first.size[rows[0]] > 0:
            sizes.append(last.size[rows[1]] / first.size[rows[0]])
    squares = np.nansum(np.square(np.array(gradients, np.float64).reshape(-1, 2)), axis=0)
    grown = math.sqrt(squares[1] / squares[0]) if squares[0] > 0 and math.isfinite(squares[1]) else 0.0
    return grown, float(np.median(sizes)) if sizes else 0.0

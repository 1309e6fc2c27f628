"""A loss that goes the wrong way, or nowhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.comparisons import Comparison, class_count, comparisons, row_of
from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.history import has_several_optimizers, history, rises
from graphviz_nn.model.findings import Finding

_SIGNIFICANT = 3.0
_MOSTLY = 0.5
_TIMES_NOISE = 5.0
_NEAR_GUESSING = 0.03
_TARGETS_PER_CLASS = 4


def diverging(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The loss rises while gradients or weights grow: each step makes the next one worse.

    **Symptom.** The loss climbs, often by orders of magnitude, and may end as NaN.

    **Mathematics.** Near a minimum with curvature λ, gradient descent multiplies the distance from it by 1 − lr·λ. For
    lr > 2/λ its magnitude is above 1: distance and gradient grow geometrically, the loss as their square.

    **Criterion.** At least `steps` recorded steps. The losses rise with time: Kendall's τ is above ½ and three standard
    deviations from chance, and the median of the last fifth is over that of the first by more than five times the
    noise of the first half. And, as the second witness, the norm of all gradients is more than `gradients` times, or
    the weights' (median over layers) more than `weights` times that of the first recorded step. Where the loss becomes
    NaN or infinite, the finite losses before it are judged, and three of them are enough.

    **Healthy look-alikes.** Losses that rise by design: adversaries (several optimizers), policy gradients, penalties
    that are faded in, contrastive losses over a growing queue; there neither gradients nor weights grow like this. A
    learning rate that is still warming up over a flat loss.

    **Remedy.** A learning rate three to ten times smaller, warm-up, clipping of the gradient.

    **Source.** LeCun et al. 1998, "Efficient BackProp", section 4.
    """
    course, first = history(context), context.first
    losses, spoiled = _finite_part(course.losses)
    if first is None or not context.trained or has_several_optimizers(context):
        return
    if len(losses) < (3 if spoiled else thresholds["steps"]) or not losses[-1] > losses[0]:
        return
    trend, deviations = rises(losses)
    if trend < _MOSTLY or not (spoiled or _rises_far(losses, deviations)):
        return
    step = next((step for step in reversed(context.trained) if math.isfinite(step.info.loss or math.nan)), None)
    if step is None:
        return
    gradients, weights = _growth(first, step)
    if gradients > thresholds["gradients"] or weights > thresholds["weights"]:
        yield step.finding(
            "diverging",
            "warning",
            step.structure.nodes[step.roots[-1]],
            f"The loss rises from {losses[0]:.3g} to {losses[-1]:.3g}, while gradients become {gradients:.2g} and "
            f"weights {weights:.2g} times as large.",
            "Lower the learning rate three to ten times, warm it up, or clip the gradient.",
            first_loss=float(losses[0]),
            last_loss=float(losses[-1]),
            gradient_growth=gradients,
            weight_growth=weights,
            trend=trend,
        )


def _rises_far(losses: Numbers, deviations: float) -> bool:
    fifth = max(len(losses) // 5, 3)
    differences = np.diff(losses[: max(len(losses) // 2, 3)])
    noise = float(np.median(np.abs(differences - np.median(differences))))
    rise = float(np.median(losses[-fifth:]) - np.median(losses[:fifth]))
    return deviations > _SIGNIFICANT and rise > _TIMES_NOISE * noise


def _finite_part(losses: Numbers) -> tuple[Numbers, bool]:
    """The losses before the first that is not finite, and whether there is one."""
    bad = np.flatnonzero(~np.isfinite(losses))
    return (losses[: bad[0]], True) if bad.size else (losses, False)


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


def flat(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The loss of a classifier stays where guessing puts it.

    **Symptom.** The loss begins at ln k for k classes (ln 2 for yes or no), and is still there many steps later.

    **Mathematics.** A prediction that ignores its input does best with the frequencies of the classes; its
    cross-entropy is their entropy, which is ln k for k classes of one frequency. A loss at that level means that
    nothing was learned of how targets depend on inputs. A converged model may be flat anywhere below.

    **Criterion.** The loss is the mean of one cross-entropy. Over at least `steps` recorded steps it has no trend
    (Kendall's τ within two standard deviations from chance), and the medians of its first and last fifth are within
    3 %, or twice the noise, of the entropy of the classes in the batches (ln 2 for binary losses). It is information at
    first, and a warning once the recorded steps span `span` training steps.

    **Healthy look-alikes.** The first steps of any run, warm-up included; converged models; losses of other kinds.

    **Remedy.** See what the other findings say of gradients, activations and updates; try whether the model can learn
    ten samples by heart; look at the labels.

    **Source.** Karpathy 2019, "A Recipe for Training Neural Networks": "verify loss @ init", "overfit one batch".
    """
    course = history(context)
    found = guessing(context)
    if found is None or len(course) < thresholds["steps"]:
        return
    step, comparison, level = found
    if abs(rises(course.losses)[1]) > 2:
        return
    span = float(context.infos[course.positions[-1]].index - context.infos[course.positions[0]].index)
    yield step.finding(
        "flat",
        "warning" if span >= thresholds["span"] else "info",
        comparison.node,
        f"After {span:.0f} steps the loss is {course.end:.4g}, and guessing gives {level:.4g}.",
        "Try whether the model can learn ten samples by heart, and look at gradients, updates and labels.",
        loss=course.end,
        guessing=level,
        span=span,
    )


def guessing(context: CheckContext) -> tuple[StepFacts, Comparison, float] | None:
    """Returns the last step, its one loss over classes, and the loss of guessing, if the run begins and ends at that.

    None where the loss is of another kind, or lies elsewhere.
    """
    course = history(context)
    if not context.trained or len(course) < 2 or not np.isfinite(course.losses).all():
        return None
    last = context.trained[-1]
    compared = comparisons(last)
    if len(compared) != 1 or compared[0].node.id not in last.roots:
        return None
    if compared[0].node.attributes.get("reduction", "mean") != "mean":
        return None
    level = _level_of_guessing(context.trained, compared[0])
    if level is None:
        return None
    near = max(_NEAR_GUESSING * level, 2 * course.noise)
    away = max(abs(course.start - level), abs(course.end - level))
    return (last, compared[0], level) if away <= near else None


def _level_of_guessing(steps: list[StepFacts], found: Comparison) -> float | None:
    """Entropy of the classes in nats, estimated from the batches; None where these are too small for it.

    A batch of n underestimates the entropy of k classes by (k − 1)/2n on average (Miller 1955).
    """
    lineage, target = steps[-1].lineage, found.target
    row = row_of(lineage, target)
    if found.op.startswith("binary_cross_entropy"):
        share = float(np.median([step.output[row, COLUMN["mean"]] for step in steps]))
        return -share * math.log(share) - (1 - share) * math.log(1 - share) if 0 < share < 1 else None
    tables = [step.metric("label_entropy") for step in steps]
    rows = [numbers for t in tables if t is not None and (numbers := t.row(target.node, target.output)) is not None]
    entropies = [float(numbers[0]) for numbers in rows if len(numbers)]
    classes, targets = class_count(lineage, found.prediction), lineage.numel[row]
    if not entropies or min(entropies) <= 0 or targets < _TARGETS_PER_CLASS * classes:
        return None
    return float(np.median(entropies) + (classes - 1) / (2 * targets))

"""A loss that goes nowhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.comparisons import Comparison, class_count, comparisons, output_of, row_of
from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.history import history, rises
from graphviz_nn.model.findings import Finding

_NEAR_GUESSING = 0.03
_TARGETS_PER_CLASS = 4
_LEAST_SAMPLES = 16


def flat(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The loss of a classifier, or of a regression, stays where guessing puts it.

    **Symptom.** The loss begins at ln k for k classes (ln 2 for yes or no), and is still there many steps later.

    **Mathematics.** A prediction that ignores its input does best with the frequencies of the classes; its
    cross-entropy is their entropy, which is ln k for k classes of one frequency. For numbers it does best with their
    mean; its mean squared error is their variance. A loss at that level means that nothing was learned of how targets
    depend on inputs. A converged model may be flat anywhere below.

    **Criterion.** The loss is the mean of one cross-entropy, or of the squared errors of one number a sample, over at
    least `steps` recorded steps. The median of its last fifth is within 3 %, or twice the noise, of the entropy of the
    classes (the variance of the targets) in the batches, and that of the first
    fifth is not below; the second half has no trend (Kendall's τ within two standard deviations from chance). It is
    information at first, and a warning once the recorded steps span `span` training steps.

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
    """Returns the last step, its one loss over classes, and the loss of guessing, if the run has come to rest at that.

    None where the loss is of another kind, lies elsewhere, or has been below.
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
    rests = abs(rises(course.losses[len(course) // 2 :])[1]) <= 2
    away = max(level - course.start, abs(course.end - level))
    return (last, compared[0], level) if rests and away <= near else None


def _level_of_guessing(steps: list[StepFacts], found: Comparison) -> float | None:
    """The least loss of a prediction that ignores its input, estimated from the batches; None where that is not known.

    Of squared errors it is the variance of the targets, of which a sample has one. Of classes it is their entropy in
    nats; a batch of n underestimates the entropy of k classes by (k − 1)/2n on average (Miller 1955).
    """
    lineage, target = steps[-1].lineage, found.target
    row = row_of(lineage, target)
    if found.op == "mse_loss":
        return _variance(steps, found)
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


def _variance(steps: list[StepFacts], found: Comparison) -> float | None:
    """Variance of targets of which each sample has one; None where there are others, or few, or they are learned."""
    lineage = steps[-1].lineage
    target, row = output_of(lineage, found.target), row_of(lineage, found.target)
    if not target.shape or target.requires_grad or not math.prod(target.shape) == target.shape[0] >= _LEAST_SAMPLES:
        return None
    variance = float(np.median([step.output[row, COLUMN["std"]] for step in steps])) ** 2
    return variance if variance > 0 else None

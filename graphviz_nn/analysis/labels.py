"""Labels that have nothing to do with their samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext
from graphviz_nn.analysis.history import history
from graphviz_nn.analysis.learning import own_weights
from graphviz_nn.analysis.plateau import guessing
from graphviz_nn.model.findings import Finding


def uninformative_labels(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The labels may say nothing of the samples: a model that moves a lot does not get better than guessing.

    **Symptom.** The loss stays at the entropy of the labels, though gradients and updates have a usual size; the
    training loss falls only if single samples are learned by heart.

    **Mathematics.** If labels are independent of samples, no prediction has a lower expected cross-entropy than the
    entropy of the labels, and the gradient at the best constant prediction is noise of mean 0.

    **Criterion.** As for `flat`: the mean of one cross-entropy rests at the entropy of the classes; and
    the recorded steps span at least `span` training steps, in which the typical weight moved, by its median update of
    late, `travel` times its own size in all. That is no proof, so it is information: a model that is wrong in another
    way behaves the same.

    **Healthy look-alikes.** Small updates, as in warm-up; converged models; hard tasks with a long plateau, such as
    parity.

    **Remedy.** Look at samples with their labels as they enter the model; check that shuffling moves both alike.

    **Source.** Zhang et al. 2017 (arXiv:1611.03530) on random labels.
    """
    course, found = history(context), guessing(context)
    if found is None:
        return
    step, comparison, level = found
    span = float(context.infos[course.positions[-1]].index - context.infos[course.positions[0]].index)
    travel = span * _usual_update(context)
    if span >= thresholds["span"] and travel >= thresholds["travel"]:
        yield step.finding(
            "uninformative_labels",
            "info",
            comparison.node,
            f"In {span:.0f} steps the weights moved by {travel:.2g} times their size in all, and the loss is still "
            "that of guessing.",
            "Look at samples with their labels as they enter the model; check that shuffling moves both alike.",
            loss=course.end,
            guessing=level,
            travel=travel,
        )


def _usual_update(context: CheckContext) -> float:
    """Median over layers and the last steps of ‖Δw‖/‖w‖."""
    ratios = [
        float(step.change[use.parameter.id, COLUMN["l2"]] / step.output[use.weight, COLUMN["l2"]])
        for step in context.trained
        for use in own_weights(step)
        if use.parameter is not None and step.output[use.weight, COLUMN["l2"]] > 0
    ]
    finite = [ratio for ratio in ratios if np.isfinite(ratio)]
    return float(np.median(finite)) if finite else 0.0

"""Schedules of the learning rate that end training early, or in a divergence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.history import History, history
from graphviz_nn.model.findings import Evidence, Finding

_TIMES_NOISE = 20.0

_Verdict = tuple[str, str, dict[str, Evidence]]
"""Cause, remedy, evidence."""


def schedule(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The schedule takes the learning rate to almost nothing long before training ends, or raises it until it diverges.

    **Symptom.** The loss stops falling at one step and stays there, with gradients as large as before; or it falls, and
    then jumps up and does not come back.

    **Mathematics.** Schedules that are meant by epoch decay too fast when they are stepped for every batch: 0.9 a step
    is 3e-5 after a hundred. A cosine to zero spends 2 % of its steps under 1e-3 of its maximum, a linear decay 0.1 %.

    **Criterion.** At least `steps` recorded steps with known rates. *Decayed*: after its maximum the rate is under
    1e-3 of it on more than `share` of all recorded steps, the last included, and the norm of all gradients is still
    over a tenth of that of the first recorded step. *Raised*: the rate of the last step is at least ten times that of
    the step with the lowest loss, and the loss has risen since by more than what it fell before, and more than twenty
    times the noise until then.

    **Healthy look-alikes.** Warm-up, and rates that rise from very small ones: only what follows the maximum counts;
    the last steps of a cosine; restarts; converged models, whose gradients have become small.

    **Remedy.** Step the schedule once for what its numbers mean, batch or epoch, and give it the right total.

    **Source.** PyTorch, "How to adjust learning rate"; Loshchilov and Hutter 2017 (arXiv:1608.03983).
    """
    course = history(context)
    if len(course.finite_losses) < thresholds["steps"] or not np.isfinite(course.rates).all() or not context.trained:
        return
    found = _decayed(context, course, thresholds["share"]) or _raised(course)
    if found is not None:
        cause, remedy, evidence = found
        last = context.trained[-1]
        yield last.finding("schedule", "warning", last.structure.nodes[last.roots[-1]], cause, remedy, **evidence)


def _decayed(context: CheckContext, course: History, share: float) -> _Verdict | None:
    rates, top = course.rates, int(np.argmax(course.rates))
    low = rates[top:] < 1e-3 * rates[top]
    if not low[-1:].all() or low.sum() <= share * len(rates) or context.first is None:
        return None
    before, now = _all_gradients(context.first), _all_gradients(context.trained[-1])
    if not now > 0.1 * before:
        return None
    return (
        f"On {low.mean():.0%} of the recorded steps since its maximum the learning rate is under a thousandth of it.",
        "Step the schedule once an epoch if it is meant so, or give it the right number of steps.",
        {"largest_rate": float(rates[top]), "last_rate": float(rates[-1]), "steps": float(low.sum())},
    )


def _all_gradients(step: StepFacts) -> float:
    rows = [step.lineage.rows(node).start for node in step.lineage.parameters.values()]
    return float(np.sqrt(np.nansum(np.square(step.gradient_l2[rows]))))


def _raised(course: History) -> _Verdict | None:
    losses = course.finite_losses
    rates = course.rates[: len(losses)]
    best = int(np.argmin(losses))
    if best < 2 or best == len(losses) - 1 or not rates[-1] >= 10 * rates[best] > 0:
        return None
    noise = float(np.median(np.abs(np.diff(losses[: best + 1]))))
    end = float(np.median(losses[-3:]))
    rise, fall = end - losses[best], losses[0] - losses[best]
    if rise <= max(fall, _TIMES_NOISE * noise):
        return None
    return (
        f"The learning rate rose from {rates[best]:.2g} to {rates[-1]:.2g}, and the loss with it from "
        f"{losses[best]:.3g} to {end:.3g}.",
        "Limit the learning rate to what it was when the loss was lowest.",
        {"best_rate": float(rates[best]), "last_rate": float(rates[-1]), "best_loss": float(losses[best])},
    )

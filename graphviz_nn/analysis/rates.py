"""Learning rates that are too small or too large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.history import History, history, may_be_adversaries
from graphviz_nn.analysis.learning import expected_change, own_weights
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.model.findings import Evidence, Finding
from graphviz_nn.model.nodes import Node

_LOST = 2.0**-24
_ALIVE = 0.01
_ALIVE_WHEN_ADAPTIVE = 1e-5
_SCALED_TO_FAN = 0.05
_TIMES_NOISE = 5.0
_TIMES_LOW = 10.0
_LEAST_LOSSES = 3
_LEAST_OF_ZERO = 3

_Verdict = tuple[StepFacts, Node, str, str, dict[str, Evidence]]
"""Step, place, cause, remedy, evidence."""


def learning_rate(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The learning rate is zero, or so small that nothing moves, or so large that it destroyed what it began with.

    **Symptom.** Too small: the loss stays where it began, apart from the noise between batches. Too large: the loss
    jumps far up in the first steps and comes down to a worse level; units die, activations saturate.

    **Mathematics.** With steps of a relative size r = ‖Δw‖/‖w‖ a weight needs at least 1/r of them, all in one
    direction, to move by its own size; usual training has r near 1e-3. Below 2⁻²⁴ = 6e-8 most of a float32 update is
    lost to rounding. At the other end, weights that grow many times in a few steps have forgotten their initial scale,
    which keeps signals and gradients in range.

    **Criterion.** *Zero*: on all recorded steps, at least `steps`, every learning rate is 0; on three or more it is
    information, as a warm-up may have begun. *Too small*: over at least `steps` steps of the window the median r of
    every weight is below `low`, though gradients are there (‖g‖/‖w‖ above 0.01 for SGD, whose step is proportional to
    it; above 1e-5 for optimizers that divide by it), and the rate is neither rising nor below a hundredth of what it
    was; and rate and gradient alone do not give more than ten times `low`, so that it is no clipping that makes the
    steps small. *Too large*: the weights (median over layers, those that began near zero left out) are more than
    `growth` times as large as at the beginning of the run, and the loss has been above its start by more than five
    times its present noise, and by more than three times what it ever fell below it.

    **Healthy look-alikes.** Warm-up; the end of a schedule; groups with a rate of zero beside others; converged models
    and losses with a small factor, whose gradients are small; layers that begin at zero; fine-tuning with r of 1e-5;
    adversaries.

    **Remedy.** Look for the largest rate at which the loss still falls, trying factors of 3; 1e-3 for Adam and 0.1 for
    SGD with normalisation are usual beginnings.

    **Source.** Smith 2017 (arXiv:1506.01186), the range test; You et al. 2017 (arXiv:1708.03888) on r.
    """
    if not context.trained:
        return
    steps, course = int(thresholds["steps"]), history(context)
    found = _zero(context, course) or _small(context, course, steps, thresholds["low"])
    found = found or _large(context, course, thresholds["growth"])
    if found is not None:
        step, node, cause, remedy, evidence = found
        early = evidence.get("rate") == 0 and len(course) < steps
        yield step.finding("learning_rate", "info" if early else "warning", node, cause, remedy, **evidence)


def _zero(context: CheckContext, course: History) -> _Verdict | None:
    if len(course) < _LEAST_OF_ZERO or not (course.rates == 0).all():
        return None
    last = context.trained[-1]
    return (
        last,
        last.structure.nodes[last.roots[-1]],
        f"The learning rate is 0 on all {len(course)} recorded steps.",
        "Look at what sets the learning rate: the optimizer, and the schedule that multiplies it.",
        {"rate": 0.0, "steps": float(len(course))},
    )


def _small(context: CheckContext, course: History, least: int, low: float) -> _Verdict | None:
    rates = course.rates[np.isfinite(course.rates)]
    if rates.size < least or rates[-1] > rates[0] or rates[-1] < 0.01 * rates.max() or not rates[-1] > 0:
        return None
    for steps in context.by_structure():
        changed = [step for step in steps if step.updated]
        uses = own_weights(changed[-1]) if len(changed) >= least else []
        if not uses:
            continue
        ratios, gradients = _median_ratios(changed, uses)
        strongest = int(np.argmax(gradients))
        if (ratios >= low).any() or gradients[strongest] <= _least_gradient(changed[-1]):
            continue
        use, ratio, gradient = uses[strongest], float(ratios[strongest]), float(gradients[strongest])
        if _usual_change(changed[-1], use) > _TIMES_LOW * low:
            continue
        lost = " Most of it is lost to rounding in float32." if ratio < _LOST else ""
        return (
            changed[-1],
            use.node,
            f"Each optimizer step changes the weight by {ratio:.1e} of its size, though its gradient is "
            f"{gradient:.2g} of it.{lost}",
            "Raise the learning rate, a hundred times to begin with.",
            {"rate": float(rates[-1]), "ratio": ratio, "gradient": gradient, "steps": float(len(changed))},
        )
    return None


def _least_gradient(step: StepFacts) -> float:
    plain = all(optimizer.type == "SGD" for optimizer in step.info.optimizers)
    return _ALIVE if plain else _ALIVE_WHEN_ADAPTIVE


def _usual_change(step: StepFacts, use: WeightUse) -> float:
    """What the learning rate and the gradient give for ‖Δw‖/‖w‖, before anything clips or rounds it."""
    assert use.parameter is not None
    described = step.structure.parameters_by_name.get(use.parameter.names[0]) if use.parameter.names else None
    if described is None:
        return 0.0
    row = step.lineage.rows(use.parameter).start
    return expected_change(step, described, row) / float(step.output[row, COLUMN["l2"]])


def _median_ratios(steps: list[StepFacts], uses: list[WeightUse]) -> tuple[Numbers, Numbers]:
    """‖Δw‖/‖w‖ and ‖g‖/‖w‖ of each weight, medians over the steps; infinite and 0 where they were not measured."""
    nodes = [use.parameter.id for use in uses if use.parameter is not None]
    rows = [use.weight for use in uses]
    sizes = np.array([step.output[rows, COLUMN["l2"]] for step in steps])
    changes = np.array([step.change[nodes, COLUMN["l2"]] for step in steps])
    gradients = np.array([step.gradient_l2[rows] for step in steps])
    known = ((sizes > 0) & np.isfinite(sizes + changes + gradients)).all(axis=0)
    sizes = np.where(known, sizes, 1.0)
    ratios = np.where(known, np.median(changes / sizes, axis=0), np.inf)
    return ratios, np.where(known, np.median(gradients / sizes, axis=0), 0.0)


def _large(context: CheckContext, course: History, growth: float) -> _Verdict | None:
    first, last = context.first, context.trained[-1]
    if first is None or first.info.index != 0 or may_be_adversaries(context):
        return None
    losses = course.losses[np.isfinite(course.losses)]
    if len(losses) < _LEAST_LOSSES or not _jumped(losses):
        return None
    grown = sorted(_grown(first, last), key=lambda found: found[0])
    middle = grown[len(grown) // 2][0] if grown else 0.0
    if middle <= growth:
        return None
    factor, use = grown[-1]
    return (
        last,
        use.node,
        f"The weights are {middle:.2g} times as large as at the beginning, and the loss jumped from {losses[0]:.3g} to "
        f"{losses.max():.3g}.",
        "Lower the learning rate ten times or more, and warm it up.",
        {
            "growth": middle,
            "largest_growth": factor,
            "first_loss": float(losses[0]),
            "largest_loss": float(losses.max()),
        },
    )


def _jumped(losses: Numbers) -> bool:
    """Whether the loss has been far above its start: by its noise of late, and by what it ever fell below it."""
    late = np.diff(losses[len(losses) // 2 :])
    noise = float(np.median(np.abs(late))) if late.size else 0.0
    rise, fall = float(losses.max() - losses[0]), float(losses[0] - losses.min())
    return rise > _TIMES_NOISE * noise and rise > 3 * fall


def _grown(first: StepFacts, last: StepFacts) -> Iterator[tuple[float, WeightUse]]:
    """By how much each weight grew that did not begin near zero."""
    before = {use.parameter.name: use for use in own_weights(first) if use.parameter is not None}
    for use in own_weights(last):
        old = before.get(use.parameter.name) if use.parameter is not None else None
        if old is not None and first.size[old.weight] * math.sqrt(old.fan_in) >= _SCALED_TO_FAN:
            factor = float(last.size[use.weight] / first.size[old.weight])
            if math.isfinite(factor):
                yield factor, use

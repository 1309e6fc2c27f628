"""Updates that undo each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.feeds import feeds
from graphviz_nn.analysis.learning import own_weights
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.model.findings import Finding

_ALTERNATING = 0.9
_PERSISTING = 0.9
_MIRRORED = 0.25


def oscillating(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The weights jump to and fro across a valley: each update takes back the one before.

    **Symptom.** The loss moves up and down, or falls much more slowly than the gradient promises.

    **Mathematics.** Along a direction of curvature λ gradient descent multiplies the distance from the minimum by
    1 − lr·λ. For lr·λ between 1 and 2 that is negative: the sign changes with each step, and near 2 hardly anything is
    gained. Then Δₜ = −r·Δₜ₋₁ with r = lr·λ − 1 for every element.

    **Criterion.** Over at least `steps` consecutive recorded steps of one structure, and in at least `share` of the
    weight matrices and kernels: the mean of the update changes its sign in at least 90 % of the transitions; its
    mean, minimum and maximum are those of the step before with the opposite sign and scaled by the ratio of the norms,
    within a quarter of its largest element (median); and that ratio is at least 0.9 (median), so that the movement does
    not die out. For independent updates the signs alone have a probability under 1 % for a single weight.

    **Healthy look-alikes.** Oscillation along few directions at the edge of stability, where the rest of the update
    goes on; noise of mini-batches; two batches that come in turns, whose gradients cancel at the minimum: the data
    change with the same period; adversaries, whose parameters are not updated on every step.

    **Remedy.** Half the learning rate, or less; momentum does not help here.

    **Source.** LeCun et al. 1998, "Efficient BackProp", section 4.2; Cohen et al. 2021 (arXiv:2103.00065).
    """
    for steps in context.by_structure():
        run = _last_run(steps)
        if len(run) < thresholds["steps"]:
            continue
        uses = own_weights(run[-1])
        ratios = [(ratio, use) for use in uses if (ratio := _mirrored(run, use)) is not None]
        if not ratios or len(ratios) < thresholds["share"] * len(uses) or _data_alternate(run):
            continue
        ratio, use = max(ratios, key=lambda found: found[0])
        yield run[-1].finding(
            "oscillating",
            "warning",
            use.node,
            f"Each update is the one before with the opposite sign, {ratio:.2f} times as large.",
            "Halve the learning rate.",
            ratio=ratio,
            weights=float(len(ratios)),
            steps=float(len(run)),
        )


def _last_run(steps: list[StepFacts]) -> list[StepFacts]:
    """The steps up to the last that were recorded without a gap, all with updates."""
    run: list[StepFacts] = []
    for step in reversed(steps):
        if not step.updated or (run and run[-1].info.index != step.info.index + 1):
            break
        run.append(step)
    return run[::-1]


def _mirrored(run: list[StepFacts], use: WeightUse) -> float | None:
    """The median ratio of an update's norm to that of the one before, if it mirrors it; None if it does not."""
    assert use.parameter is not None
    table = np.array([step.change[use.parameter.id] for step in run])
    form = table[:, [COLUMN["mean"], COLUMN["min"], COLUMN["max"]]]
    mirror = -table[:, [COLUMN["mean"], COLUMN["max"], COLUMN["min"]]]
    norms = table[:, COLUMN["l2"]]
    if not np.isfinite(table).all() or not (norms > 0).all():
        return None
    ratios = norms[1:] / norms[:-1]
    if _alternation(form[:, 0]) < _ALTERNATING or np.median(ratios) < _PERSISTING:
        return None
    apart = np.abs(form[1:] - mirror[:-1] * ratios[:, None]).max(axis=1) / np.abs(form[1:]).max(axis=1)
    return float(np.median(ratios)) if np.median(apart) < _MIRRORED else None


def _alternation(numbers: Numbers) -> float:
    """Share of neighbours of opposite signs."""
    signs: npt.NDArray[np.float64] = np.sign(numbers)
    return float((signs[1:] * signs[:-1] < 0).mean())


def _data_alternate(run: list[StepFacts]) -> bool:
    """Whether the data of every step are those of the step before the last, and not those of the last."""
    for feed in feeds(run[-1]):
        rows = np.array([step.output[feed.row, : COLUMN["l2"]] for step in run])
        if (rows[2:] == rows[:-2]).all() and (rows[1:] != rows[:-1]).any(axis=1).all():
            return True
    return False

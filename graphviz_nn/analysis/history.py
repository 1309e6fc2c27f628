"""The course of a whole run: its loss and its learning rate over the recorded steps, and what lies in its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from graphviz_nn.analysis.context import CheckContext, Numbers, StepFacts

_MOST_STEPS: Final = 500
_GAUSSIAN: Final = 1.4826 / np.sqrt(2)
"""From the median magnitude of a difference of two normal numbers to their standard deviation."""


@dataclass(frozen=True, slots=True)
class History:
    """One entry a recorded step with a loss, at most `_MOST_STEPS` of them, evenly spaced.

    Attributes:
        positions: of the steps, as in `run.steps`. losses: NaN or infinite where the loss was.
        rates: the largest learning rate of all parameter groups; NaN where no optimizer is known.
    """

    positions: tuple[int, ...]
    losses: Numbers
    rates: Numbers

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def start(self) -> float:
        """Median of the first fifth of the losses, at least three."""
        return float(np.median(self.losses[: self._fifth]))

    @property
    def end(self) -> float:
        """Median of the last fifth of the losses, at least three."""
        return float(np.median(self.losses[-self._fifth :]))

    @property
    def noise(self) -> float:
        """Standard deviation of the losses about their course, from the differences of neighbours; robust."""
        return _noise(self.losses)

    @property
    def finite_losses(self) -> Numbers:
        """The losses before the first that is not finite."""
        bad = np.flatnonzero(~np.isfinite(self.losses))
        return self.losses[: bad[0]] if bad.size else self.losses

    @property
    def _fifth(self) -> int:
        return max(len(self) // 5, 3)


def history(context: CheckContext) -> History:
    """Returns the history of the run, worked out once for all rules."""

    def collect() -> History:
        told = [(position, info) for position, info in enumerate(context.infos) if info.loss is not None]
        stride = -(-len(told) // _MOST_STEPS) or 1
        kept = told[::-1][::stride][::-1]
        losses = np.array([info.loss for _, info in kept], np.float64)
        rates = np.array([_rate([g for o in info.optimizers for g in o.groups]) for _, info in kept], np.float64)
        return History(tuple(position for position, _ in kept), losses, rates)

    return context.share("history", collect)


def may_be_adversaries(context: CheckContext) -> bool:
    """Whether optimizers take turns, or several stand beside each other with losses of their own: then none has to
    fall. Optimizers that all step on the gradients of one backward pass work on one loss together."""
    return context.share("adversaries", lambda: _take_turns(context))


def _take_turns(context: CheckContext) -> bool:
    if any(len(step.info.optimizers) > 1 and not _on_one_loss(step) for step in context.steps):
        return True
    updated = [
        {name for name, node in step.lineage.parameters.items() if node.id in step.updated}
        for step in context.trained
        if step.updated
    ]
    return any(not one & other for one, other in pairwise(updated))


def _on_one_loss(step: StepFacts) -> bool:
    """Whether a single number was differentiated, and all parameters that changed lie above it."""
    return len(step.roots) == 1 and step.updated <= step.lineage.ancestors(step.roots)


def rises(losses: Numbers) -> tuple[float, float]:
    """Returns Kendall's τ of the losses with time, −1 to 1, and how many standard deviations it is from chance.

    Source: Mann 1945, "Nonparametric tests against trend"; without ties S has the variance n(n − 1)(2n + 5)/18.
    """
    count = len(losses)
    if count < 2:
        return 0.0, 0.0
    later = np.sign(losses[None, :] - losses[:, None])
    total = float(np.triu(later, 1).sum())
    return 2 * total / (count * (count - 1)), total / math.sqrt(count * (count - 1) * (2 * count + 5) / 18)


def _rate(groups: list[dict[str, Any]]) -> float:
    rates = [float(group["lr"]) for group in groups if isinstance(group.get("lr"), (int, float))]
    return max(rates, default=float("nan"))


def _noise(losses: Numbers) -> float:
    differences = np.diff(losses)
    if not differences.size:
        return 0.0
    return float(_GAUSSIAN * np.median(np.abs(differences - np.median(differences))))

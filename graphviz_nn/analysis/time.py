"""Gradients over the calls of one module: recurrences written as loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from graphviz_nn.analysis.context import CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.depth import median_gradient
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A module whose every call reads what its previous one made.

    `first` is the last node of its first call; `l2` the largest L2 norm of a gradient in each call, by call.
    """

    path: str
    first: Node
    l2: Numbers

    @property
    def earliest(self) -> float:
        """The gradient of the first call that gets any: before it lies what underflowed, or was cut off."""
        return float(self.l2[np.flatnonzero(self.l2)[0]])


def recurrences(steps: list[StepFacts], least: int) -> Iterator[Recurrence]:
    """Yields the modules with at least `least` calls in a row of which each reads what the one before made."""
    lineage = steps[-1].lineage
    if max((call.call for call in lineage.structure.module_calls), default=0) < least:
        return
    l2 = median_gradient(steps)
    calls: dict[str, dict[int, list[Node]]] = {}
    for node in lineage.forward:
        if node.module is not None and node.inputs and node.outputs:
            calls.setdefault(node.module, {}).setdefault(node.call, []).append(node)
    for path, by_call in calls.items():
        if len(by_call) < least:
            continue
        nodes = [by_call[call] for call in sorted(by_call)]
        if not _in_series(steps[-1], nodes):
            continue
        rows = [np.concatenate([l2[lineage.rows(node)] for node in group]) for group in nodes]
        largest = np.array([np.nanmax(row) if not np.isnan(row).all() else np.nan for row in rows])
        if not np.isnan(largest).any() and largest[-1] > 0:
            yield Recurrence(path, nodes[0][-1], largest)


def _in_series(step: StepFacts, calls: list[list[Node]]) -> bool:
    """Whether each call depends on the one before: judged between the first two and the last two."""
    for before, after in ((calls[0], calls[1]), (calls[-2], calls[-1])):
        made = step.lineage.descendants([node.id for node in before])
        if made.isdisjoint(node.id for node in after):
            return False
    return True


def vanishing_time(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The gradient shrinks from call to call of a recurrent module, so that early inputs are not learned from.

    **Symptom.** The model learns short dependencies and never long ones; the first time steps get no credit.

    **Mathematics.** The gradient at time t is that at time T times the product of T − t Jacobians of the same cell: it
    falls (or grows) geometrically by the spectral radius of the cell's Jacobian, whatever the loss. A loss at every
    time step adds a fresh gradient at each, and nothing can be said of the old one from their sum; then it is quiet.

    **Criterion.** A module is called at least `calls` times in a step, each call reads what the one before made, and
    the largest gradient within its first call is under `ratio` of that within its last one (median over the steps).
    Default 1e-6, far under what depth alone brings: at a rate of 0.5 a call, it is 20 calls. Where the first calls get
    exactly zero, the first one that gets more is judged: a gradient that underflows has shrunk before, and one that
    was cut off has not.

    **Healthy look-alikes.** Short sequences; losses at each time step; a module shared by parallel branches.

    **Remedy.** A gated cell with a forget bias of 1 or more, orthogonal recurrent weights, shorter sequences.

    **Source.** Bengio et al. 1994; Pascanu et al. 2013 (arXiv:1211.5063); Jozefowicz et al. 2015 for the forget bias.
    """
    for steps in context.by_structure():
        for found in recurrences(steps, int(thresholds["calls"])):
            ratio = found.earliest / float(found.l2[-1])
            if ratio < thresholds["ratio"]:
                yield _finding(
                    "vanishing_time",
                    steps[-1],
                    found,
                    f"Over {len(found.l2)} calls of the module the gradient shrinks to {ratio:.1e}.",
                    "Use a gated cell with a forget bias of 1, orthogonal recurrent weights, or shorter sequences.",
                )


def exploding_time(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The gradient grows from call to call of a recurrent module.

    **Symptom.** Rare, huge gradients; the loss jumps; training needs clipping to survive, and then is slow.

    **Mathematics.** As in vanishing through time, with a spectral radius of the cell's Jacobian above one.

    **Criterion.** A module is called at least `calls` times in a step, each call reads what the one before made, and
    the largest gradient within its first call is over `ratio` times that within its last one (median over the steps).
    With a loss at each of T calls the gradient of a healthy cell grows T-fold at most; that is divided out.

    **Healthy look-alikes.** Losses at each time step; short sequences; residual updates with a small step.

    **Remedy.** Orthogonal recurrent weights, a gated cell, clipping of the gradient's norm.

    **Source.** Pascanu et al. 2013 (arXiv:1211.5063).
    """
    for steps in context.by_structure():
        for found in recurrences(steps, int(thresholds["calls"])):
            ratio = float(found.l2[0] / found.l2[-1])
            if ratio / len(found.l2) > thresholds["ratio"]:
                yield _finding(
                    "exploding_time",
                    steps[-1],
                    found,
                    f"Over {len(found.l2)} calls of the module the gradient grows by {ratio:.1e}.",
                    "Use orthogonal recurrent weights or a gated cell, and clip the gradient's norm.",
                )


def _finding(rule: str, step: StepFacts, found: Recurrence, cause: str, remedy: str) -> Finding:
    return step.finding(
        rule,
        "warning",
        found.first,
        cause,
        remedy,
        ratio=float(found.l2[0] / found.l2[-1]),
        calls=float(len(found.l2)),
        by_call=[float(x) for x in found.l2],
    )

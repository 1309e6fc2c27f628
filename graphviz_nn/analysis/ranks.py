"""Processes that train one model together, and whose copies of it are not the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_COPIES: Final = 1e-6
"""Relative difference that statistics of equal float32 numbers never reach."""
_UPDATES: Final = 1e-3
"""The same of updates, which are differences of weights, and as inexact."""

_DRIFTED: Final = "The ranks began with equal parameters and have drifted apart: their gradients are not averaged."
_BEGAN_APART: Final = "The ranks hold different parameters and apply the same updates: they did not begin alike."


def ranks_disagree(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The ranks of a distributed run hold different parameters where each should have the same copy.

    **Symptom.** Losses and metrics differ between ranks more than their batches explain; what a checkpoint of rank 0
    holds is a model that only rank 0 has trained.

    **Mathematics.** Data parallelism keeps copies equal by induction: equal parameters, and the same averaged gradient,
    give equal parameters. Without a common start the average of gradients at different places is the gradient of
    neither; without the averaging each rank trains a model of its own, on its part of the data.

    **Criterion.** In a run of all ranks (`--rank all`), the mean or root mean square of at least `share` of the
    parameters that the optimizer changes differs between ranks by more than rounding (1e-6 of their size), on all of
    at least two recorded steps after the first. And one of two: on the first step of the run all of them were equal, so
    that they have drifted apart; or the updates of as many agree (within 1e-3), so that gradients are averaged of
    models that differ. Parameters that are sharded (DTensors) are left out.

    **Healthy look-alikes.** Shards, and tensor or expert parallelism, where a part of the parameters differs from the
    first step on and its updates too; local SGD, whose ranks are equal again at recorded steps.

    **Remedy.** Wrap the model in `DistributedDataParallel`, and call the wrapper and not the module in it; or broadcast
    parameters at the start and average gradients before each step.

    **Source.** Li et al. 2020 (arXiv:2006.15704), section 3.
    """
    steps = [step for step in context.trained if step.position > 0 and step.by_rank("output") is not None]
    first = context.first
    if len(steps) < 2 or first is None or first.by_rank("output") is None:
        return
    apart = [_apart(step) for step in steps]
    if any(len(differing) < max(thresholds["share"] * whole, 1) for differing, whole in apart):
        return
    last, differing = steps[-1], apart[-1][0]
    began_alike = not _apart(first)[0] and first.updated
    if not began_alike and _agreeing_updates(last, differing) < thresholds["share"] * len(differing):
        return
    node, difference = max(differing, key=lambda each: each[1])
    yield last.finding(
        "ranks_disagree", "error", node,
        _DRIFTED if began_alike else _BEGAN_APART,
        "Wrap the model in DistributedDataParallel and call the wrapper, or broadcast parameters and average "
        "gradients.",
        difference=difference, parameters=[each.name for each, _ in differing],
        norm_by_rank=_norms(last, node), steps=float(len(steps)),
    )  # fmt: skip


def _apart(step: StepFacts) -> tuple[list[tuple[Node, float]], int]:
    """The changed parameters that differ between ranks, by how much, and how many changed parameters there are."""
    table = step.by_rank("output")
    nodes = [step.structure.nodes[number] for number in sorted(step.updated)]
    copies = [node for node in nodes if "shards" not in node.attributes]
    if table is None:
        return [], len(copies)
    sizes = [(node, _difference(step, table[:, step.lineage.rows(node).start], node)) for node in copies]
    return [(node, size) for node, size in sizes if size > _COPIES], len(copies)


def _difference(step: StepFacts, rows: Numbers, node: Node) -> float:
    """Largest difference of mean and root mean square between ranks, as a share of the latter; 0: not measured."""
    root = np.sqrt(step.lineage.numel[step.lineage.rows(node).start])
    mean, size = rows[:, COLUMN["mean"]], rows[:, COLUMN["l2"]] / root
    if not np.isfinite(rows).all() or size.max() <= 0:
        return 0.0
    return float(max(np.ptp(mean), np.ptp(size)) / size.max())


def _agreeing_updates(step: StepFacts, differing: list[tuple[Node, float]]) -> int:
    """Of how many parameters the ranks' updates are the same."""
    table = step.by_rank("update")
    if table is None:
        return 0
    places = {int(node): row for row, node in enumerate(step.of_kind(EventKind.UPDATE)["node"])}
    found = [_difference(step, table[:, places[node.id]], node) for node, _ in differing if node.id in places]
    moved = [node for node, _ in differing if node.id in places and (table[:, places[node.id], COLUMN["l2"]] > 0).all()]
    return sum(difference < _UPDATES for difference in found) if len(moved) == len(found) else 0


def _norms(step: StepFacts, node: Node) -> list[float]:
    table = step.by_rank("output")
    return [] if table is None else [float(x) for x in table[:, step.lineage.rows(node).start, COLUMN["l2"]]]

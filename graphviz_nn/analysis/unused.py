"""Gradients that nobody uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node


def no_update(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Gradients are computed again and again, and nothing ever changes a parameter: no optimizer steps.

    **Symptom.** The loss stays where it began, up to the noise between batches, though every parameter has a gradient.

    **Mathematics.** None is needed: `backward` computes gradients, and `optimizer.step()` is what moves parameters.

    **Criterion.** In the whole run no optimizer stepped; the recorded steps hold at least `passes` backward passes, in
    which gradients that are not zero arrived at parameters of a module in training mode; no parameter was updated, and
    all statistics of all of them are the same on the last recorded step as on the first. Where something else that
    comes in requires a gradient it is information.

    **Healthy look-alikes.** A few passes, to look at gradients; Fisher information and saliency, which are taken in
    evaluation mode or with respect to the input; updates that are written by hand, which change the values.

    **Remedy.** `optimizer.step()` after `backward()`.

    **Source.** PyTorch, "torch.optim: taking an optimization step".
    """
    steps = context.trained
    first = context.first
    if not steps or first is None or any(info.optimizers for info in context.infos):
        return
    passes = sum(step.info.passes for step in steps)
    if passes < thresholds["passes"] or any(step.updated for step in steps):
        return
    last = steps[-1]
    idle = [node for node in last.lineage.parameters.values() if _has_gradient(last, node)]
    if not idle or not _in_training(last) or not _same_values(first, last):
        return
    inputs = [node for node in last.structure.nodes if node.kind == "input" and node.id in last.arrived_at]
    yield last.finding(
        "no_update", "info" if inputs else "warning", idle[0],
        f"After {passes} backward passes no optimizer has stepped, and every parameter is as it was.",
        "Call optimizer.step() after backward().",
        passes=float(passes), parameters=[node.name for node in idle],
    )  # fmt: skip


def _has_gradient(step: StepFacts, node: Node) -> bool:
    return bool(step.gradient_l2[step.lineage.rows(node).start] > 0)


def _in_training(step: StepFacts) -> bool:
    """Whether a root module that was called was in training mode."""
    calls = step.structure.module_calls
    return any(call.parent is None and call.training for call in calls)


def _same_values(first: StepFacts, last: StepFacts) -> bool:
    before, after = first.lineage.parameters, last.lineage.parameters
    return all(
        np.array_equal(first.output[first.lineage.rows(before[name]).start], last.output[last.lineage.rows(node).start])
        for name, node in after.items()
        if name in before
    )

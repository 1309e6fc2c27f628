"""Attention that has never learned to choose: every query takes the plain mean of all values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from graphviz_nn.analysis.attention import attentions
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_LEAST_STEPS: Final = 3
_MOST_CALLS: Final = 12
"""Between a layer that makes keys and the attention: views, transpositions, norms, rotary embeddings, the product."""


def attention_uniform(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """All heads of an attention weigh all keys equally, long after training began.

    **Symptom.** The layer does what a mean over the sequence would do; queries and keys could be left out.

    **Mathematics.** Equal weights 1/n have the entropy ln n, the largest that there is; scores of deviation s have
    ln n − s²/2 for small s. Attention may well begin there: the scores of small weights w_q, w_k are of the order
    w_q·w_k. But the gradient of w_q is proportional to w_k and the other way round, so weights that begin too small (or
    a scale that is too small) leave a saddle point slowly, and queries or keys that get no gradient never do.

    **Criterion.** On each of the last recorded steps, of at least three, and at least `span` steps after the first,
    every query of all heads of a call has an entropy of `share` of ln k or more, k being the keys that it may look at,
    at least two. The keys are not to blame: what the layers before it make differs between samples by
    more than `keys` of its size. It is information: a task may need no more than the mean.

    **Healthy look-alikes.** The beginning of training; attention whose keys are all alike, or which sees one; single
    heads that stay even while others choose.

    **Remedy.** Look at the gradients and updates of queries and keys; begin with larger weights there, or 1/√d as the
    scale; or leave the attention out.

    **Source.** Entropy of a softmax to second order in its scores; Zhai et al. 2023 (arXiv:2303.06296) for the other
    end.
    """
    steps = context.trained
    if len(steps) < _LEAST_STEPS or steps[-1].info.index - context.infos[0].index < thresholds["span"]:
        return
    even = [_even(step, thresholds["share"]) for step in steps]
    last, calls = steps[-1], even[-1]
    for key, (node, least) in calls.items():
        if not all(key in others for others in even) or not _keys_differ(last, node, thresholds["keys"]):
            continue
        yield last.finding(
            "attention_uniform", "info", node,
            f"After {last.info.index} steps all heads still weigh all keys equally: the entropy of their weights is "
            f"{least:.2%} of the largest possible.",
            "Look at gradients and updates of queries and keys, and begin with larger weights there.",
            entropy_by_step=[others[key][1] for others in even],
            training_steps=[str(step.info.index) for step in steps],
        )  # fmt: skip


def _even(step: StepFacts, share: float) -> dict[str, tuple[Node, float]]:
    """By name, the calls with nearly equal weights, and the least entropy of their queries."""
    calls = ((node, found[1]) for node, found in attentions(step) if len(found) > 1)
    return {node.name: (node, least) for node, least in calls if share <= least < math.inf}


def _keys_differ(step: StepFacts, node: Node, least: float) -> bool:
    """Whether all layers just above the attention make what differs between samples."""
    table = step.metric("sample_spread")
    if table is None:
        return False
    found = [row for layer in _layers_above(step, node) if (row := table.row(layer)) is not None]
    return bool(found) and all(between > least * size for between, size in found)


def _layers_above(step: StepFacts, node: Node) -> set[int]:
    """The layers with weights that an attention reads, through calls without any."""
    lineage, nodes = step.lineage, step.structure.nodes
    found: set[int] = set()
    front = {read.node for read in node.inputs}
    for _ in range(_MOST_CALLS):
        layers = {number for number in front if number in lineage.weighted_ids}
        found |= layers
        front = {read.node for number in front - layers for read in nodes[number].inputs}
    return found

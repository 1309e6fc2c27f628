"""Calls in training mode that no recorded step holds, seen by what batch normalisation counts."""

from __future__ import annotations

from itertools import pairwise

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.nodes import Node
from graphviz_nn.plugin.layer_types import plain_names

_COUNTER = ".num_batches_tracked"


def unseen_calls(context: CheckContext) -> dict[str, list[int]]:
    """Returns, for each batch normalisation, its calls in training mode between one step and the next.

    Such a layer counts them in `num_batches_tracked`. What it counted from the beginning of a step to that of the next,
    without its calls in the step, happened in between. One number for each pair of recorded steps that follow each
    other, by the module's path; layers that do not count are left out.
    """
    found: dict[str, list[int]] = {}
    for one, two in pairwise(context.trained):
        if two.info.index == one.info.index + 1:
            before, after, calls = _counts(one), _counts(two), _calls(one)
            for path in before.keys() & after.keys():
                found.setdefault(path, []).append(int(after[path] - before[path]) - calls.get(path, 0))
    return found


def batch_norms(step: StepFacts) -> list[Node]:
    """Returns the calls of batch normalisation that estimate their statistics from the batch."""
    calls = step.lineage.of_op(lambda op: plain_names(op)[-1] == "batch_norm")
    return [node for node in calls if node.attributes.get("training") is True]


def _counts(step: StepFacts) -> dict[str, float]:
    """What each layer had counted when the step began; none where it was not measured."""
    found: dict[str, float] = {}
    for node in step.lineage.of_op("buffer".__eq__):
        name = node.names[0] if node.names else node.name
        count = step.output[step.lineage.rows(node).start, COLUMN["mean"]]
        if node.module and name.endswith(_COUNTER) and count >= 0:
            found.setdefault(node.module, float(count))
    return found


def _calls(step: StepFacts) -> dict[str, int]:
    """How often each layer was called in the step, recomputation included."""
    found: dict[str, int] = {}
    for node in step.structure.nodes:
        if node.module and plain_names(node.op)[-1] == "batch_norm" and node.attributes.get("training") is True:
            found[node.module] = found.get(node.module, 0) + 1
    return found

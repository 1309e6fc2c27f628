"""Calls that the backward pass does again, and that give other numbers than they gave in the forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import plain
from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_RANDOM: Final = frozenset(
    {
        "dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d", "dropout3d",
        "bernoulli", "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "normal",
        "multinomial", "uniform", "exponential", "rrelu", "gumbel_softmax",
    }
)  # fmt: skip
_ROUNDING: Final = 1e-5
"""Relative difference that float32 statistics of the same numbers never reach."""


def recompute_differs(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Activation checkpointing computes other numbers in the backward pass than in the forward pass.

    **Symptom.** Training with checkpoints learns worse than without, though nothing fails and the loss looks right.

    **Mathematics.** Checkpointing keeps the inputs x of a block and computes f(x) again for its backward pass. The
    chain rule needs f to be the same function both times. With another dropout mask, another mode or another state the
    loss is that of f, and the gradient that of some f′ at the same place: it is no derivative of anything.

    **Criterion.** A call in the recomputation and its original have results that require a gradient and whose mean,
    root mean square or share of zeros differ, on every recorded step with a recomputation. The first such call of a
    block is the one at fault. For one that draws random numbers, or reads a mask made of some, the difference must be
    over 1e-5 of the result's size, more than rounding does to statistics; for any other over `difference`.

    **Healthy look-alikes.** `preserve_rng_state=True`, the default, which draws the same mask again; counters and
    running statistics, which move on; kernels that add up in any order, and differ by rounding; spectral norm, whose
    power iteration goes one step on, and converges.

    **Remedy.** Leave `preserve_rng_state` on, and keep what the block reads (modes, buffers, counters) as it was.

    **Source.** Chen et al. 2016 (arXiv:1604.06174); PyTorch, `torch.utils.checkpoint`.
    """
    found: list[tuple[StepFacts, Node, float]] = []
    judged = 0
    for step in context.trained:
        again = [node for node in step.structure.nodes if node.phase == "recompute" and _original(node) is not None]
        if again:
            judged += 1
            found += [(step, *other) for other in _first_that_differs(step, again, thresholds["difference"])]
    if not found or len({step.position for step, _, _ in found}) < judged:
        return
    last = found[-1][0]
    for step, node, difference in found:
        if step is last:
            original = step.structure.nodes[_original(node) or 0]
            yield step.finding(
                "recompute_differs", "error", original,
                f"The backward pass recomputes {original.op} with other numbers: the gradient is not that of the loss.",
                "Checkpoint with preserve_rng_state=True, and leave what the block reads as it was in the forward "
                "pass.",
                difference=difference, forward_size=_size(step, original), recomputed_size=_size(step, node),
                operator=original.op, steps=float(judged),
            )  # fmt: skip


def _original(node: Node) -> int | None:
    found = node.attributes.get("recompute_of")
    return found if isinstance(found, int) else None


def _first_that_differs(step: StepFacts, again: list[Node], limit: float) -> Iterable[tuple[Node, float]]:
    """The calls of a recomputation that differ although nothing that they read does, and by how much."""
    spoiled: set[int] = set()
    drawn: set[int] = set()
    for node in again:
        original = step.structure.nodes[_original(node) or 0]
        random = plain(node) in _RANDOM or any(read.node in drawn for read in node.inputs)
        if not any(output.requires_grad for each in (original, node) for output in each.outputs[:1]):
            drawn.update([node.id] if random else [])  # a mask, or a counter: judged by what is made of it
            continue
        difference = _difference(step, original, node)
        inherited = any(read.node in spoiled for read in node.inputs)
        if inherited or difference > (_ROUNDING if random else limit):
            spoiled.add(node.id)
            if not inherited:
                yield node, difference


def _difference(step: StepFacts, original: Node, node: Node) -> float:
    """Largest difference of mean, root mean square (relative to that) and share of zeros; 0 where not comparable."""
    if not node.outputs or not original.outputs or original.outputs[0].shape != node.outputs[0].shape:
        return 0.0
    if original.outputs[0].dtype != node.outputs[0].dtype:
        return 0.0
    one, other = (step.output[step.lineage.rows(each).start] for each in (original, node))
    root = np.sqrt(step.lineage.numel[step.lineage.rows(original).start])
    size = max(one[COLUMN["l2"]], other[COLUMN["l2"]]) / root
    if not np.isfinite(size) or size <= 0:
        return 0.0
    relative = [abs(one[COLUMN["mean"]] - other[COLUMN["mean"]]) / size]
    relative.append(abs(one[COLUMN["l2"]] - other[COLUMN["l2"]]) / root / size)
    relative.append(abs(one[COLUMN["zeros"]] - other[COLUMN["zeros"]]))
    return float(max(relative))


def _size(step: StepFacts, node: Node) -> float:
    return float(step.size[step.lineage.rows(node).start])

"""Backward passes of one kind that should weigh alike: the micro-batches of gradient accumulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import Comparison, comparisons, output_of
from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_SCALING: Final = frozenset({"mul", "rmul", "div", "truediv", "true_divide", "divide", "multiply"})
_LEAST_PASSES: Final = 3
_ALIKE: Final = 0.01
"""Relative difference up to which two weights are the same."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One backward pass: its root, the loss below it, what the loss is multiplied by, and samples it is the mean of.

    `gradient` is the L2 norm of the gradients that the pass brought to all parameters.
    """

    root: Node
    loss: Comparison
    weight: float
    samples: int
    gradient: float


def passes_disagree(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Micro-batches whose gradients are added up count unequally: one of them many times as much as the others.

    **Symptom.** Gradient accumulation behaves unlike one large batch of the same samples: noisier, with steps that
    follow a single micro-batch.

    **Mathematics.** The gradient of the mean loss over N samples is Σ (bₖ/N) gₖ, with gₖ the gradient of the mean over
    micro-batch k of bₖ samples. So each pass must begin at (bₖ/N)·Lₖ. With cₖ·Lₖ instead a sample of micro-batch k has
    the weight cₖ/bₖ, and all of these should be the same: cₖ = 1/n for n micro-batches of one size.

    **Criterion.** A step has at least three backward passes whose roots are the same loss of the same module, at most
    multiplied or divided by numbers. cₖ is the value of the root over that of the loss, and bₖ the number of its
    targets (1 where the loss is a sum). At least two thirds of the passes have one weight cₖ/bₖ, and another's is at
    least `factor` times that or its inverse. It is a warning where on at least half of the recorded steps with several
    passes the odd cₖ is n times the usual one or an n-th of it, within 1 %: the division by n was forgotten in one
    place, or done in one too many. Else it is information: weights may be meant, and the last micro-batch of an epoch
    may be smaller.

    **Healthy look-alikes.** Losses of several tasks or heads, which are other calls; one or two passes of a GAN;
    micro-batches of different sizes that are weighted by their size; a loss scale, which multiplies all alike.

    **Remedy.** Divide every micro-batch's loss by their number, or weight each by its share of the samples.

    **Source.** Goyal et al. 2017 (arXiv:1706.02677), section 2.3 and 3; PyTorch, "Automatic Mixed Precision examples",
    gradient accumulation.
    """
    odd: list[tuple[StepFacts, list[_Pass], _Pass, float]] = []
    judged = 0
    for step in context.trained:
        for passes in _of_one_kind(step):
            judged += 1
            found = _odd_one(passes, thresholds["factor"])
            if found is not None:
                odd.append((step, passes, *found))
    if not odd:
        return
    forgotten = [each for each in odd if _misses_its_division(each[1], each[2])]
    warns = len(forgotten) * 2 >= judged
    step, passes, one, factor = (forgotten if warns else odd)[-1]
    yield step.finding(
        "passes_disagree", "warning" if warns else "info", one.root,
        f"Of {len(passes)} micro-batches whose gradients are added up, this one's samples count "
        f"{factor:.3g} times as much as the others'.",
        "Divide the loss of every micro-batch by their number, or weight each by its share of the samples.",
        factor=factor, gradient_by_pass=[each.gradient for each in passes],
        weight_by_pass=[each.weight for each in passes], samples_by_pass=[float(each.samples) for each in passes],
        passes=[each.root.name for each in passes], steps=float(len(odd)),
    )  # fmt: skip


def _of_one_kind(step: StepFacts) -> Iterable[list[_Pass]]:
    """The passes of a step, those that begin at the same loss of the same module together."""
    begun = step.of_kind(EventKind.PASS_BEGIN)
    if len(begun) < _LEAST_PASSES:
        return
    losses = {found.node.id: found for found in comparisons(step)}
    kinds: dict[tuple[object, ...], list[_Pass]] = {}
    norms = _norms(step)
    for number, node in zip(begun["pass"].tolist(), begun["node"].tolist(), strict=True):
        made = _loss_below(step, node, losses)
        if made is not None:
            loss, weight = made
            kind = (loss.op, loss.node.module, step.structure.nodes[loss.prediction.node].module)
            root = step.structure.nodes[node]
            kinds.setdefault(kind, []).append(_Pass(root, loss, weight, _samples(step, loss), norms.get(number, 0.0)))
    yield from (passes for passes in kinds.values() if len(passes) >= _LEAST_PASSES)


def _loss_below(step: StepFacts, node: int, losses: Mapping[int, Comparison]) -> tuple[Comparison, float] | None:
    """The loss that a root is, or is a multiple of, and the factor."""
    if node < 0:
        return None
    root = here = step.structure.nodes[node]
    while here.id not in losses:
        if here.op.strip("_") not in _SCALING or not here.inputs:
            return None
        here = step.structure.nodes[here.inputs[0].node]
    values = [step.output[step.lineage.rows(each).start, COLUMN["mean"]] for each in (root, here)]
    weight = float(values[0] / values[1]) if values[1] != 0 else np.nan
    return (losses[here.id], weight) if np.isfinite(weight) and weight > 0 else None


def _samples(step: StepFacts, loss: Comparison) -> int:
    """How many samples the loss is the mean of; 1 for a sum."""
    shape = output_of(step.lineage, loss.target).shape
    return shape[0] if shape and loss.node.attributes.get("reduction", "mean") == "mean" else 1


def _norms(step: StepFacts) -> dict[int, float]:
    """The L2 norm of what each pass brought to all parameters together."""
    nodes = step.structure.nodes
    found: dict[int, float] = {}
    events = step.gradient_events
    for number, node, norm in zip(
        events["pass"].tolist(), events["node"].tolist(), step.gradient[:, COLUMN["l2"]].tolist(), strict=True
    ):
        if nodes[node].kind == "parameter" and np.isfinite(norm):
            found[number] = float(np.hypot(found.get(number, 0.0), norm))
    return found


def _odd_one(passes: list[_Pass], least: float) -> tuple[_Pass, float] | None:
    """The pass whose samples weigh most unlike those of the majority, and how many times as much; None if all agree."""
    weights = np.array([each.weight / each.samples for each in passes])
    usual = float(np.median(weights))
    if (np.abs(weights / usual - 1) < _ALIKE).sum() * 3 < 2 * len(passes):
        return None
    place = int(np.argmax(np.abs(np.log(weights / usual))))
    factor = float(weights[place] / usual)
    return (passes[place], factor) if max(factor, 1 / factor) >= least else None


def _misses_its_division(passes: list[_Pass], one: _Pass) -> bool:
    """Whether the loss of a pass is multiplied by n times what those of the others are, or by an n-th of it."""
    factor = one.weight / float(np.median([each.weight for each in passes]))
    return abs(max(factor, 1 / factor) / len(passes) - 1) < _ALIKE

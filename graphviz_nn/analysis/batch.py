"""Samples of a batch that get mixed up with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.axes import SampleAxes, counts_samples
from graphviz_nn.analysis.comparisons import Comparison, comparisons, origin, output_of, plain
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.feeds import learned_nodes
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.plugin.layer_types import plain_names

_SOFTMAXES: Final = frozenset({"softmax", "log_softmax", "softmin"})
_OF_CLASSES: Final = frozenset(
    {"nll_loss", "nll_loss_nd", "cross_entropy", "kl_div", "binary_cross_entropy", "mse_loss"}
)
_HEADS: Final = "multi_head_attention_forward"


def softmax_over_batch(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Softmax is taken over the samples of the batch, where it is meant over the classes.

    **Symptom.** The loss stops near log N for a batch of N, predictions change with the rest of the batch, and the
    accuracy in evaluation differs from that in training.

    **Mathematics.** Over dimension 0 the outputs of one class sum to 1 over the N samples, so a sample can be certain
    of its class only at the expense of the others: Σᵢ pᵢ(c) = 1, and the mean of −log pᵢ(yᵢ) is at least the mean of
    log n_c, with n_c the samples of the class.

    **Criterion.** The prediction of a loss with one target a sample was made by a softmax over dimension 0 of a value
    whose first dimension has as many elements as the target has samples, with nothing but a logarithm, a sum with a
    number, casts and dropout in between. A softmax without `dim` goes over dimension 0 for one and three dimensions.

    **Healthy look-alikes.** Contrastive losses over the N × N similarities of a batch, and their transpose; attention
    over a sequence that stands first; pooling over the members of a bag; a single vector of logits.

    **Remedy.** `dim=1`, or `dim=-1` where the classes stand last.

    **Source.** PyTorch, `torch.nn.functional.softmax`: "Implicit dimension choice for softmax has been deprecated".
    """
    del thresholds
    for step, found in _last(context):
        shape = output_of(step.lineage, found.prediction).shape
        target = output_of(step.lineage, found.target).shape
        made_by = _behind_logarithm(step, found)
        if found.op not in _OF_CLASSES or plain(made_by) not in _SOFTMAXES or len(shape) < 2 or not target:
            continue
        over = _softmax_dimension(made_by)
        if over == 0 and shape[0] == target[0] > 1 and made_by.outputs[0].shape == shape and shape[1] > 1:
            yield step.finding(
                "softmax_over_batch",
                "warning",
                made_by,
                f"{made_by.op} makes the {shape[0]} samples sum to 1, not the {shape[1]} classes.",
                "Take it over the classes: dim=1, or dim=-1 where they stand last.",
                dim=0.0,
                samples=float(shape[0]),
                classes=float(shape[1]),
            )


def batch_leak(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """What is predicted for a sample depends on other samples of the batch.

    **Symptom.** Predictions change with the batch that a sample comes in; training learns little, or looks too good.

    **Mathematics.** If the loss of sample i is to be a function of sample i, the dimension that counts the samples must
    stay one factor of one dimension of every value on the way. `reshape` keeps the order of the elements in memory, so
    it keeps that factor only if all dimensions before it are cut at its border; a linear map over it, a recurrence or
    attention along it, or a normalisation over all dimensions, sums over samples.

    **Criterion.** The samples' dimension is the first of the inputs that have as many elements there as the target. It
    is followed through casts, views, transpositions, indexing and means over other dimensions, convolutions, pooling,
    elementwise calls and linear maps; nothing is said where it cannot be followed. A finding is a call that cuts across
    it or sums over it and from which the prediction comes, or a recurrence or attention along it where there is one
    target a sample.

    **Healthy look-alikes.** Batch normalisation; groups of whole samples; contrastive losses; sequences that stand
    first, with one target an element; a batch of one.

    **Remedy.** Move the dimensions with `permute` or `transpose`, and reshape only neighbours; `batch_first=True` for
    recurrent layers and attention whose input has the batch first.

    **Source.** Karpathy, "A Recipe for Training Neural Networks" (2019): "use backprop to chart dependencies".
    """
    del thresholds
    told: set[tuple[int, int]] = set()
    for step, found in _last(context):
        samples = _samples(step, found)
        if not samples:
            continue
        axes = SampleAxes(step.lineage, samples)
        if not _is_one_each(step, found, axes):
            continue
        for node, cause, remedy in _leaks(step, found, axes):
            if (step.position, node.id) not in told:
                told.add((step.position, node.id))
                yield step.finding(
                    "batch_leak", "warning", node, cause, remedy,
                    operator=node.op, samples=float(output_of(step.lineage, found.target).shape[0]),
                )  # fmt: skip


def batch_norm_small(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Batch normalisation estimates mean and variance from very few values.

    **Symptom.** The loss is noisy; evaluation is much worse than training.

    **Mathematics.** The variance of n normal values is known to a relative standard deviation of √(2/(n − 1)): 41 % for
    n = 13, 82 % for n = 4, 141 % for n = 2, where every output is ±1 whatever the input is. The running statistics
    of evaluation then differ widely from those that the layer was trained with.

    **Criterion.** In training, the values that each channel's statistics are made of (samples × positions) number
    `values` or fewer in at least half of the recorded steps.

    **Healthy look-alikes.** A last, smaller batch of an epoch; few samples with many positions each; evaluation, which
    uses the running statistics.

    **Remedy.** A larger batch, `GroupNorm` or `LayerNorm`, or synchronised batch normalisation over processes.

    **Source.** Wu and He 2018, "Group Normalization" (arXiv:1803.08494); the formula is that of the sample variance.
    """
    counts: dict[str, list[tuple[StepFacts, Node, int]]] = {}
    for step in context.trained:
        for node in step.lineage.of_op(lambda op: plain_names(op)[-1] == "batch_norm"):
            if node.attributes.get("training") and node.inputs and node.outputs:
                shape = output_of(step.lineage, node.inputs[0]).shape
                values = int(np.prod(shape)) // shape[1] if len(shape) > 1 else 1
                counts.setdefault(node.module or node.name, []).append((step, node, values))
    few = {place: seen for place, seen in counts.items() if _median(seen) <= thresholds["values"]}
    if few:
        step, node, values = next(iter(few.values()))[-1]
        yield step.finding(
            "batch_norm_small",
            "warning",
            node,
            f"Mean and variance of each channel are estimated from {values} values.",
            "Use a larger batch, or GroupNorm or LayerNorm.",
            values=float(values),
            relative_error=float(np.sqrt(2 / max(values - 1, 1))),
            modules=sorted(few),
        )


def _last(context: CheckContext) -> list[tuple[StepFacts, Comparison]]:
    return [(steps[-1], found) for steps in context.by_structure() for found in comparisons(steps[-1])]


def _median(seen: list[tuple[StepFacts, Node, int]]) -> float:
    return float(np.median([values for _, _, values in seen]))


def _behind_logarithm(step: StepFacts, found: Comparison) -> Node:
    node = origin(step.lineage, found.prediction, rearranged=False)
    while plain(node) in ("log", "add", "clamp", "clamp_min") and len(node.inputs) == 1:
        node = origin(step.lineage, node.inputs[0], rearranged=False)
    return node


def _softmax_dimension(node: Node) -> int | None:
    """The dimension that a softmax goes over, from 0; without `dim` as torch chooses it."""
    count = len(node.outputs[0].shape)
    given = node.attributes.get("dim")
    if isinstance(given, int):
        return given % count if count else 0
    return 0 if count in (0, 1, 3) else 1


def _samples(step: StepFacts, found: Comparison) -> dict[ValueRef, int]:
    """The inputs that have as many elements in their first dimension as the target."""
    shape = output_of(step.lineage, found.target).shape
    if not shape or shape[0] < 2:
        return {}
    return {
        ValueRef(node.id, 0): 0
        for node in step.lineage.forward
        if node.kind == "input" and node.outputs[0].shape[:1] == shape[:1]
    }


def _is_one_each(step: StepFacts, found: Comparison, axes: SampleAxes) -> bool:
    """Whether targets come in, or were made of what comes in, one or one row for each sample."""
    if origin(step.lineage, found.target).kind == "input":
        return True
    entering = axes.of(ValueRef(found.target.node, found.target.output))
    if entering is None or found.target.node in learned_nodes(step.lineage):
        return False
    return counts_samples(entering[0]) and not any(map(counts_samples, entering[1:]))


def _leaks(step: StepFacts, found: Comparison, axes: SampleAxes) -> Iterator[tuple[Node, str, str]]:
    lineage, nodes = step.lineage, step.structure.nodes
    above = lineage.ancestors([found.prediction.node])
    prediction = axes.of(ValueRef(found.prediction.node, found.prediction.output))
    mixing = [number for number in axes.mixing if number in above]
    if prediction and mixing and not counts_samples(prediction[0]):
        node = nodes[mixing[0]]
        yield node, _mixing_cause(node), "Move dimensions with permute or transpose, and reshape only neighbours."
    one_each = len(output_of(lineage, found.target).shape) == 1
    for node in (nodes[number] for number in sorted(above)):
        if _over_all(node, axes):
            yield node, f"{node.op} goes over the samples too.", "Normalise over the features alone."
            return
        if one_each and _goes_along(lineage.category(node), nodes, node, axes):
            cause = f"{node.op} goes along the first dimension, which counts the samples."
            yield node, cause, "Say batch_first=True, or bring the sequence to the first dimension."
            return


def _mixing_cause(node: Node) -> str:
    if plain(node) == "linear":
        return "A linear map sums over the dimension that counts the samples."
    return f"{node.op} cuts across the dimension that counts the samples, so that its rows are made of several samples."


def _goes_along(category: Category | None, nodes: tuple[Node, ...], node: Node, axes: SampleAxes) -> bool:
    """Whether a recurrence or attention takes the samples for a sequence."""
    recurrent = category is Category.RECURRENT and node.attributes.get("batch_first") is False
    attending = plain(node) == "linear" and node.parent is not None and nodes[node.parent].op == _HEADS
    if not (recurrent or attending) or not node.inputs:
        return False
    entering = axes.of(ValueRef(node.inputs[0].node, node.inputs[0].output))
    if entering is None or len(entering) != 3:
        return False
    return counts_samples(entering[0]) and any(size > 1 for _, size in entering[1])


def _over_all(node: Node, axes: SampleAxes) -> bool:
    """Whether a layer norm goes over the samples too."""
    shape = node.attributes.get("normalized_shape")
    if plain(node) != "layer_norm" or not isinstance(shape, list) or not node.inputs:
        return False
    entering = axes.of(ValueRef(node.inputs[0].node, node.inputs[0].output))
    return entering is not None and len(shape) == len(entering) and counts_samples(entering[0])

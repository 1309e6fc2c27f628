"""Samples of a batch that get mixed up with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from graphviz_nn.analysis.axes import SampleAxes, counts_samples
from graphviz_nn.analysis.comparisons import Comparison, comparisons, origin, output_of, plain
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.feeds import learned_nodes
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Input, Node, ValueRef
from graphviz_nn.plugin.layer_types import plain_names

_SOFTMAXES: Final = frozenset({"softmax", "log_softmax", "softmin"})
_OF_CLASSES: Final = frozenset(
    {"nll_loss", "nll_loss_nd", "cross_entropy", "kl_div", "binary_cross_entropy", "mse_loss"}
)
_HEADS: Final = "multi_head_attention_forward"
_OVER_ONE_DIMENSION: Final = {"softmax": -1, "log_softmax": -1, "softmin": -1, "normalize": 1, "cumsum": -1}
"""Calls whose every result depends on a whole dimension, and which one where they are not told."""


def softmax_over_batch(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Softmax is taken over the samples of the batch, where it is meant over the classes.

    **Symptom.** The loss stops near log N for a batch of N, predictions change with the rest of the batch, and the
    accuracy in evaluation differs from that in training.

    **Mathematics.** Over dimension 0 the outputs of one class sum to 1 over the N samples, so a sample can be certain
    of its class only at the expense of the others: Σᵢ pᵢ(c) = 1, and the mean of −log pᵢ(yᵢ) is at least the mean of
    log n_c, with n_c the samples of the class.

    **Criterion.** The prediction of a loss with one target a sample was made by a softmax over dimension 0 of a value
    whose first dimension has as many elements as the target has samples, with nothing but a logarithm, a sum with a
    number, casts and dropout in between; or `gather` picks one class a sample from it, as policy gradients do, and the
    samples came in as that dimension. A softmax without `dim` goes over dimension 0 for one and three dimensions.

    **Healthy look-alikes.** Contrastive losses over the N × N similarities of a batch, and their transpose; attention
    over a sequence that stands first; pooling over the members of a bag; a single vector of logits.

    **Remedy.** `dim=1`, or `dim=-1` where the classes stand last.

    **Source.** PyTorch, `torch.nn.functional.softmax`: "Implicit dimension choice for softmax has been deprecated".
    """
    del thresholds
    for step, made_by in _probabilities(context):
        shape = made_by.outputs[0].shape
        if plain(made_by) in _SOFTMAXES and len(shape) > 1 and shape[1] > 1 and _softmax_dimension(made_by) == 0:
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


def _probabilities(context: CheckContext) -> Iterator[tuple[StepFacts, Node]]:
    """The calls behind the predictions of losses with one target a sample, whose first dimension counts the samples;
    and behind those of which one class a sample is picked."""
    for step, found in _last(context):
        target = output_of(step.lineage, found.target).shape
        made_by = _behind_logarithm(step, found.prediction)
        same = made_by.outputs[0].shape == output_of(step.lineage, found.prediction).shape
        if found.op in _OF_CLASSES and same and target and made_by.outputs[0].shape[:1] == target[:1] != (1,):
            yield step, made_by
    for steps in context.by_structure():
        step = steps[-1]
        above = step.lineage.ancestors(step.roots)
        for node in step.lineage.of_op(lambda op: plain_names(op)[-1] == "gather"):
            if node.id in above and node.inputs and node.attributes.get("dim") in (1, -1):
                made_by = _behind_logarithm(step, node.inputs[0])
                entering = made_by.inputs[0] if made_by.inputs else None
                if plain(made_by) in _SOFTMAXES and entering is not None and _has_samples_first(step, entering):
                    yield step, made_by


def _has_samples_first(step: StepFacts, read: Input) -> bool:
    """Whether the first dimension of a table counts the samples that came in."""
    shape = output_of(step.lineage, read).shape
    axes = SampleAxes(step.lineage, _entering(step, shape[:1])).of(ValueRef(read.node, read.output))
    return axes is not None and len(axes) == 2 and counts_samples(axes[0]) and not counts_samples(axes[1])


def batch_leak(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """What is predicted for a sample depends on other samples of the batch.

    **Symptom.** Predictions change with the batch that a sample comes in; training learns little, or looks too good.

    **Mathematics.** If the loss of sample i is to be a function of sample i, the dimension that counts the samples must
    stay one factor of one dimension of every value on the way. `reshape` keeps the order of the elements in memory, so
    it keeps that factor only if dimensions are cut at its borders: of (B, T, D) as (T, B, D) one row is made of pieces
    of B/T samples. A linear map over it, a recurrence or attention along it, or a softmax or normalisation over it,
    sums over samples.

    **Criterion.** The samples' dimension is the first of the inputs that have as many elements there as the target. It
    is followed through casts, views, transpositions, indexing and means over other dimensions, convolutions, pooling,
    recurrences, elementwise calls and linear maps, also where it is dealt out to groups of whole samples; nothing is
    said where it cannot be followed. A finding is a call that cuts across it or sums over it and from which the
    prediction comes, or a recurrence or attention along it where there is one target a sample.

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


def _last(context: CheckContext) -> list[tuple[StepFacts, Comparison]]:
    return [(steps[-1], found) for steps in context.by_structure() for found in comparisons(steps[-1])]


def _behind_logarithm(step: StepFacts, read: Input) -> Node:
    node = origin(step.lineage, read, rearranged=False)
    while _keeps_order(step, node):
        node = origin(step.lineage, node.inputs[0], rearranged=False)
    return node


def _keeps_order(step: StepFacts, node: Node) -> bool:
    """Whether the call takes the logarithm of probabilities, limits them, or divides them by their sum."""
    if plain(node) in ("log", "add", "clamp", "clamp_min"):
        return len(node.inputs) == 1
    if plain(node) not in ("div", "true_divide") or len(node.inputs) != 2:
        return False
    total = step.structure.nodes[node.inputs[1].node]
    return plain(total) == "sum" and [read.node for read in total.inputs] == [node.inputs[0].node]


def _softmax_dimension(node: Node) -> int | None:
    """The dimension that a softmax goes over, from 0; without `dim` as torch chooses it."""
    count = len(node.outputs[0].shape)
    given = node.attributes.get("dim")
    if isinstance(given, int):
        return given % count if count else 0
    return 0 if count in (0, 1, 3) else 1


def _samples(step: StepFacts, found: Comparison) -> dict[ValueRef, int]:
    """The inputs that have as many elements in their first dimension as the target."""
    return _entering(step, output_of(step.lineage, found.target).shape[:1])


def _entering(step: StepFacts, count: tuple[int, ...]) -> dict[ValueRef, int]:
    """The inputs whose first dimension is of this size, which is more than one."""
    if not count or count[0] < 2:
        return {}
    inputs = (node for node in step.lineage.forward if node.kind == "input")
    return {ValueRef(node.id, 0): 0 for node in inputs if node.outputs[0].shape[:1] == count}


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
        over_samples = _over_all(node, axes) or _over_one(node, axes)
        if over_samples and node is not _behind_logarithm(step, found.prediction):
            yield node, f"{node.op} goes over the samples too.", "Go over the features alone: see its dim."
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


def _over_one(node: Node, axes: SampleAxes) -> bool:
    """Whether a call that goes over one dimension goes over the samples of a table, or of what has more dimensions."""
    if plain(node) not in _OVER_ONE_DIMENSION or not node.inputs:
        return False
    entering = axes.of(ValueRef(node.inputs[0].node, node.inputs[0].output))
    given = node.attributes.get("dim")
    dim = given if isinstance(given, int) else _OVER_ONE_DIMENSION[plain(node)]
    return entering is not None and len(entering) > 1 and counts_samples(entering[dim % len(entering)])


def _over_all(node: Node, axes: SampleAxes) -> bool:
    """Whether a layer norm goes over the samples too."""
    shape = node.attributes.get("normalized_shape")
    if plain(node) != "layer_norm" or not isinstance(shape, list) or not node.inputs:
        return False
    entering = axes.of(ValueRef(node.inputs[0].node, node.inputs[0].output))
    return entering is not None and len(shape) == len(entering) and counts_samples(entering[0])

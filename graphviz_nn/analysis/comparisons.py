"""Where a prediction meets its target: calls of loss functions, and losses written out as a difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from graphviz_nn.analysis.context import StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Input, Node, Output, ValueRef
from graphviz_nn.plugin.layer_types import plain_names

ELEMENTWISE: Final = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
"""Losses that compare element with element."""

OF_LOGITS: Final = frozenset({"cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"})
"""Losses that apply softmax or sigmoid themselves."""

_POWERS: Final = frozenset({"pow", "square", "abs"})
_REDUCTIONS: Final = frozenset({"mean", "sum"})
_SAME_NUMBERS: Final = frozenset(
    {"to", "float", "double", "half", "bfloat16", "type", "type_as", "contiguous", "clone", "alias", "dropout"}
)
_REARRANGING: Final = frozenset(
    {
        "view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "ravel", "squeeze", "unsqueeze",
        "transpose", "swapaxes", "swapdims", "permute", "movedim", "t", "mT", "T", "getitem", "select", "narrow",
        "masked_select", "index_select", "split", "chunk", "unbind", "expand", "expand_as",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prediction and what it is measured against.

    Attributes:
        node: the call of the loss, or the difference.
        op: plain name of the loss; "sub" for a difference that is squared, or made positive, and reduced.
        prediction, target: the edges that carry them.
    """

    node: Node
    op: str
    prediction: Input
    target: Input


def comparisons(step: StepFacts) -> list[Comparison]:
    """Returns the comparisons that a backward pass of the step began below, in order of execution."""
    return step.share("comparisons", lambda: _search(step))


def _search(step: StepFacts) -> list[Comparison]:
    lineage = step.lineage
    above = lineage.ancestors(step.roots)
    loss_types = lineage.of_category(Category.LOSS)
    differences = lineage.of_op(lambda op: plain_names(op)[-1] == "sub")
    calls = sorted({node.id for node in (*loss_types, *differences)} & above)
    nodes = lineage.structure.nodes
    return [found for number in calls if (found := _comparison(lineage, nodes[number])) is not None]


def origin(lineage: Lineage, read: Input, *, rearranged: bool = True) -> Node:
    """Returns the call that made the numbers of a value: behind casts and dropout, and where `rearranged` behind views,
    transpositions and indexing."""
    nodes = lineage.structure.nodes
    node = nodes[read.node]
    while node.inputs and _passes(node, rearranged):
        node = nodes[node.inputs[0].node]
    return node


def plain(node: Node) -> str:
    """Returns the operator's name without the marks of in-place and private forms."""
    return plain_names(node.op)[-1]


def output_of(lineage: Lineage, read: Input) -> Output:
    return lineage.structure.nodes[read.node].outputs[read.output]


def row_of(lineage: Lineage, read: Input) -> int:
    """Row of the value that an edge carries, in a table of all values."""
    return lineage.structure.value_row(ValueRef(read.node, read.output))


def class_count(lineage: Lineage, prediction: Input) -> int:
    """Size of the prediction's dimension of classes: the second, or the only one; 1 for a single number."""
    shape = output_of(lineage, prediction).shape
    return shape[min(1, len(shape) - 1)] if shape else 1


def _passes(node: Node, rearranged: bool) -> bool:
    name = plain(node)
    return name in _SAME_NUMBERS or (rearranged and name in _REARRANGING)


def _comparison(lineage: Lineage, node: Node) -> Comparison | None:
    if lineage.category(node) is Category.LOSS:
        return _of_loss(lineage, node, plain(node))
    if len(node.inputs) == 2 and plain(node) == "sub" and _ends_in_a_mean(lineage, node):
        return _ordered(lineage, node, "sub", *node.inputs)
    return None


def _of_loss(lineage: Lineage, node: Node, name: str) -> Comparison | None:
    by_argument = {read.argument: read for read in node.inputs}
    prediction, target = by_argument.get("input"), by_argument.get("target")
    if prediction is None or target is None:
        return None
    if name in ELEMENTWISE:
        return _ordered(lineage, node, name, prediction, target)
    return Comparison(node, name, prediction, target)


def _ordered(lineage: Lineage, node: Node, name: str, first: Input, second: Input) -> Comparison:
    """The side that gets a gradient is the prediction: a difference may be written either way round."""
    swapped = output_of(lineage, second).requires_grad and not output_of(lineage, first).requires_grad
    return Comparison(node, name, *((second, first) if swapped else (first, second)))


def _ends_in_a_mean(lineage: Lineage, difference: Node) -> bool:
    """Whether the difference is read by a power alone, and that by a mean or sum over everything alone."""
    powers = list(_readers(lineage, difference))
    if len(powers) != 1 or not _is_power(powers[0], difference):
        return False
    reductions = list(_readers(lineage, powers[0]))
    return (
        len(reductions) == 1
        and plain(reductions[0]) in _REDUCTIONS
        and all(not output.shape for output in reductions[0].outputs)
    )


def _is_power(node: Node, difference: Node) -> bool:
    if plain(node) in _POWERS:
        return True
    return plain(node) == "mul" and len(node.inputs) == 2 and all(read.node == difference.id for read in node.inputs)


def _readers(lineage: Lineage, node: Node) -> Iterator[Node]:
    nodes = lineage.structure.nodes
    yield from (nodes[reader] for reader in dict.fromkeys(lineage.readers[node.id]))

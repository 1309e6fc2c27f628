"""Which dimension of a value counts the samples: followed from the input through every call that keeps it apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from graphviz_nn.analysis.comparisons import plain
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node, ValueRef

Dimension = tuple[tuple[bool, int], ...]
"""A dimension as the product of its factors, the slowest first: whether a factor counts the samples, and its size."""

Axes = tuple[Dimension, ...]

_FIRST_KEPT: Final = frozenset({Category.CONVOLUTION, Category.POOLING})
_SAME_SHAPE: Final = frozenset({Category.ACTIVATION, Category.NORMALISATION, Category.ELEMENTWISE})
_REGROUPING: Final = frozenset({"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous"})

_REDUCING: Final = frozenset({"mean", "sum", "amax", "amin", "argmax", "argmin", "any", "all"})
_SAME_PLACES: Final = frozenset(
    {"dropout", "softmax", "log_softmax", "to", "float", "double", "half", "bfloat16", "long", "int", "bool", "clone"}
    | {"gt", "ge", "lt", "le", "eq", "ne", "remainder", "logical_not"}
)


def plain_axes(shape: tuple[int, ...], samples: int | None = None) -> Axes:
    """The axes of a tensor of this shape, of which dimension `samples` counts the samples."""
    return tuple(((position == samples, size),) for position, size in enumerate(shape))


def counts_samples(dimension: Dimension) -> bool:
    return any(of_samples for of_samples, size in dimension if size > 1)


class SampleAxes:
    """Follows the samples' dimension. Where a call is not known to keep samples apart, nothing is said of its outputs.

    A dimension that only regroups whole samples keeps them apart; one that cuts across them does not.

    Attributes:
        mixing: the calls whose outputs no longer keep samples apart, by id.
    """

    def __init__(self, lineage: Lineage, inputs: dict[ValueRef, int]) -> None:
        """`inputs`: the values that bring samples in, and the dimension that counts them."""
        self._lineage = lineage
        self._nodes = lineage.structure.nodes
        self._axes: dict[ValueRef, Axes | None] = {}
        self.mixing: list[int] = []
        for ref, dimension in inputs.items():
            self._axes[ref] = plain_axes(self._nodes[ref.node].outputs[ref.index].shape, dimension)
        for node in lineage.forward:
            if node.inputs:
                self._follow(node)

    def of(self, ref: ValueRef) -> Axes | None:
        """The axes of a value; None where nothing is known, or where no sample came in."""
        return self._axes.get(ref)

    def _follow(self, node: Node) -> None:
        rule = self._rule(node)
        known = [self._axes.get(ValueRef(read.node, read.output)) for read in node.inputs]
        if rule is None or not any(known):
            return
        for index, output in enumerate(node.outputs):
            if not output.version:
                found = rule(node, known, output.shape)
                if found is not None:
                    self._axes[ValueRef(node.id, index)] = found

    def _rule(self, node: Node) -> Callable[[Node, list[Axes | None], tuple[int, ...]], Axes | None] | None:
        name, category = plain(node), self._lineage.category(node)
        if name in _REGROUPING:
            return self._regrouped
        if name == "embedding":
            return _one_more
        if name in ("transpose", "swapaxes", "t", "permute", "T", "mT"):
            return _moved
        if name in ("getitem", "select"):
            return _picked
        if name in _REDUCING:
            return _reduced
        if name == "linear":
            return self._all_but_last
        if category in _FIRST_KEPT:
            return _first_kept
        if category is Category.RECURRENT:
            return _along_a_sequence
        if category in _SAME_SHAPE or name in _SAME_PLACES:
            return _same_shape
        return None

    def _regrouped(self, node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
        axes = known[0]
        if axes is None:
            return None
        found = _regroup(_merged(axes), shape)
        return self._mixed(node, shape) if found is None else found

    def _all_but_last(self, node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
        axes = known[0]
        if axes is None or len(axes) != len(shape):
            return None
        if counts_samples(axes[-1]):
            return self._mixed(node, shape)
        return (*axes[:-1], ((False, shape[-1]),))

    def _mixed(self, node: Node, shape: tuple[int, ...]) -> Axes:
        self.mixing.append(node.id)
        return plain_axes(shape)


def _regroup(factors: list[tuple[bool, int]], shape: tuple[int, ...]) -> Axes | None:
    """Deals factors out to dimensions of these sizes, in order; None where that cuts across samples.

    A dimension that takes a part of the samples' factor takes whole samples: groups of them. None is given where its
    border falls inside of a sample, so that what stands at one place was made of pieces of several.
    """
    waiting = list(reversed(factors))
    found: list[Dimension] = []
    for size in shape:
        dimension: list[tuple[bool, int]] = []
        room = size
        while room > 1:
            if not waiting:
                return None
            of_samples, length = waiting.pop()
            taken = min(room, length)
            if room % taken or length % taken:
                return None
            dimension.append((of_samples, taken))
            room //= taken
            if length > taken:
                waiting.append((of_samples, length // taken))
        found.append(tuple(dimension) or ((False, 1),))
    return None if waiting else tuple(found)


def _merged(axes: Axes) -> list[tuple[bool, int]]:
    """The factors of all dimensions in order, neighbours that count no samples taken together."""
    found: list[tuple[bool, int]] = []
    for of_samples, size in (factor for dimension in axes for factor in dimension):
        if found and not found[-1][0] and not of_samples:
            found[-1] = (False, found[-1][1] * size)
        elif size > 1:
            found.append((of_samples, size))
    return found


def _moved(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    axes = known[0]
    order = None if axes is None else _order(node, len(axes))
    if axes is None or order is None or len(shape) != len(axes):
        return None
    return tuple(axes[place] for place in order)


def _order(node: Node, count: int) -> list[int] | None:
    """Where each dimension of the result comes from; None where the call does not say."""
    order = list(range(count))
    attributes: dict[str, Any] = node.attributes
    if plain(node) == "permute":
        dims = attributes.get("dims")
        return [int(dim) % count for dim in dims] if isinstance(dims, list) and len(dims) == count else None
    if plain(node) == "T":
        return order[::-1]
    pair = (0, 1) if plain(node) == "t" else (-2, -1) if plain(node) == "mT" else _pair(attributes)
    if pair is None or count < 2:
        return None
    first, second = pair[0] % count, pair[1] % count
    order[first], order[second] = order[second], order[first]
    return order


def _pair(attributes: dict[str, Any]) -> tuple[int, int] | None:
    for names in (("dim0", "dim1"), ("axis0", "axis1")):
        first, second = (attributes.get(name) for name in names)
        if isinstance(first, int) and isinstance(second, int):
            return first, second
    return None


def _picked(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    """Indexing with numbers and slices: of the samples, nothing or all of them must be taken."""
    axes = known[0]
    if axes is None:
        return None
    if plain(node) == "select":
        dim, index = node.attributes.get("dim"), node.attributes.get("index")
        parts = [*[":"] * (dim % len(axes)), index] if isinstance(dim, int) else [None]
    else:
        given = node.attributes.get("idx")
        parts = given if isinstance(given, list) else [given]
    found: list[Dimension] = []
    for part, dimension in zip(parts, axes, strict=False):
        whole, sliced = part == ":", isinstance(part, str) and ":" in part
        if not (whole or sliced or type(part) is int) or (counts_samples(dimension) and not whole):
            return None
        if sliced:
            found.append(dimension if whole else ((False, shape[len(found)]),))
    found += axes[len(parts) :]
    return tuple(found) if tuple(map(_size, found)) == shape else None


def _reduced(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    """A mean or an extreme over other dimensions than that of the samples."""
    axes, given = known[0], node.attributes.get("dim")
    dims = given if isinstance(given, list) else [given]
    if axes is None or not all(isinstance(dim, int) for dim in dims):
        return None
    gone = {dim % len(axes) for dim in dims if isinstance(dim, int)}
    if any(counts_samples(axes[dim]) for dim in gone):
        return None
    one: Dimension = ((False, 1),)
    keeps = node.attributes.get("keepdim") is True
    found = [one if place in gone else axis for place, axis in enumerate(axes) if keeps or place not in gone]
    return tuple(found) if tuple(map(_size, found)) == shape else None


def _one_more(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    del node
    axes = known[0]
    return None if axes is None or len(shape) != len(axes) + 1 else (*axes, ((False, shape[-1]),))


def _first_kept(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    del node
    axes = known[0]
    if axes is None or len(axes) != len(shape) or any(map(counts_samples, axes[1:])):
        return None
    return (axes[0], *plain_axes(shape)[1:])


def _along_a_sequence(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    """A recurrence keeps the batch apart, in its results and in its last states, which have the layers first."""
    axes, batch_first = known[0], node.attributes.get("batch_first")
    if axes is None or len(axes) != 3 or len(shape) != 3 or not isinstance(batch_first, bool):
        return None
    sequence, batch = (axes[1], axes[0]) if batch_first else (axes[0], axes[1])
    if counts_samples(sequence):
        return None
    states: Dimension = ((False, shape[2]),)
    if shape[:2] == tuple(map(_size, axes[:2])):
        return axes[0], axes[1], states
    return ((False, shape[0]),), batch, states


def _same_shape(node: Node, known: list[Axes | None], shape: tuple[int, ...]) -> Axes | None:
    """Elementwise: all inputs of the result's shape that are known must agree."""
    del node
    found = {axes for axes in known if axes is not None and tuple(_size(d) for d in axes) == shape}
    return found.pop() if len(found) == 1 else None


def _size(dimension: Dimension) -> int:
    return math.prod(size for _, size in dimension)

"""Where a program multiplies by weights: the shapes that initialisation rules speak of."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

from graphviz_nn.model.nodes import Input, Node, ValueRef
from graphviz_nn.model.structure import Structure

_WEIGHTS = ("weight", "other", "mat2", "tensor2")
"""Arguments that hold the weights of `linear` and convolutions, and of matrix products."""
_ARGUMENTS = (*_WEIGHTS, "mat1", "input")
_TRANSPOSED = frozenset({"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"})
_PRODUCTS = frozenset({"matmul", "mm", "addmm", "linalg_matmul"})


@dataclass(frozen=True, slots=True)
class WeightUse:
    """One call that multiplies values by a weight.

    Attributes:
        node: the call. parameter: the parameter that it reads as its weight; None where the weight is computed.
        weight, data, output: rows of the weight, of what it multiplies, and of the result.
        fan_in: inputs of one unit. units: results, output features or channels.
        by_column: whether a unit's weights are a column of the weight (`x @ w`), not a row.
    """

    node: Node
    parameter: Node | None
    weight: int
    data: int
    output: int
    fan_in: int
    units: int
    by_column: bool


def weight_use(structure: Structure, node: Node, made_of_parameters: Container[int]) -> WeightUse | None:
    """Returns how the call uses its weight; None where it has none of a known form."""
    weight = other = data = None
    for read in node.inputs:
        if read.argument not in _ARGUMENTS:
            continue
        if read.node not in made_of_parameters:
            data = data or read
        elif read.argument in _WEIGHTS:
            weight = weight or read
        elif node.op in _PRODUCTS:
            other = other or read
    weight = weight or other
    if weight is None or data is None or not node.outputs:
        return None
    shape = structure.nodes[weight.node].outputs[weight.output].shape
    if len(shape) < 2:
        return None
    by_column = node.op in _PRODUCTS and weight.argument in _WEIGHTS
    if by_column:
        fan_in, units = shape[-2], shape[-1]
    elif node.op in _TRANSPOSED:
        fan_in, units = shape[0] * math.prod(shape[2:]), shape[1]
    else:
        fan_in, units = math.prod(shape[1:]), shape[0]
    source = structure.nodes[weight.node]
    return WeightUse(
        node=node,
        parameter=source if source.kind == "parameter" else None,
        weight=_row(structure, weight),
        data=_row(structure, data),
        output=structure.value_offsets[node.id],
        fan_in=max(fan_in, 1),
        units=units,
        by_column=by_column,
    )


def _row(structure: Structure, read: Input) -> int:
    return structure.value_row(ValueRef(read.node, read.output))

"""Floating-point operations of one call, from the shapes of its arguments.

What `torch.utils.flop_counter` counts is counted the same way: matrix products, convolutions and attention, with a
multiply-add as two operations; biases, masks, causality, elementwise work, normalisation and pooling as none. Matrix
products that it does not see, because they happen inside one fused operator, follow the same rule: products with
vectors, the recurrent layers, `bilinear`, grouped products, and attention on the CPU.

A call whose shapes were not recorded counts 0.
"""

from __future__ import annotations

from functools import cache
from math import isqrt, prod

from graphviz_nn.model.layer_types import LayerCall
from graphviz_nn.plugin.builtin.reading import attribute, output_shape, shape


def matmul(call: LayerCall) -> int:
    """Two per element of the product and of the contracted dimension; batch dimensions broadcast, vectors allowed."""
    left, right, out = shape(call, 0, "input", "self"), shape(call, 1, "other", "mat2"), output_shape(call)
    if not left or not right or out is None:
        return 0
    contracted = right[-1] if call.node.op == "rmatmul" else left[-1]
    return 2 * prod(out) * contracted


def linear(call: LayerCall) -> int:
    """Two per element of the output and of the last dimension of the input."""
    inputs, out = shape(call, 0, "input"), output_shape(call)
    return 2 * prod(out) * inputs[-1] if inputs and out is not None else 0


def matrix_product(call: LayerCall, first: int = 0) -> int:
    """For `[b,] m × k` times `[b,] k × n` or a vector `k`, the tensor arguments at `first` and `first + 1`."""
    left, right = shape(call, first), shape(call, first + 1)
    if not left or not right:
        return 0
    return 2 * prod(left) * (right[-1] if len(right) > 1 else 1)


def added_product(call: LayerCall) -> int:
    """The same for `addmm` and its kin, whose first tensor is added to the product."""
    return matrix_product(call, first=1)


def contraction(call: LayerCall) -> int:
    """For `tensordot` and `inner`: whatever is contracted, |left| · |right| / |out| is the square of its size."""
    left, right, out = shape(call, 0), shape(call, 1), output_shape(call)
    if left is None or right is None or out is None or not prod(out):
        return 0
    return 2 * prod(out) * isqrt(prod(left) * prod(right) // prod(out))


def chain(call: LayerCall) -> int:
    """For `multi_dot`: the cheapest order of multiplication (dynamic programming over the split points)."""
    matrices = [_as_matrix(value.shape, first=not k) for k, value in enumerate(call.arguments.values())]
    if not matrices:
        return 0
    sizes = [matrices[0][0], *(columns for _, columns in matrices)]

    @cache
    def cheapest(start: int, end: int) -> int:
        if end - start < 2:
            return 0
        return min(
            cheapest(start, split) + cheapest(split, end) + 2 * sizes[start] * sizes[split] * sizes[end]
            for split in range(start + 1, end)
        )

    return cheapest(0, len(matrices))


def _as_matrix(shape: tuple[int, ...], first: bool) -> tuple[int, int]:
    """A vector is a row at the beginning of a chain and a column at its end."""
    if len(shape) == 2:
        return shape[0], shape[1]
    length = prod(shape)
    return (1, length) if first else (length, 1)


def bilinear(call: LayerCall) -> int:
    """For each output feature the first input times a matrix, times the second input."""
    weight, out = shape(call, 2, "weight"), output_shape(call)
    if weight is None or len(weight) != 3 or out is None:
        return 0
    return 2 * prod(out) * (weight[1] + 1) * weight[2]


def covariance(call: LayerCall) -> int:
    """The matrix of variables × observations times its transpose."""
    variables = shape(call, 0)
    return 2 * variables[0] * prod(variables) if variables and len(variables) == 2 else 0


def grouped_product(call: LayerCall) -> int:
    """For `grouped_mm`: each row meets one group's matrix; without a group dimension the groups split the inner one."""
    left, right, out = shape(call, 0), shape(call, 1), output_shape(call)
    if not left or not right or out is None:
        return 0
    return 2 * left[0] * left[1] * right[1] if len(left) == len(right) == 2 else 2 * prod(out) * left[-1]


def convolution(call: LayerCall) -> int:
    """Each weight once per sample and output position, or per input position where the convolution is transposed."""
    inputs, weight, out = shape(call, 0, "input"), shape(call, 1, "weight"), output_shape(call)
    if inputs is None or weight is None or out is None:
        return 0
    spatial = len(weight) - 2
    transposed = "transpose" in call.node.op or attribute(call, "transposed", position=6) is True
    batch = inputs[0] if len(inputs) > spatial + 1 else 1
    positions = inputs[-spatial:] if transposed else out[-spatial:]
    return 2 * prod(weight) * batch * prod(positions)


def convolution_tbc(call: LayerCall) -> int:
    """For `conv_tbc` (time × batch × channels): each weight once per sample and output time."""
    weight, out = shape(call, 1, "weight"), output_shape(call)
    return 2 * prod(weight) * out[0] * out[1] if weight is not None and out is not None else 0


def attention(call: LayerCall) -> int:
    """Scores (query × key) and their product with the values; a causal or other mask saves nothing."""
    query, key = shape(call, 0, "query"), shape(call, 1, "key")
    value, out = shape(call, 2, "value"), output_shape(call)
    if query is None or key is None or value is None or out is None:
        return 0
    return 2 * prod(out[:-2]) * query[-2] * key[-2] * (query[-1] + value[-1])


def recurrent(call: LayerCall) -> int:
    """Each weight matrix of each layer and direction meets each row of the input (time × batch, or packed rows)."""
    inputs = shape(call, 0, "input")
    return 2 * prod(inputs[:-1]) * sum(map(prod, recurrent_weights(call))) if inputs else 0


def recurrent_weights(call: LayerCall) -> list[tuple[int, ...]]:
    """Returns the shapes of the weight matrices of a recurrent layer or cell, input to hidden first."""
    shapes = [value.shape for value in call.arguments.values()]
    if call.node.op.endswith("_cell"):
        states = 2 if "lstm" in call.node.op else 1
        return shapes[1 + states : 3 + states]
    # Of a layer's arguments only the weights are matrices: the states have three dimensions and the biases one.
    return [each for each in shapes[1:] if len(each) == 2]


def linear_cross_entropy(call: LayerCall) -> int:
    """The linear layer inside: each row of the input meets each class's weights."""
    inputs, weight = shape(call, 0, "input"), shape(call, 1, "linear_weight", "weight")
    return 2 * prod(inputs) * weight[0] if inputs and weight else 0

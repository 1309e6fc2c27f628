"""FLOPs of `einsum`: what `torch.einsum` does with a pair of operands, from the left."""

from __future__ import annotations

from graphviz_nn.model.layer_types import LayerCall
from graphviz_nn.plugin.builtin.reading import attribute

_Sizes = dict[str, int]


def einsum(call: LayerCall) -> int:
    """Two operands at a time, from the left; two operations per combination of the indices of a summing product.

    Indices that only one operand has are summed before, and a product that sums over nothing is elementwise: neither
    counts. (With `opt_einsum` installed torch may choose a cheaper order for three and more operands.)
    """
    equation = attribute(call, "equation", position=0)
    if not isinstance(equation, str):
        return 0
    operands, result = _parse(equation, [value.shape for value in call.arguments.values()])
    if not operands:
        return 0
    total, left = 0, operands[0]
    for position, right in enumerate(operands[1:], start=2):
        kept = set(result).union(*operands[position:])
        flops, left = _multiply(left, right, kept)
        total += flops
    return total


def _parse(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[_Sizes], set[str]]:
    """Returns each operand's sizes by index, without those of size 1, and the indices of the result."""
    terms, arrow, result = equation.replace(" ", "").partition("->")
    subscripts = terms.split(",")
    if len(subscripts) != len(shapes):
        return [], set()
    operands = [_sizes(subscript, shape) for subscript, shape in zip(subscripts, shapes, strict=True)]
    if arrow:
        named = set(result.replace("...", ""))
        keeps_rest = "..." in result
    else:
        letters = terms.replace(",", "").replace(".", "")
        named = {letter for letter in letters if letters.count(letter) == 1}
        keeps_rest = True
    rest = {index for operand in operands for index in operand if index.isdigit()} if keeps_rest else set()
    return operands, named | rest


def _sizes(subscript: str, shape: tuple[int, ...]) -> _Sizes:
    """Names each dimension; those under an ellipsis are "0", "1", …, counted from the right."""
    before, ellipsis, after = subscript.partition("...")
    hidden = len(shape) - len(before) - len(after) if ellipsis else 0
    names = [*before, *(str(hidden - 1 - k) for k in range(hidden)), *after]
    return {name: length for name, length in zip(names, shape, strict=False) if length != 1}


def _multiply(left: _Sizes, right: _Sizes, kept: set[str]) -> tuple[int, _Sizes]:
    left = {name: length for name, length in left.items() if name in kept or name in right}
    right = {name: length for name, length in right.items() if name in kept or name in left}
    both = left | right
    summed = [name for name in both if name not in kept]
    flops = 2 if summed else 0
    for length in both.values():
        flops *= length
    return flops, {name: length for name, length in both.items() if name in kept}

"""Reads the arguments and attributes that labels and FLOPs are made from. Nothing here raises on what is missing."""

from __future__ import annotations

from typing import Any

from graphviz_nn.model.layer_types import LayerCall
from graphviz_nn.model.literals import describe
from graphviz_nn.model.modules import Module


def attribute(of: LayerCall | Module, *names: str, position: int | None = None) -> Any:
    """Returns the first of the attributes that is there, or the argument at `position` of a call, or None.

    Tensors count as missing.
    """
    for name in names:
        value = of.attributes.get(name)
        if value is not None:
            return value
    if position is None or isinstance(of, Module):
        return None
    arguments = positional(of)
    return arguments[position] if position < len(arguments) else None


def positional(call: LayerCall) -> list[Any]:
    """Returns the positional arguments as JSON values, None for tensors; none where they were not written down."""
    written = call.node.arguments
    return [describe(argument) for argument in written[0]] if written else []


def shape(call: LayerCall, position: int, *names: str) -> tuple[int, ...] | None:
    """Returns the shape of the tensor argument with one of `names`, or else of the one at `position`, or None.

    `position` counts tensors only, in argument order.
    """
    for name in names:
        if name in call.arguments:
            return call.arguments[name].shape
    values = list(call.arguments.values())
    return values[position].shape if position < len(values) else None


def output_shape(call: LayerCall) -> tuple[int, ...] | None:
    """Returns the shape of the first output, or None where there is none."""
    return call.outputs[0].shape if call.outputs else None


def integers(value: Any) -> list[int] | None:
    """Returns one integer or a list of integers as a list, and None for anything else."""
    items = value if isinstance(value, (list, tuple)) else [value]
    if items and all(isinstance(item, int) and not isinstance(item, bool) for item in items):
        return list(items)
    return None


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

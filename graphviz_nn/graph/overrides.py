"""The values that a replay shall replace, looked up and checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphviz_nn.errors import SelectorError, UsageError, did_you_mean
from graphviz_nn.model.nested import sizes
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.structure import Structure

if TYPE_CHECKING:
    from torch import Tensor


def resolve_overrides(structure: Structure, overrides: Mapping[Any, Tensor]) -> dict[ValueRef, Tensor]:
    """Returns the overrides by value. Keys are a `ValueRef`, `(node, index)`, a node id, or a node name.

    Raises:
        SelectorError: a key names no value.
        UsageError: what is given is no tensor, or not of the value's shape and dtype.
    """
    found = {}
    for key, tensor in overrides.items():
        ref = _value(structure, key)
        output = structure.nodes[ref.node].outputs[ref.index]
        wanted = _describe(output.dtype, output.shape)
        given = _given(tensor)
        if given != wanted:
            raise UsageError(f"The override of {key!r} is {given}; it must be like the value: {wanted}.")
        found[ref] = tensor
    return found


def _given(tensor: Any) -> str:
    import torch

    if not isinstance(tensor, torch.Tensor):
        return f"a {type(tensor).__name__}"
    return _describe(str(tensor.dtype).removeprefix("torch."), tuple(sizes(tensor)))


def _describe(dtype: str, shape: tuple[int, ...]) -> str:
    return f"a tensor of {dtype} and shape {shape}"


def _value(structure: Structure, key: Any) -> ValueRef:
    node, index = key if isinstance(key, tuple) else (key, 0)
    if isinstance(node, str):
        if node not in structure.by_name:
            raise SelectorError(f"No node is named {node!r}.{did_you_mean(node, structure.by_name)}")
        node = structure.by_name[node].id
    if not 0 <= node < len(structure.nodes):
        raise SelectorError(f"There is no node {node}: the step has nodes 0 to {len(structure.nodes) - 1}.")
    count = len(structure.nodes[node].outputs)
    if not 0 <= index < count:
        raise SelectorError(f"{structure.nodes[node].name!r} has {count} outputs: there is no output {index}.")
    return ValueRef(node, index)

"""Recorded arguments and tensors as torch's own objects again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphviz_nn.model import literals
from graphviz_nn.model.tensors import TensorData

if TYPE_CHECKING:
    from torch import Tensor


def is_restorable(literal: Any) -> bool:
    """Whether a literal of `graphviz_nn.model.literals` says all that is needed to make the argument again."""
    if isinstance(literal, list):
        return all(is_restorable(item) for item in literal)
    if isinstance(literal, dict):
        return literals.UNKNOWN not in literal and all(is_restorable(item) for item in literal.values())
    return True


def restore_call(arguments: Any, tensors: Sequence[Tensor]) -> tuple[list[Any], dict[str, Any]]:
    """Returns the positional and the keyword arguments of a recorded call, with `tensors[k]` in slot k."""
    args, kwargs = arguments
    return [restore(item, tensors) for item in args], {name: restore(item, tensors) for name, item in kwargs.items()}


def restore(literal: Any, tensors: Sequence[Tensor]) -> Any:
    """Returns what a restorable literal stands for."""
    if isinstance(literal, list):
        return [restore(item, tensors) for item in literal]
    if not isinstance(literal, dict):
        return literal
    ((key, value),) = literal.items()
    match key:
        case literals.TENSOR:
            return tensors[value]
        case literals.TUPLE:
            return tuple(restore(item, tensors) for item in value)
        case literals.DICT:
            return {restore(name, tensors): restore(item, tensors) for name, item in value}
        case literals.SLICE:
            return slice(*(restore(part, tensors) for part in value))
        case literals.ELLIPSIS:
            return ...
        case literals.COMPLEX:
            return complex(*value)
        case _:
            return _restore_torch(key, value)


def _restore_torch(key: str, value: Any) -> Any:
    import torch

    if key == literals.SIZE:
        return torch.Size(value)
    if key == literals.DEVICE:
        return torch.device(value)
    kinds = {literals.DTYPE: torch.dtype, literals.LAYOUT: torch.layout, literals.MEMORY_FORMAT: torch.memory_format}
    found = getattr(torch, str(value), None)
    if key not in kinds or not isinstance(found, kinds[key]):
        raise ValueError(f"{key} {value!r} is not known to this version of torch")
    return found


def restore_tensor(data: TensorData, device: str = "cpu") -> Tensor:
    """Returns a tensor of torch's own memory with the data's numbers and strides.

    The memory is torch's, because kernels may add up in another order where memory is aligned otherwise.
    """
    import torch

    memory = torch.empty(data.nbytes, dtype=torch.uint8)
    if data.nbytes:
        memory.numpy()[:] = data.data
    # Copied once more, because `.numpy()` forbids for good that its memory is resized; and as a flat span, because a
    # copy between devices does not keep the strides of overlapping elements.
    flat = memory.view(getattr(torch, data.dtype)).to(device, copy=True)
    tensor = flat.reshape(data.shape) if data.strides is None else flat.as_strided(data.shape, data.strides)
    # `.data` is a tensor of its own, no view of the span: a write to it makes no new version of a base.
    return tensor.data

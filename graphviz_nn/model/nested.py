"""Nested tensors, which hold parts of different sizes. Those of the strided layout have no `shape` at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def sizes(tensor: Tensor) -> Sequence[int]:
    """Returns the tensor's shape; -1 stands for each size of a strided nested tensor in which its parts differ."""
    try:
        return tensor.shape
    except RuntimeError:
        return tuple(_size(tensor, dimension) for dimension in range(tensor.dim()))


def _size(tensor: Tensor, dimension: int) -> int:
    try:
        return tensor.size(dimension)
    except RuntimeError:
        return -1

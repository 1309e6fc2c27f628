"""Parts of kept tensors, read without the rest: of a tensor of 2 GB one sample or one channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.steps import RunData
from graphviz_nn.model.tensors import ITEM_BYTES, TensorData, TensorKey

Index = int | slice


class Described(Protocol):
    """A kept tensor without its elements; fields as in `TensorData`."""

    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def strides(self) -> tuple[int, ...] | None: ...


@runtime_checkable
class SlicedRun(Protocol):
    """A run that reads parts of its tensors, as a run file does."""

    def kept(self, position: int) -> Mapping[TensorKey, Described]: ...

    def tensor_slice(self, position: int, key: TensorKey, start: int, stop: int) -> TensorData | None: ...


class _Part(NamedTuple):
    """What an index leaves of a tensor: its first element, and the shape and strides of the rest, in elements."""

    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def span(self) -> int:
        """Elements from the first to the last."""
        if 0 in self.shape:
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


def describe(data: RunData, position: int, key: TensorKey) -> Described | None:
    """Returns dtype, shape and strides of a kept tensor, or None where the step does not hold it."""
    if isinstance(data, SlicedRun):
        return data.kept(position).get(key)
    return data.tensor(position, key)


def read_part(data: RunData, position: int, key: TensorKey, *index: Index) -> npt.NDArray[Any] | None:
    """Returns `tensor[index]` as numpy would, with no more read than the memory between its first and last element.

    Integers and slices of step 1 may stand in `index`, which counts from the first dimension; what it leaves out is
    taken whole. bfloat16 becomes float32. None where the step does not hold the tensor.

    Raises:
        IndexError: an integer lies outside its dimension, or there are more of them than dimensions.
        TypeError: numpy has no such dtype (float8, complex32).
    """
    if not isinstance(data, SlicedRun):
        whole = data.tensor(position, key)
        return None if whole is None else whole.numpy()[index]
    found = data.kept(position).get(key)
    if found is None:
        return None
    part = _part(found.shape, found.strides or _row_major(found.shape), index)
    flat = data.tensor_slice(position, key, part.start, part.start + part.span)
    if flat is None:
        return None
    numbers = flat.numpy()
    item = numbers.itemsize
    shaped = np.lib.stride_tricks.as_strided(numbers, part.shape, [stride * item for stride in part.strides])
    shaped.flags.writeable = False
    return shaped


def part_bytes(found: Described, *index: Index) -> int:
    """Returns how many bytes `read_part` would read."""
    return _part(found.shape, found.strides or _row_major(found.shape), index).span * ITEM_BYTES[found.dtype]


def _part(shape: tuple[int, ...], strides: tuple[int, ...], index: tuple[Index, ...]) -> _Part:
    if len(index) > len(shape):
        raise IndexError(f"{len(index)} indices for a tensor of shape {shape}")
    start = 0
    sizes: list[int] = []
    steps: list[int] = []
    for place, (size, stride) in enumerate(zip(shape, strides, strict=True)):
        chosen = index[place] if place < len(index) else slice(None)
        if isinstance(chosen, slice):
            first, stop, _ = slice(chosen.start, chosen.stop).indices(size)
            sizes.append(max(stop - first, 0))
            steps.append(stride)
        elif -size <= chosen < size:
            first = chosen % size
        else:
            raise IndexError(f"index {chosen} in a dimension of {size}")
        start += first * stride
    return _Part(start, tuple(sizes), tuple(steps))


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))

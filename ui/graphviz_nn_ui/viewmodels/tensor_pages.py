"""A kept tensor as pages of a table: only the page that is looked at is read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.tensors import ITEM_BYTES, TensorData, TensorKey
from graphviz_nn.store.reader import RunFile
from graphviz_nn_ui.viewmodels.numbers import number_text

PAGE_ROWS: Final = 128
PAGE_COLUMNS: Final = 64
_ONE_READ: Final = 1 << 21
"""Elements that are read at once to cut a page out of; where it would be more, each row is read by itself."""


@runtime_checkable
class Elements(Protocol):
    """The stored elements of a tensor, by place."""

    def read(self, start: int, stop: int) -> TensorData: ...


@dataclass(frozen=True, slots=True)
class _InFile:
    file: RunFile
    position: int
    key: TensorKey

    def read(self, start: int, stop: int) -> TensorData:
        data = self.file.tensor_slice(self.position, self.key, start, stop)
        if data is None:
            raise NotRecorded("This tensor is not in the run any more.")
        return data


@dataclass(frozen=True, slots=True)
class _InMemory:
    whole: TensorData

    def read(self, start: int, stop: int) -> TensorData:
        item = ITEM_BYTES[self.whole.dtype]
        return TensorData(self.whole.dtype, (stop - start,), self.whole.data[start * item : stop * item])


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a tensor's last two dimensions.

    Attributes:
        numbers: rows × columns. row, column: the place of the first.
        low, high: of its finite numbers; NaN where there are none. bad: how many are NaN or ±Inf.
    """

    numbers: npt.NDArray[Any]
    row: int
    column: int
    low: float
    high: float
    bad: int


class TensorPages:
    """A tensor cut into pages.

    The last dimension runs along the columns, the one before it down the rows; a vector stands in one column.

    Attributes:
        dtype, shape: of the tensor. leading: the sizes of the dimensions that a page holds fixed.
        rows, columns: of the table.
    """

    def __init__(self, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...] | None, elements: Elements) -> None:
        """`strides`: in elements, as in `TensorData`."""
        self.dtype = dtype
        self.shape = shape
        self._elements = elements
        strides = strides if strides is not None else _contiguous(shape)
        flat = len(shape) < 2
        self.leading = () if flat else shape[:-2]
        self.rows, self.columns = (prod(shape), 1) if flat else shape[-2:]
        self._leading_strides = () if flat else strides[:-2]
        self._row_stride, self._column_stride = (strides[0] if strides else 0, 0) if flat else strides[-2:]

    def page(self, at: tuple[int, ...], row: int = 0, column: int = 0) -> Page:
        """Returns the page that begins at a row and a column, `PAGE_ROWS` × `PAGE_COLUMNS` at most.

        Args:
            at: one index for each of `leading`.

        Raises:
            NotRecorded: numpy has no such dtype; says how to read the tensor.
            RunFileError: it cannot be read.
        """
        rows, columns = min(PAGE_ROWS, self.rows - row), min(PAGE_COLUMNS, self.columns - column)
        if not prod(self.shape) or rows <= 0 or columns <= 0:
            return Page(np.empty((0, 0)), row, column, np.nan, np.nan, 0)
        start = sum(index * stride for index, stride in zip(at, self._leading_strides, strict=True))
        start += row * self._row_stride + column * self._column_stride
        return _described(self._cut(start, (rows, columns)), row, column)

    def _cut(self, start: int, size: tuple[int, int]) -> npt.NDArray[Any]:
        strides = (self._row_stride, self._column_stride)
        span = sum((count - 1) * stride for count, stride in zip(size, strides, strict=True)) + 1
        if span <= _ONE_READ:
            return _strided(self._read(start, start + span), size, strides)
        longer = 0 if strides[0] >= strides[1] else 1
        one = (1, size[1]) if longer == 0 else (size[0], 1)
        parts = [self._cut(start + place * strides[longer], one) for place in range(size[longer])]
        return np.concatenate(parts, axis=longer)

    def _read(self, start: int, stop: int) -> npt.NDArray[Any]:
        try:
            return self._elements.read(start, stop).numpy()
        except TypeError:
            raise NotRecorded(
                f"Numbers of {self.dtype} cannot be shown here: read the tensor in Python with run.value(node)."
            ) from None


def tensor_pages(data: RunData, position: int, key: TensorKey) -> TensorPages | None:
    """Returns a kept tensor of a step, or None where the run does not hold it. Reads none of its elements.

    Raises `DamagedRunFile` where the run cannot say what it holds.
    """
    if isinstance(data, RunFile):
        kept = data.kept(position).get(key)
        return None if kept is None else TensorPages(kept.dtype, kept.shape, kept.strides, _InFile(data, position, key))
    whole = data.tensor(position, key)
    return None if whole is None else TensorPages(whole.dtype, whole.shape, whole.strides, _InMemory(whole))


def element_text(value: Any) -> str:
    """Returns an element as a cell shows it: four digits, "True", "3"; NaN and ±Inf with a sign before them."""
    if isinstance(value, np.complexfloating):
        return (
            f"{number_text(float(value.real))}{'+' if value.imag >= 0 else '−'}{number_text(abs(float(value.imag)))}j"
        )
    if isinstance(value, np.floating):
        return number_text(float(value)) if np.isfinite(value) else f"✖ {number_text(float(value))}"
    return str(value)


def comma_separated(numbers: npt.NDArray[Any]) -> str:
    """Returns a page as lines of comma-separated values, in full precision."""
    return "\n".join(",".join(str(value) for value in row) for row in numbers.tolist())


def numpy_text(numbers: npt.NDArray[Any]) -> str:
    """Returns a page as Python code that makes the array, in full precision: `array([[0.1, …]], dtype=float32)`."""
    with np.printoptions(threshold=numbers.size + 1, floatmode="unique"):
        return repr(numbers)


def _described(numbers: npt.NDArray[Any], row: int, column: int) -> Page:
    if numbers.dtype.kind != "f":
        real = numbers.astype(np.float64) if numbers.dtype.kind in "iub" else np.empty(0)
        low, high = (float(real.min()), float(real.max())) if real.size else (np.nan, np.nan)
        bad = 0 if numbers.dtype.kind != "c" else int((~np.isfinite(numbers)).sum())
        return Page(numbers, row, column, low, high, bad)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)
    return Page(numbers, row, column, low, high, numbers.size - finite.size)


def _strided(span: npt.NDArray[Any], size: tuple[int, int], strides: tuple[int, int]) -> npt.NDArray[Any]:
    width = span.itemsize
    return np.lib.stride_tricks.as_strided(span, size, [stride * width for stride in strides], writeable=False).copy()


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(prod(shape[place + 1 :]) for place in range(len(shape)))

"""The numbers of many small tensors: laid side by side, as many as fit into a core's cache, and reduced together.

Each pass over a piece finds it in the cache; what is done once for each tensor is done for all pieces at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphviz_nn.model.stats import HISTOGRAM_SAMPLE, STATS
from graphviz_nn.recording.measure import float32_is_enough, histograms, measure

LARGEST_SEGMENT: Final = 16_384
"""Elements of the largest tensor that is measured so."""
_PIECE: Final = 65_536
"""Elements that are reduced together: 256 KiB of float32."""
_ZERO: Final = np.float32(0)

Floats = npt.NDArray[Any]
flatten_dense_tensors = torch._C._nn.flatten_dense_tensors


class _Scratch(threading.local):
    """Memory for what is computed of one piece: kept, it stays in the cache."""

    def __init__(self) -> None:
        self.squares = np.empty(_PIECE, np.float32)
        self.is_zero = np.empty(_PIECE, np.bool_)


_scratch = _Scratch()


def measure_segments(tensors: Sequence[Tensor]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]:
    """Returns a row of `STATS` and a histogram for each tensor.

    All are dense, on the CPU, of one dtype, float32 or float64, and of 1 to `LARGEST_SEGMENT` elements.
    """
    sizes = np.array([tensor.numel() for tensor in tensors])
    sums, samples = _Sums(len(tensors)), _Samples(sizes, tensors[0].dtype)
    pieces: list[tuple[int, Floats, Floats]] = []
    with np.errstate(all="ignore"):  # a segment that float32 does not carry is measured again by itself
        for first, last in _cut(sizes):
            together = _side_by_side(tensors[first:last])
            ends = np.cumsum(sizes[first:last])
            starts = ends - sizes[first:last]
            sums.reduce(together, starts, slice(first, last))
            samples.take(together, starts, slice(first, last))
            pieces.append((first, together, starts))
        rows, enough = sums.rows(sizes, exact=tensors[0].dtype == torch.float32)
    for k in np.flatnonzero(~enough):
        first, together, starts = next(piece for piece in reversed(pieces) if piece[0] <= k)
        rows[k] = measure(together[starts[k - first] : starts[k - first] + sizes[k]])
    return rows, samples.histograms()


def _cut(sizes: Floats) -> Iterator[tuple[int, int]]:
    """Yields (first, last) of runs of segments that make a piece."""
    first, total = 0, 0
    for index, size in enumerate(sizes.tolist()):
        if total + size > _PIECE:
            yield first, index
            first, total = index, 0
        total += size
    yield first, len(sizes)


def _side_by_side(tensors: Sequence[Tensor]) -> Floats:
    """Returns a copy of all elements."""
    if len(tensors) > 1:
        together = flatten_dense_tensors(list(tensors))
    else:  # not an alias: torch refuses to resize a memory ever after numpy saw it
        together = tensors[0].detach().clone(memory_format=torch.contiguous_format).view(-1)
    found: Floats = together.numpy()
    return found


class _Sums:
    """What one pass each over the elements finds of every segment."""

    def __init__(self, count: int) -> None:
        self.low, self.high = np.empty(count), np.empty(count)
        self.total, self.squares = np.empty(count), np.empty(count)
        self.zeros = np.zeros(count, np.int64)

    def reduce(self, together: Floats, starts: Floats, here: slice) -> None:
        """Reduces the segments of one piece, which begin at `starts`."""
        size = together.size
        self.low[here] = np.minimum.reduceat(together, starts)
        self.high[here] = np.maximum.reduceat(together, starts)
        self.total[here] = np.add.reduceat(together, starts)
        squares = _scratch.squares[:size] if together.dtype == np.float32 else None
        self.squares[here] = np.add.reduceat(np.multiply(together, together, squares), starts)
        is_zero = np.equal(together, _ZERO, _scratch.is_zero[:size])
        if is_zero.any():
            self.zeros[here] = np.add.reduceat(is_zero.view(np.uint8), starts, dtype=np.int32)

    def rows(self, sizes: Floats, *, exact: bool) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Returns the rows of `STATS`, and of which of them the sums were exact enough; `exact`: of any."""
        low, high = self.low, self.high
        rows = np.zeros((len(sizes), len(STATS)), np.float32)
        mean = self.total / sizes
        variance = self.squares / sizes - mean * mean
        rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = mean, np.sqrt(variance), low, high
        rows[:, 4], rows[:, 5] = np.sqrt(self.squares), self.zeros / sizes
        finite = np.isfinite(low) & np.isfinite(high)
        enough = float32_is_enough(np.maximum(-low, high), variance, mean) & finite & exact
        alike = (low == high) & finite
        if alike.any():  # as fresh biases and scales are: they need no sums
            value = low[alike]
            rows[alike, 0], rows[alike, 1] = value, 0
            rows[alike, 4] = np.abs(value) * np.sqrt(sizes[alike])
            rows[alike, 5] = value == 0
            enough |= alike
        return rows, enough


class _Samples:
    """Evenly strided samples of all segments, from which their histograms are counted."""

    def __init__(self, sizes: Floats, dtype: torch.dtype) -> None:
        strides = -(-sizes // HISTOGRAM_SAMPLE)
        self._places = np.arange((-(-sizes // strides)).max()) * strides[:, None]
        self._outside = self._places >= sizes[:, None]
        self._places[self._outside] = 0
        self._found = np.empty(self._places.shape, np.float32 if dtype == torch.float32 else np.float64)

    def take(self, together: Floats, starts: Floats, here: slice) -> None:
        """Takes the samples of the segments of one piece, which begin at `starts`."""
        self._found[here] = together[self._places[here] + starts[:, None]]

    def histograms(self) -> npt.NDArray[np.uint16]:
        """Returns a histogram for each segment."""
        self._found[self._outside] = 0  # counts nowhere
        return histograms(self._found)

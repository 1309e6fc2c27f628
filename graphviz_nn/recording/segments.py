"""The numbers of many small tensors: laid side by side and reduced together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphviz_nn.model.stats import HISTOGRAM_SAMPLE, STATS
from graphviz_nn.recording.measure import float32_is_enough, histograms, measure

LARGEST_SEGMENT: Final = 16_384
"""Elements of the largest tensor that is measured so."""

Floats = npt.NDArray[Any]
flatten_dense_tensors = torch._C._nn.flatten_dense_tensors


def measure_segments(tensors: Sequence[Tensor]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]:
    """Returns a row of `STATS` and a histogram for each tensor.

    All are dense, on the CPU, not empty, and of one dtype, float32 or float64.
    """
    sizes = np.array([tensor.numel() for tensor in tensors])
    together = _side_by_side(tensors)
    return _measure(together, sizes), _count(together, sizes)


def _side_by_side(tensors: Sequence[Tensor]) -> Floats:
    """Returns a copy of all elements."""
    if len(tensors) > 1:
        together = flatten_dense_tensors(list(tensors))
    else:  # not an alias: torch refuses to resize a memory ever after numpy saw it
        together = tensors[0].detach().clone(memory_format=torch.contiguous_format).view(-1)
    found: Floats = together.numpy()
    return found


def _measure(together: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Returns rows of `STATS` for consecutive segments of one array."""
    starts = np.zeros(len(sizes), np.int64)
    np.cumsum(sizes[:-1], out=starts[1:])
    rows = np.zeros((len(sizes), len(STATS)), np.float32)
    with np.errstate(all="ignore"):  # a segment that float32 does not carry is measured again by itself
        low = np.minimum.reduceat(together, starts)
        high = np.maximum.reduceat(together, starts)
        mean = np.add.reduceat(together, starts) / sizes
        squares = np.add.reduceat(together * together, starts, dtype=together.dtype).astype(np.float64)
        is_zero = together == 0
        zeros = np.add.reduceat(is_zero.view(np.uint8), starts, dtype=np.int32) if is_zero.any() else 0.0
        variance = squares / sizes - mean * mean
        enough = float32_is_enough(np.maximum(-low, high), variance, mean)
        rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = mean, np.sqrt(variance), low, high
        rows[:, 4], rows[:, 5] = np.sqrt(squares), zeros / sizes
    if together.dtype != np.float32:
        enough[:] = False
    _measure_constants(rows, enough, low, high, sizes)
    for k in np.flatnonzero(~(enough & np.isfinite(low) & np.isfinite(high))):
        rows[k] = measure(together[starts[k] : starts[k] + sizes[k]])
    return rows


def _measure_constants(rows: Any, enough: Any, low: Any, high: Any, sizes: Any) -> None:
    """Fills in the segments whose elements are all alike, as fresh biases and scales are: they need no sums."""
    alike = (low == high) & np.isfinite(low)
    value = low[alike].astype(np.float64)
    rows[alike, 0], rows[alike, 1] = value, 0
    with np.errstate(over="ignore"):  # a norm beyond float32 is infinite
        rows[alike, 4] = np.abs(value) * np.sqrt(sizes[alike])
    rows[alike, 5] = value == 0
    enough |= alike


def _count(together: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Histograms of samples of consecutive segments of one array, as `histograms` counts them."""
    starts = np.cumsum(sizes) - sizes
    strides = -(-sizes // HISTOGRAM_SAMPLE)
    places = np.arange((-(-sizes // strides)).max()) * strides[:, None]
    inside = places < sizes[:, None]
    places += starts[:, None]
    if not inside.all():
        places[~inside] = 0
    samples = together[places]
    if not inside.all():
        samples[~inside] = 0  # counts nowhere
    return histograms(samples)

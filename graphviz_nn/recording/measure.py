"""The numbers of one tensor, from its elements as a numpy array; histograms of samples of many."""

from __future__ import annotations

import math
import sys
import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, HISTOGRAM_SAMPLE
from graphviz_nn.recording.distributed import local_part

_TINY: Final = 1e-12
_HUGE: Final = 1e15
"""Outside these magnitudes the float32 sum of squares of a tensor may underflow or overflow."""
_NARROW: Final = 1e-3
"""A float32 sum is good to about 1e-6 of itself, so a variance below this share of the squared mean is not."""
_PIECE: Final = 65_536
"""Elements of a large tensor that are looked at together: 256 KiB."""
_LINE: Final = 1_024
_ONES: Final = np.ones(_LINE, np.float32)
_ZERO: Final = np.float32(0)
_BIAS32: Final = 127
"""Exponent bias of IEEE 754 binary32."""


def elements(tensor: Tensor) -> Tensor | None:
    """Returns the elements as a detached dense tensor of a floating dtype; None: it has no elements of its own.

    Of a DTensor those that this process holds. Complex numbers are measured by magnitude, bfloat16 and float8 as
    float32, integers and booleans as float64.
    """
    tensor = local_part(tensor)
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__ or tensor.is_nested:
        return None
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return None
    plain = tensor.detach()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    if plain.is_quantized:
        plain = plain.dequantize()
    if plain.is_complex():
        plain = plain.abs()
    elif plain.is_floating_point():
        if plain.element_size() < 4:
            plain = plain.float()
    else:
        plain = plain.to(torch.float64)
    return plain.resolve_neg().as_subclass(Tensor)


def flatten(tensor: Tensor) -> Tensor:
    """Returns the elements in one dimension, in any order; a view where they are dense in any order."""
    if not tensor.is_contiguous() and is_dense(tensor):
        return tensor.as_strided((tensor.numel(),), (1,))
    return tensor.reshape(-1)


def is_dense(tensor: Tensor) -> bool:
    """Whether the elements fill their span of memory without gaps or overlaps, in whatever order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def measure_tensor(flat: Tensor) -> npt.NDArray[np.float32]:
    """Returns the row of `STATS` for a large one-dimensional tensor of floats, piece by piece.

    A piece fits into a core's cache, so that memory is read once for all the numbers.
    """
    if flat.dtype != torch.float32:
        return measure(flat.to(torch.float64, copy=True).numpy())
    elements = _memory(flat)
    lows, highs = [], []
    total = squares = 0.0
    zeros = 0
    for start in range(0, elements.size, _PIECE):
        piece = elements[start : start + _PIECE]
        lows.append(np.minimum.reduce(piece))
        highs.append(np.maximum.reduce(piece))
        total += _sum(piece)
        squares += float(np.dot(piece, piece))
        # Counting a comparison's result is several times faster than counting floats.
        zeros += int(np.count_nonzero(np.equal(piece, _ZERO, _scratch.is_zero[: piece.size])))
    low, high, size = float(np.min(lows)), float(np.max(highs)), elements.size
    mean = total / size
    variance = squares / size - mean * mean
    finite = math.isfinite(low) and math.isfinite(high)
    if not finite or not float32_is_enough(max(-low, high), variance, mean):
        return measure(elements)
    return np.array([mean, variance**0.5, low, high, squares**0.5, zeros / size, 0, 0, 0], np.float32)


class _Scratch(threading.local):
    """Memory for one piece's comparison: asked for anew each time, the system would hand it out page by page."""

    def __init__(self) -> None:
        self.is_zero = np.empty(_PIECE, np.bool_)


_scratch = _Scratch()


def _sum(piece: npt.NDArray[np.float32]) -> float:
    """Adds up lines by matrix product, several times faster than `sum`; the lines of ones stay in the first cache."""
    whole = piece.size - piece.size % _LINE
    lines = np.dot(piece[:whole].reshape(-1, _LINE), _ONES)
    return float(np.add.reduce(lines)) + float(np.add.reduce(piece[whole:]))


class _Memory:
    """Lets numpy read a tensor's memory.

    `Tensor.numpy()` would do that too, but torch refuses to resize a memory ever after it was called.
    """

    def __init__(self, flat: Tensor) -> None:
        self._tensor = flat
        self.__array_interface__ = {
            "data": (flat.data_ptr(), True),
            "shape": (flat.numel(),),
            "strides": (flat.stride(0) * flat.element_size(),),
            "typestr": "<f4" if sys.byteorder == "little" else ">f4",
            "version": 3,
        }


def _memory(flat: Tensor) -> npt.NDArray[np.float32]:
    return np.asarray(_Memory(flat.resolve_neg()))


def measure(flat: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Returns the row of `STATS` for a one-dimensional array of floats, in float64."""
    low, high = float(flat.min()), float(flat.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        return _measure_non_finite(flat)
    zeros = np.count_nonzero(flat == 0) / flat.size
    return _measure_exactly(flat, low, high, zeros)


def float32_is_enough(largest: Any, variance: Any, mean: Any) -> Any:
    """Whether float32 sums carry the numbers of a tensor, or of each of several, with that largest magnitude."""
    return (largest > _TINY) & (largest < _HUGE) & (variance > _NARROW * mean * mean)


def _measure_exactly(flat: npt.NDArray[Any], low: float, high: float, zeros: float) -> npt.NDArray[np.float32]:
    """In float64, scaled so that squares stay in range; the mean is taken off before the spread is measured."""
    scale = max(-low, high)
    if scale == 0:
        return np.array([0, 0, 0, 0, 0, 1, 0, 0, 0], np.float32)
    wide = np.divide(flat, scale, dtype=np.float64)
    mean = wide.mean()
    norm = scale * np.sqrt(np.dot(wide, wide))
    wide -= mean
    std = np.sqrt(np.dot(wide, wide) / wide.size)
    return np.array([scale * mean, scale * std, low, high, norm, zeros, 0, 0, 0], np.float32)


def _measure_non_finite(flat: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Counts NaN and ±Inf exactly and measures the finite rest (NaN where nothing is finite)."""
    nan = np.count_nonzero(np.isnan(flat))
    positive = np.count_nonzero(np.isposinf(flat))
    negative = np.count_nonzero(np.isneginf(flat))
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return np.array([np.nan] * 5 + [0.0, nan, positive, negative], np.float32)
    row = measure(finite)
    row[5] *= finite.size / flat.size
    row[6:] = nan, positive, negative
    return row


# ---- histograms


def sample(flat: Tensor) -> npt.NDArray[Any]:
    """`HISTOGRAM_SAMPLE` elements, evenly strided in memory order, zeros at the end where there are fewer. A copy."""
    found = np.zeros(HISTOGRAM_SAMPLE, np.float32)
    part = flat[:: -(-flat.numel() // HISTOGRAM_SAMPLE)].to(torch.float32, copy=True).numpy()
    found[: part.size] = part
    return found


def histograms(samples: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Counts |x| by power of two, one histogram a row of samples; zeros and non-finite elements count nowhere.

    The power of two is the exponent field of the float32; subnormal numbers fall into the lowest bin.
    """
    rows = len(samples)
    bits = np.asarray(samples, np.float32).view(np.uint32)
    bins = _BIN_OF_EXPONENT[bits >> 23]
    bins[samples == 0] = HISTOGRAM_BINS
    bins += np.arange(rows)[:, None] * (HISTOGRAM_BINS + 1)
    counts = np.bincount(bins.ravel(), minlength=rows * (HISTOGRAM_BINS + 1))
    return counts.reshape(rows, -1)[:, :HISTOGRAM_BINS].astype(np.uint16)


def _bins_of_exponents() -> npt.NDArray[np.intp]:
    """Returns the bin by the sign and exponent bits of a float32; `HISTOGRAM_BINS`: it counts nowhere."""
    exponents = np.arange(256)
    bins = np.clip(exponents - (_BIAS32 + HISTOGRAM_LOWEST), 0, HISTOGRAM_BINS - 1)
    bins[-1] = HISTOGRAM_BINS  # the field is all ones for NaN and Inf
    return np.tile(bins, 2).astype(np.intp)


_BIN_OF_EXPONENT: Final = _bins_of_exponents()

"""Statistics of every value and gradient, cheap enough to take in a training step.

Small CPU tensors are put side by side and reduced together, in float64; large ones are reduced one by one, by the
fastest routine for each number, and again in float64 where float32 would lose it. On an accelerator every reduction
stays on the device, and one copy brings a whole step's numbers back (`device_statistics`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, HISTOGRAM_SAMPLE, STATS
from graphviz_nn.recording.device_statistics import DeviceStatistics

_SMALL: Final = 16_384
"""Elements up to which a tensor is reduced together with others."""
_BATCH: Final = 64
_BATCH_ELEMENTS: Final = 262_144
_TINY_SQUARES: Final = 1e-12
_HUGE_SQUARES: Final = 1e15
"""Outside these magnitudes the float32 sum of squares of a tensor may underflow or overflow."""

Row = tuple[str, int]


class Statistics:
    """Collects rows of statistics and histograms, by table name and row number.

    `add` may keep the tensor for a while; `flush` must come before anything writes to its memory.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, npt.NDArray[np.float32]]] = {}
        self.histograms: dict[str, dict[int, npt.NDArray[np.uint16]]] = {}
        self._pending: list[tuple[Row, npt.NDArray[Any]]] = []
        self._pending_elements = 0
        self._samples: list[tuple[Row, npt.NDArray[Any]]] = []
        self._device = DeviceStatistics()

    def add(self, table: str, row: int, tensor: Tensor) -> None:
        """Measures the tensor, now or at the next `flush`. Must not be called while a mode records."""
        with torch.no_grad():
            if tensor.device.type != "cpu":
                if tensor.device.type != "meta":
                    self._device.add((table, row), tensor)
                return
            array = elements(tensor)
        if array is None or not array.size:
            return
        if array.size > _SMALL:
            self._store((table, row), measure(array))
            self._samples.append(((table, row), sample(array)))
            return
        self._pending.append(((table, row), array))
        self._pending_elements += array.size
        if len(self._pending) >= _BATCH or self._pending_elements >= _BATCH_ELEMENTS:
            self.flush()

    def flush(self) -> None:
        """Measures what is pending."""
        self._device.flush()
        if not self._pending:
            return
        pending, self._pending, self._pending_elements = self._pending, [], 0
        for dtype in {array.dtype for _, array in pending}:
            group = [(row, array) for row, array in pending if array.dtype == dtype]
            self._measure_together(group)

    def finish(self) -> None:
        """Measures everything that is left and brings back what is on a device (the one synchronisation)."""
        self.flush()
        self._take_histograms(self._samples)
        self._samples = []
        for row, numbers, histogram in self._device.collect():
            self._store(row, numbers)
            self.histograms.setdefault(row[0], {})[row[1]] = histogram

    def start_copy(self) -> None:
        """Begins the copy of a step's numbers from the device, without waiting for it."""
        self._device.start_copy()

    def table(self, name: str, count: int) -> npt.NDArray[np.float32] | None:
        """The table with `count` rows, NaN where nothing was measured; None where it would be all NaN."""
        rows = self.rows.get(name)
        if not rows:
            return None
        result = np.full((count, len(STATS)), np.nan, np.float32)
        index = np.fromiter(rows, np.int64, len(rows))
        keep = index < count
        result[index[keep]] = np.stack(list(rows.values()))[keep]
        return result

    def histogram_table(self, name: str, count: int) -> npt.NDArray[np.uint16] | None:
        """The histogram table with `count` rows, or None where there is none."""
        rows = self.histograms.get(name)
        if not rows:
            return None
        result = np.zeros((count, HISTOGRAM_BINS), np.uint16)
        for row, histogram in rows.items():
            if row < count:
                result[row] = histogram
        return result

    def _store(self, row: Row, numbers: npt.NDArray[np.float32]) -> None:
        self.rows.setdefault(row[0], {})[row[1]] = numbers

    def _measure_together(self, group: list[tuple[Row, npt.NDArray[Any]]]) -> None:
        arrays = [array for _, array in group]
        sizes = np.array([array.size for array in arrays])
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        # ravel(order="K") copies only what is not dense, and the order of elements does not matter here.
        together = np.concatenate([array.ravel(order="K") for array in arrays])
        numbers = _reduce(together, starts, sizes)
        for (row, array), line in zip(group, numbers, strict=True):
            if not np.isfinite(line[2]) or not np.isfinite(line[3]):
                line = measure(array)
            self._store(row, line)
        self._samples.extend((row, sample(array)) for row, array in group)
        if len(self._samples) >= 4 * _BATCH:
            self._take_histograms(self._samples)
            self._samples = []

    def _take_histograms(self, samples: list[tuple[Row, npt.NDArray[Any]]]) -> None:
        if not samples:
            return
        lengths = [part.size for _, part in samples]
        together = np.concatenate([np.asarray(part, np.float64) for _, part in samples])
        owner = np.repeat(np.arange(len(samples)), lengths)
        counts = histograms(together, owner, len(samples))
        for ((table, row), _), line in zip(samples, counts, strict=True):
            self.histograms.setdefault(table, {})[row] = line


def elements(tensor: Tensor) -> npt.NDArray[Any] | None:
    """Returns the elements as a numpy array of a floating dtype that shares memory where it can; None: no elements.

    Complex numbers are measured by magnitude, bfloat16 and float8 as float32, integers and booleans as float64.
    """
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__ or tensor.is_nested:
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
    if plain.is_neg():
        plain = plain.resolve_neg()
    return plain.as_subclass(Tensor).numpy()


def measure(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Returns the row of `STATS` for one array of floats, of any size."""
    flat = array.ravel(order="K")
    low, high = float(flat.min()), float(flat.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return _measure_non_finite(flat)
    zeros = 1.0 - np.count_nonzero(flat != 0) / flat.size
    largest = max(-low, high)
    total = float(torch.from_numpy(flat).sum(dtype=torch.float64)) if flat.dtype != np.float32 else _sum32(flat)
    squares = float(np.dot(flat, flat))
    mean = total / flat.size
    variance = squares / flat.size - mean * mean
    ranged = largest == 0 or _TINY_SQUARES < largest < _HUGE_SQUARES
    # float32 sums carry about 1e-6 of their size: not enough where the mean is far larger than the spread.
    if flat.dtype == np.float32 and not (ranged and variance > 1e-3 * mean * mean):
        return _measure_exactly(flat, low, high, zeros)
    return np.array([mean, max(variance, 0.0) ** 0.5, low, high, squares**0.5, zeros, 0, 0, 0], np.float32)


def _sum32(flat: npt.NDArray[Any]) -> float:
    return float(torch.from_numpy(flat).sum())


def _measure_exactly(flat: npt.NDArray[Any], low: float, high: float, zeros: float) -> npt.NDArray[np.float32]:
    wide = flat.astype(np.float64)
    scale = max(-low, high) or 1.0
    wide /= scale
    mean = wide.mean()
    norm = scale * np.sqrt(np.dot(wide, wide))
    return np.array([scale * mean, scale * wide.std(), low, high, norm, zeros, 0, 0, 0], np.float32)


def _measure_non_finite(flat: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Counts NaN and ±Inf exactly and measures the finite rest (NaN where nothing is finite)."""
    nan = np.count_nonzero(np.isnan(flat))
    positive = np.count_nonzero(np.isposinf(flat))
    negative = np.count_nonzero(np.isneginf(flat))
    finite = flat[np.isfinite(flat)]
    counts = [nan, positive, negative]
    if not finite.size:
        return np.array([np.nan] * 5 + [0.0, *counts], np.float32)
    row = measure(finite)
    row[5] *= finite.size / flat.size
    row[6:] = counts
    return row


def _reduce(together: npt.NDArray[Any], starts: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Rows of `STATS` for consecutive segments of one array, in float64."""
    low = np.minimum.reduceat(together, starts)
    high = np.maximum.reduceat(together, starts)
    with np.errstate(all="ignore"):  # a segment that is not finite is measured again by itself
        wide = together.astype(np.float64)
        mean = np.add.reduceat(wide, starts) / sizes
        squares = np.add.reduceat(np.square(wide), starts)
        variance = np.maximum(squares / sizes - mean * mean, 0)
        zeros = np.add.reduceat((together == 0).view(np.uint8), starts, dtype=np.int64) / sizes
        rows = np.stack([mean, np.sqrt(variance), low, high, np.sqrt(squares), zeros], axis=1).astype(np.float32)
    return np.concatenate([rows, np.zeros((len(sizes), 3), np.float32)], axis=1)


def sample(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """At most `HISTOGRAM_SAMPLE` elements, evenly strided in memory order. A copy: the array may change later."""
    flat = array.ravel(order="K")
    stride = -(-flat.size // HISTOGRAM_SAMPLE)
    return flat[::stride].copy()


def histograms(values: npt.NDArray[Any], owner: npt.NDArray[Any], count: int) -> npt.NDArray[np.uint16]:
    """Counts |values| by power of two, one histogram an owner (0 … count − 1); zeros and non-finite count nowhere."""
    counted = np.isfinite(values) & (values != 0)
    _, exponent = np.frexp(values[counted])  # |x| = m · 2^exponent with 1/2 ≤ m < 1
    bins = np.clip(exponent - 1 - HISTOGRAM_LOWEST, 0, HISTOGRAM_BINS - 1)
    flat = np.bincount(owner[counted] * HISTOGRAM_BINS + bins, minlength=count * HISTOGRAM_BINS)
    return flat.reshape(count, HISTOGRAM_BINS).astype(np.uint16)

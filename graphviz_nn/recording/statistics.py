"""Statistics of every value and gradient, cheap enough to take in a training step.

Small CPU tensors are put side by side and reduced together; large ones are reduced one by one, by the fastest routine
for each number. Where float32 would lose a number (squares that underflow, a mean far larger than the spread) that
tensor is reduced again in float64 (`graphviz_nn.recording.measure`). On an accelerator every reduction stays on the
device, and one copy brings a whole step's numbers back (`graphviz_nn.recording.device_statistics`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import Parameter

from graphviz_nn.model.stats import HISTOGRAM_BINS, STATS
from graphviz_nn.recording.device_statistics import DeviceStatistics
from graphviz_nn.recording.identity import storage_key
from graphviz_nn.recording.measure import (
    elements,
    flatten,
    histograms,
    is_dense,
    measure_tensor,
    sample,
)
from graphviz_nn.recording.segments import LARGEST_SEGMENT, measure_segments

_BATCH: Final = 128
_BATCH_ELEMENTS: Final = 262_144

Row = tuple[str, int]
_FLOAT32: Final = torch.float32
_unrecorded = torch._C.DisableTorchFunction
_STRIDED: Final = torch.strided


class Statistics:
    """Collects rows of statistics and histograms, by table name and row number.

    `add` may keep a view of the tensor for a while; `before_write` must come before anything writes to its memory.
    """

    def __init__(self) -> None:
        self._pending: list[Tensor] = []
        self._pending_rows: list[tuple[str, int, int]] = []
        self._pending_places: dict[tuple[int, int], int] = {}
        self._pending_storages: dict[int, list[int]] = {}
        self._located = 0
        self._pending_elements = 0
        self._samples: list[tuple[Row, npt.NDArray[Any]]] = []
        self._blocks: list[tuple[str, list[int], npt.NDArray[np.float32], npt.NDArray[np.uint16] | None]] = []
        self._histograms: list[tuple[str, int, npt.NDArray[np.uint16]]] = []
        self._measured: dict[int, tuple[Any, tuple[int, ...], npt.NDArray[np.float32], npt.NDArray[Any]]] = {}
        self._device = DeviceStatistics()

    def add(self, table: str, row: int, tensor: Tensor) -> None:
        """Measures a tensor that is not nested, now or at the next `flush`. Not to be called while a mode records."""
        form = type(tensor)
        if (form is Tensor or form is Parameter) and tensor.dtype is _FLOAT32 and tensor.is_cpu:
            # A gradient comes detached; a value is only read before its memory is written, so it needs no alias.
            plain = tensor if tensor.layout is _STRIDED else tensor.detach().to_dense()
        elif tensor.is_cpu:
            found = elements(tensor)
            if found is None:
                return
            plain = found
        else:
            if not tensor.is_meta:
                self._device.add((table, row), tensor)
            return
        size = plain.numel()
        if not size:
            return
        if size > LARGEST_SEGMENT:
            self._add_large(table, row, plain.detach())
            return
        # A view or a gradient that is passed on has the same elements as one that already waits.
        # One element may be another's negative: a conjugate's imaginary part shares the memory.
        shared = size > 1 and plain.is_contiguous()
        key = (plain.data_ptr() if shared else -len(self._pending) - 1, size)
        place = self._pending_places.get(key)
        if place is None:
            place = self._pending_places[key] = len(self._pending)
            self._pending.append(plain)
            self._pending_elements += size
        self._pending_rows.append((table, row, place))
        if len(self._pending) >= _BATCH or self._pending_elements >= _BATCH_ELEMENTS:
            self.flush()

    def before_write(self, tensors: list[Tensor]) -> None:
        """A call may write to these tensors' memory: what waits there is copied first."""
        self._device.flush()
        if not self._pending:
            return
        self._locate()
        for tensor in tensors:
            key = storage_key(tensor)
            for place in self._pending_storages.pop(key, ()) if key is not None else ():
                self._pending[place] = self._pending[place].detach().clone()
                # What comes later at this address has other elements.
                self._pending_places = {k: p for k, p in self._pending_places.items() if p != place}

    def _locate(self) -> None:
        """Notes whose memory it is that the newest pending tensors look at: nobody asks in a program without writes."""
        pending = self._pending
        for place in range(self._located, len(pending)):
            self._pending_storages.setdefault(pending[place].untyped_storage()._cdata, []).append(place)
        self._located = len(pending)

    def flush(self) -> None:
        """Measures what is pending."""
        self._device.flush()
        if not self._pending:
            return
        # A norm may overflow float32, and a program may have told numpy to raise at that.
        with torch.no_grad(), _unrecorded(), np.errstate(all="ignore"):
            self._measure_pending()

    def _measure_pending(self) -> None:
        pending, rows = self._pending, self._pending_rows
        self._pending, self._pending_rows, self._pending_elements = [], [], 0
        self._pending_places, self._pending_storages, self._located = {}, {}, 0
        numbers = np.empty((len(pending), len(STATS)), np.float32)
        counts = np.empty((len(pending), HISTOGRAM_BINS), np.uint16)
        dtypes = {tensor.dtype for tensor in pending}
        for dtype in dtypes:
            places = [k for k, tensor in enumerate(pending) if tensor.dtype == dtype] if len(dtypes) > 1 else None
            group = pending if places is None else [pending[k] for k in places]
            index = slice(None) if places is None else places
            numbers[index], counts[index] = _measure_dense(group)
        self._store(rows, numbers, counts)

    def finish(self) -> None:
        """Measures everything that is left and brings back what is on a device (the one synchronisation)."""
        self.flush()
        self._measured.clear()
        self._count_samples()
        for (table, row), line, histogram in self._device.collect():
            self._blocks.append((table, [row], line[None], histogram[None]))

    def start_copy(self) -> None:
        """Begins the copy of a step's numbers from the device, without waiting for it."""
        self._device.start_copy()

    def table(self, name: str, count: int) -> npt.NDArray[np.float32] | None:
        """The table with `count` rows, NaN where nothing was measured; None where nothing was measured at all."""
        result = None
        for table, rows, numbers, _ in self._blocks:
            if table == name:
                if result is None:
                    result = np.full((count, len(STATS)), np.nan, np.float32)
                result[rows] = numbers
        return result

    def histogram_table(self, name: str, count: int) -> npt.NDArray[np.uint16] | None:
        """The histogram table with `count` rows, or None where nothing was counted."""
        result = np.zeros((count, HISTOGRAM_BINS), np.uint16)
        found = False
        for table, rows, _, counts in self._blocks:
            if table == name and counts is not None:
                result[rows] = counts
                found = True
        for table, row, line in self._histograms:
            if table == name:
                result[row] = line
                found = True
        return result if found else None

    def _add_large(self, table: str, row: int, tensor: Tensor) -> None:
        if tensor.is_nested:
            return
        storage = tensor.untyped_storage()
        known = self._measured.get(storage._cdata)
        # Dense in whatever order of dimensions: a transposed view has the same elements.
        contents = (tensor.data_ptr(), tensor.numel(), _version(tensor), tensor.is_contiguous() or is_dense(tensor))
        if known is None or known[1] != contents or not contents[-1]:
            flat = flatten(tensor)
            with np.errstate(all="ignore"):
                numbers = measure_tensor(flat)[None]
            # The weak reference keeps the storage's address from being reused.
            known = self._measured[storage._cdata] = (StorageWeakRef(storage), contents, numbers, sample(flat))  # type: ignore[no-untyped-call]
        self._blocks.append((table, [row], known[2], None))
        self._samples.append(((table, row), known[3]))
        if len(self._samples) >= _BATCH:
            self._count_samples()

    def _count_samples(self) -> None:
        samples, self._samples = self._samples, []
        if not samples:
            return
        counts = histograms(np.stack([part for _, part in samples]))
        self._histograms.extend((table, row, line) for ((table, row), _), line in zip(samples, counts, strict=True))

    def _store(
        self, rows: list[tuple[str, int, int]], numbers: npt.NDArray[np.float32], counts: npt.NDArray[np.uint16]
    ) -> None:
        for name in {table for table, _, _ in rows}:
            here = [(row, place) for table, row, place in rows if table == name]
            places = [place for _, place in here]
            self._blocks.append((name, [row for row, _ in here], numbers[places], counts[places]))


def _version(tensor: Tensor) -> int:
    """Counts the writes to a tensor's memory; an inference tensor does not, so no two are taken for the same."""
    try:
        return tensor._version
    except RuntimeError:
        return -id(tensor)


def _measure_dense(tensors: list[Tensor]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]:
    """Measures the tensors together; NaN and zeros for nested ones, which are not asked for where there are none."""
    try:
        return measure_segments(tensors)
    except RuntimeError:
        dense = [place for place, tensor in enumerate(tensors) if not tensor.is_nested]
        if len(dense) == len(tensors):
            raise
    numbers = np.full((len(tensors), len(STATS)), np.nan, np.float32)
    counts = np.zeros((len(tensors), HISTOGRAM_BINS), np.uint16)
    if dense:
        numbers[dense], counts[dense] = measure_segments([tensors[place] for place in dense])
    return numbers, counts

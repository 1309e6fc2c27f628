"""Statistics of tensors on an accelerator: reductions queued on the device, one copy back a step.

Nothing here waits for the device until `collect`, which the recorder calls after the step, when the copy that
`start_copy` queued has usually long arrived.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, HISTOGRAM_SAMPLE
from graphviz_nn.recording.distributed import local_part

_BATCH: Final = 64
_BATCH_BYTES: Final = 256 * 2**20
_INF: Final = float("inf")

Row = tuple[str, int]
Result = tuple[Row, npt.NDArray[np.float32], npt.NDArray[np.uint16]]


class DeviceStatistics:
    """Collects statistics of tensors that are not on the CPU. The device is the tensors' own."""

    def __init__(self) -> None:
        self._pending: list[tuple[Row, Tensor]] = []
        self._pending_bytes = 0
        self._blocks: list[tuple[list[tuple[Row, int]], Tensor, Tensor]] = []
        self._copied = False

    def add(self, row: Row, tensor: Tensor) -> None:
        """Queues one tensor; it is kept until the batch is full or `flush` is called."""
        plain = _plain(tensor)
        if plain is None or not plain.numel():
            return
        self._pending.append((row, plain))
        self._pending_bytes += plain.numel() * plain.element_size()
        if len(self._pending) >= _BATCH or self._pending_bytes >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Queues the reductions of what is pending on its device."""
        if not self._pending:
            return
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        for device in {tensor.device for _, tensor in pending}:
            group = [(row, tensor) for row, tensor in pending if tensor.device == device]
            tensors = [tensor for _, tensor in group]
            with torch.no_grad():
                numbers = _reduce(tensors)
                counts = _histograms(tensors)
            self._blocks.append(([(row, tensor.numel()) for row, tensor in group], numbers, counts))

    def start_copy(self) -> None:
        """Queues the copy of all numbers to pinned host memory."""
        self.flush()
        with torch.no_grad():
            self._blocks = [(rows, to_host(numbers), to_host(counts)) for rows, numbers, counts in self._blocks]
        self._copied = True

    def collect(self) -> list[Result]:
        """Waits for the copy and returns each row's numbers and histogram."""
        if not self._copied:
            self.start_copy()
        if self._blocks and torch.cuda.is_available():
            torch.cuda.synchronize()
        results = [result for block in self._blocks for result in _unpack(*block)]
        self._blocks, self._copied = [], False
        return results


def _plain(tensor: Tensor) -> Tensor | None:
    tensor = local_part(tensor)
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__ or tensor.is_nested:
        return None
    plain = tensor.detach()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    if plain.is_complex():
        plain = plain.abs()
    if not plain.is_floating_point():
        return plain.to(torch.float64)
    # The squares of half-precision numbers are beyond their own range and accuracy.
    return plain if plain.element_size() >= 4 else plain.to(torch.float32)


def _reduce(tensors: list[Tensor]) -> Tensor:
    """[n, 9] float64: scale, mean and variance of the scaled elements, then min, max, non-zeros, NaN, +Inf, −Inf.

    The scale is the largest finite magnitude, so that squares neither underflow nor overflow in float32; elements that
    are not finite count as 0 in mean and variance, which `_row` takes out again.
    """
    lines = []
    for tensor in tensors:
        low = torch.nan_to_num(tensor, nan=_INF, posinf=_INF, neginf=_INF).amin()
        high = torch.nan_to_num(tensor, nan=-_INF, posinf=-_INF, neginf=-_INF).amax()
        scale = torch.nan_to_num(torch.maximum(high, -low), neginf=1.0).clamp_(min=torch.finfo(tensor.dtype).tiny)
        scaled = torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0).div_(scale)
        variance, mean = torch.var_mean(scaled, correction=0)
        nonzero = torch.count_nonzero(tensor)
        nan = torch.count_nonzero(torch.isnan(tensor))
        positive = torch.count_nonzero(tensor == _INF)
        negative = torch.count_nonzero(tensor == -_INF)
        numbers = (scale, mean, variance, low, high, nonzero, nan, positive, negative)
        lines.append(torch.stack([number.double() for number in numbers]))
    return torch.stack(lines)


def _histograms(tensors: list[Tensor]) -> Tensor:
    """[n, bins] int32 counts of a strided sample, by power of two."""
    lines = []
    for tensor in tensors:
        flat = tensor.reshape(-1)
        part = flat[:: -(-flat.numel() // HISTOGRAM_SAMPLE)].double()
        _, exponent = torch.frexp(part)
        counted = torch.isfinite(part) & (part != 0)
        bins = (exponent.long() - 1 - HISTOGRAM_LOWEST).clamp(0, HISTOGRAM_BINS - 1)
        line = torch.zeros(HISTOGRAM_BINS, dtype=torch.int32, device=tensor.device)
        lines.append(line.scatter_add_(0, bins, counted.to(torch.int32)))
    return torch.stack(lines)


def to_host(tensor: Tensor) -> Tensor:
    """Returns the tensor on the CPU; from a CUDA device the copy is only queued, into pinned memory."""
    if tensor.device.type == "cpu":
        return tensor
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.device.type == "cuda")
    return host.copy_(tensor, non_blocking=True)


def _unpack(rows: list[tuple[Row, int]], numbers: Tensor, counts: Tensor) -> list[Result]:
    results: list[Result] = []
    for (row, size), line, histogram in zip(rows, numbers.numpy(), counts.numpy(), strict=True):
        results.append((row, _row(line, size), histogram.astype(np.uint16)))
    return results


def _row(line: Any, size: int) -> npt.NDArray[np.float32]:
    scale, mean, variance, low, high, nonzero, nan, positive, negative = (float(x) for x in line)
    finite = size - nan - positive - negative
    if finite <= 0:
        return np.array([np.nan] * 5 + [0.0, nan, positive, negative], np.float32)
    square = variance + mean * mean
    if finite < size:
        share = size / finite
        mean, square = mean * share, square * share
        variance = max(square - mean * mean, 0.0)
    norm = (square * finite) ** 0.5
    zeros = (size - nonzero) / size
    numbers = [scale * mean, scale * variance**0.5, low, high, scale * norm, zeros, nan, positive, negative]
    with np.errstate(over="ignore"):  # the norm of huge float64 numbers is infinite as float32
        return np.array(numbers, np.float32)

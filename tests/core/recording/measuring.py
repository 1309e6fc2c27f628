"""Measures tensors by the recorder's own means, and by plain float64 arithmetic to compare with."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, HISTOGRAM_SAMPLE, STATS
from graphviz_nn.recording.device_statistics import DeviceStatistics
from graphviz_nn.recording.statistics import Statistics

LARGE = 40_000
"""Elements of a tensor that is measured by itself; small ones are measured side by side."""


def normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(dtype)


def reference(tensor: Tensor) -> dict[str, float]:
    """The nine numbers by their definition, of the finite elements (zeros: of all), in float64."""
    if tensor.is_complex():
        tensor = tensor.abs()
    values = tensor.to_dense().double().numpy().ravel() if tensor.is_sparse else tensor.double().numpy().ravel()
    counts = {"nan": np.isnan(values).sum(), "posinf": np.isposinf(values).sum(), "neginf": np.isneginf(values).sum()}
    zeros = float((values == 0).mean())
    finite = values[np.isfinite(values)]
    if not finite.size:
        return {**dict.fromkeys(STATS[:5], math.nan), "zeros": 0.0, **{k: float(v) for k, v in counts.items()}}
    scale = np.abs(finite).max() or 1.0
    return {
        "mean": finite.mean(),
        "std": (finite / scale).std() * scale,
        "min": finite.min(),
        "max": finite.max(),
        "l2": np.linalg.norm(finite / scale) * scale,
        "zeros": zeros,
        **{name: float(count) for name, count in counts.items()},
    }


def reference_histogram(values: Tensor) -> list[int]:
    """Counts by power of two, one element after another."""
    found = [0] * HISTOGRAM_BINS
    stride = -(-values.numel() // HISTOGRAM_SAMPLE)
    for value in values.reshape(-1)[::stride].tolist():
        if value and math.isfinite(value):
            found[min(max(math.frexp(abs(value))[1] - 1 - HISTOGRAM_LOWEST, 0), HISTOGRAM_BINS - 1)] += 1
    return found


def measured(*tensors: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Rows and histograms of tensors measured together."""
    statistics = Statistics()
    for row, tensor in enumerate(tensors):
        statistics.add("output", row, tensor)
    statistics.finish()
    return statistics.table("output", len(tensors)), statistics.histogram_table("output", len(tensors))


def measured_on_device(*tensors: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The same by the reductions that an accelerator runs."""
    statistics = DeviceStatistics()
    for row, tensor in enumerate(tensors):
        statistics.add(("output", row), tensor)
    results = sorted(statistics.collect(), key=lambda result: result[0])
    return np.stack([row for _, row, _ in results]), np.stack([histogram for _, _, histogram in results])


def assert_agrees(row: np.ndarray, tensor: Tensor, accuracy: float = 2e-5) -> None:
    expected = reference(tensor)
    spread = max(abs(expected["min"]), abs(expected["max"]))
    for name, value in zip(STATS, row.tolist(), strict=True):
        # What cancels, as the mean of a centred tensor does, is good to a share of the elements it came from.
        exact = name in ("zeros", "nan", "posinf", "neginf")
        margin = 1e-6 if exact else 1e-6 * spread
        assert value == pytest.approx(expected[name], rel=accuracy, abs=margin, nan_ok=True), name


MEASURES = [measured, measured_on_device]
both = pytest.mark.parametrize("measure", MEASURES, ids=["cpu", "device"])
sizes = pytest.mark.parametrize("size", [1, 7, 1000, LARGE])
Measure = Callable[..., tuple[np.ndarray, np.ndarray]]

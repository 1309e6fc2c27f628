"""A tensor whose elements are all alike has exact statistics, also among others that are measured with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphviz_nn.model.stats import Stats
from graphviz_nn.recording.segments import measure_segments


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 0.1, -3.5, 1e-30, -1e-44, 3e36])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_its_numbers_are_those_of_its_value(value: float, size: int):
    other = torch.linspace(-1, 1, 11)
    rows, _ = measure_segments([other, torch.full((size,), value), other])
    exact = np.float64(np.float32(value))
    found = Stats(*rows[1].tolist())
    assert (found.mean, found.std, found.min, found.max) == (exact, 0, exact, exact)
    assert found.l2 == pytest.approx(abs(exact) * np.sqrt(size), rel=1e-7)
    assert (found.zeros, found.nan, found.posinf, found.neginf) == (float(value == 0), 0, 0, 0)
    assert rows[0].tolist() == rows[2].tolist()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_counted(value: float):
    row = measure_segments([torch.full((5,), value)])[0][0]
    assert np.isnan(row[:5]).all()
    assert row[6:].tolist() == [5 * np.isnan(value), 5 * (value == np.inf), 5 * (value == -np.inf)]


def test_many_tensors_are_measured_as_each_by_itself():
    """More elements than are looked at together, and one tensor that has to be measured again in float64."""
    torch.manual_seed(0)
    tensors = [torch.randn(1 + 397 * k) for k in range(30)]
    tensors[21][5] = torch.inf
    tensors[22] += 1e6
    tensors[23][::3] = 0
    rows, histograms = measure_segments(tensors)
    for k, tensor in enumerate(tensors):
        row, histogram = measure_segments([tensor])
        assert np.array_equal(rows[k], row[0])
        assert np.array_equal(histograms[k], histogram[0])
    assert rows[21].tolist()[6:] == [0, 1, 0]
    assert rows[22][1] == pytest.approx(tensors[22].double().std(correction=0).item(), rel=1e-6)
    assert rows[23][5] == pytest.approx(1 / 3, abs=1e-3)


def test_the_memory_of_a_tensor_that_waits_alone_can_still_be_resized():
    tensor = torch.ones(4)
    measure_segments([tensor])
    tensor.untyped_storage().resize_(64)
    assert tensor.untyped_storage().nbytes() == 64

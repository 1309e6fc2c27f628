"""A tensor whose elements are all alike has exact statistics, also among others that are measured with it."""

from __future__ import annotations

import numpy as np
import pytest

from graphviz_nn.model.stats import Stats
from graphviz_nn.recording.measure import measure_segments


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 0.1, -3.5, 1e-30, -1e-44, 3e36])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_its_numbers_are_those_of_its_value(value: float, size: int):
    other = np.linspace(-1, 1, 11, dtype=np.float32)
    constant = np.full(size, value, np.float32)
    rows = measure_segments(np.concatenate([other, constant, other]), np.array([11, size, 11]))
    exact = np.float64(np.float32(value))
    found = Stats(*rows[1].tolist())
    assert (found.mean, found.std, found.min, found.max) == (exact, 0, exact, exact)
    assert found.l2 == pytest.approx(abs(exact) * np.sqrt(size), rel=1e-7)
    assert (found.zeros, found.nan, found.posinf, found.neginf) == (float(value == 0), 0, 0, 0)
    assert rows[0].tolist() == rows[2].tolist()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_counted(value: float):
    row = measure_segments(np.full(5, value, np.float32), np.array([5]))[0]
    assert np.isnan(row[:5]).all()
    assert row[6:].tolist() == [5 * np.isnan(value), 5 * (value == np.inf), 5 * (value == -np.inf)]

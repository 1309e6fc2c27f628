"""Merged statistics are those of all elements together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphviz_nn.model.stats import STATS
from graphviz_nn.store.merge import merge


def measure(elements: np.ndarray) -> list[float]:
    """The nine numbers of `STATS`, straight from their definitions."""
    finite = elements[np.isfinite(elements)]
    counts = [np.isnan(elements).sum(), (elements == math.inf).sum(), (elements == -math.inf).sum()]
    zeros = (elements == 0).mean()
    if not finite.size:
        return [math.nan] * 5 + [zeros, *counts]
    numbers = [finite.mean(), finite.std(), finite.min(), finite.max(), np.sqrt((finite**2).sum())]
    return [*numbers, zeros, *counts]


ELEMENTS = st.one_of(
    st.floats(-1e6, 1e6, allow_subnormal=False), st.sampled_from([0.0, 0.0, math.nan, math.inf, -math.inf])
)


@given(st.lists(st.lists(ELEMENTS, min_size=1, max_size=20), min_size=1, max_size=4))
def test_merged_parts_are_the_whole(parts):
    arrays = [np.array(part) for part in parts]
    numbers = np.array([[measure(array)] for array in arrays])
    counts = np.array([[float(array.size)] for array in arrays])
    expected = np.array(measure(np.concatenate(arrays)))
    scale = max(1.0, float(np.nanmax(np.abs(expected[:5]), initial=0.0)))
    np.testing.assert_allclose(merge(numbers, counts)[0], expected, rtol=1e-9, atol=1e-7 * scale)


def test_a_large_common_mean_does_not_drown_the_spread():
    parts = [1e6 + np.array([0.0, 1.0]), 1e6 + np.array([2.0, 3.0])]
    merged = merge(np.array([[measure(part)] for part in parts]), np.full((2, 1), 2.0))[0]
    assert merged[STATS.index("std")] == pytest.approx(np.std([0, 1, 2, 3]), rel=1e-9)


def test_what_one_rank_did_not_measure_is_not_measured():
    numbers = np.array([[measure(np.ones(3))] * 2, [measure(np.ones(3)), [math.nan] * 9]])
    merged = merge(numbers, np.full((2, 2), 3.0))
    assert merged[0, 0] == 1.0
    assert np.isnan(merged[1]).all()

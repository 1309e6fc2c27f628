"""Histograms over powers of two against a loop over the elements."""

from __future__ import annotations

import math

import pytest
import torch

from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, HISTOGRAM_SAMPLE
from tests.core.recording.measuring import (
    LARGE,
    Measure,
    both,
    normal,
    reference_histogram,
)


@both
@pytest.mark.parametrize("size", [1, HISTOGRAM_SAMPLE, HISTOGRAM_SAMPLE + 1, 1000, LARGE])
@pytest.mark.parametrize("spread", [0.0, 3.0, 60.0])
def test_histograms_count_a_strided_sample_by_power_of_two(measure: Measure, size: int, spread: float):
    tensor = normal(size) * torch.exp2(spread * normal(size).flip(0))
    tensor[::5] = 0
    assert measure(tensor)[1][0].tolist() == reference_histogram(tensor)


@both
def test_powers_of_two_open_their_own_bin(measure: Measure):
    exponents = range(HISTOGRAM_LOWEST, HISTOGRAM_LOWEST + HISTOGRAM_BINS)
    tensor = torch.tensor([math.ldexp(1.0, exponent) for exponent in exponents])
    assert measure(tensor)[1][0].tolist() == [1] * HISTOGRAM_BINS
    assert measure(-tensor * 1.9375)[1][0].tolist() == [1] * HISTOGRAM_BINS


@both
def test_magnitudes_beyond_the_ends_count_in_the_end_bins(measure: Measure):
    histogram = measure(torch.tensor([1e-30, -1e-40, 1e30, 3e38, 0.0, math.nan, math.inf]))[1][0]
    assert (histogram[0], histogram[-1], histogram.sum()) == (2, 2, 4)

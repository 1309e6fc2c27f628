"""Statistics and histograms against plain float64 arithmetic, over dtypes, layouts, magnitudes and sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from graphviz_nn.model.stats import STATS
from graphviz_nn.recording.statistics import Statistics
from tests.core.recording.measuring import (
    LARGE,
    Measure,
    assert_agrees,
    both,
    measured,
    measured_on_device,
    normal,
    reference_histogram,
    sizes,
)

# ---- dtypes

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@both
@sizes
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_floating_dtypes(measure: Measure, dtype: torch.dtype, size: int):
    tensor = normal(size, dtype=dtype)
    assert_agrees(measure(tensor)[0][0], tensor)


@both
@sizes
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_are_measured_as_numbers(measure: Measure, dtype: torch.dtype, size: int):
    tensor = (torch.arange(size) % 100).to(dtype)
    assert_agrees(measure(tensor)[0][0], tensor)


@both
@sizes
def test_booleans_are_zeros_and_ones(measure: Measure, size: int):
    tensor = torch.arange(size) % 3 == 0
    assert_agrees(measure(tensor)[0][0], tensor)


@both
@sizes
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
def test_complex_numbers_are_measured_by_magnitude(measure: Measure, dtype: torch.dtype, size: int):
    tensor = torch.complex(normal(size, dtype=torch.float64), normal(size, dtype=torch.float64) + 1).to(dtype)
    assert_agrees(measure(tensor)[0][0], tensor)


# ---- layouts

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(1, 3),
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "strided": lambda x: x[:, :, ::2, 1::3],
    "a column": lambda x: x[..., 1],
    "expanded": lambda x: x[:, :, :1].expand(-1, -1, 50, -1),
    "flipped": lambda x: x.flip(0).t() if x.dim() == 2 else x.flip(0),
    "overlapping": lambda x: x.reshape(-1).unfold(0, 5, 2),
    "sparse": lambda x: x.to_sparse(),
    "csr": lambda x: x.reshape(-1, x.shape[-1]).to_sparse_csr(),
    "imaginary part": lambda x: torch.complex(x, -x).imag,
    "conjugate's imaginary part": lambda x: torch.complex(x, x * 2).conj().imag,
    "one element": lambda x: x.reshape(-1)[3],
}


@both
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
@pytest.mark.parametrize("height", [6, 120])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(measure: Measure, layout: str, height: int):
    tensor = LAYOUTS[layout](normal(2, 3, height, height))
    expected = tensor.to_dense() if tensor.layout != torch.strided else tensor
    assert_agrees(measure(tensor)[0][0], expected)


def test_an_empty_tensor_is_not_measured():
    rows, _ = measured(torch.empty(0, 3), torch.ones(2))
    assert np.isnan(rows[0]).all()
    assert rows[1][0] == 1
    assert measured_on_device(torch.empty(0, 3), torch.ones(2))[0].shape == (1, len(STATS))


# ---- magnitudes


@both
@sizes
@pytest.mark.parametrize("magnitude", [1e-38, 1e-30, 1e-20, 1e-8, 1.0, 1e8, 1e20, 1e30])
def test_magnitudes_whose_squares_leave_float32(measure: Measure, size: int, magnitude: float):
    tensor = normal(size) * magnitude
    row = measure(tensor)[0][0]
    assert row[STATS.index("l2")] > 0
    assert_agrees(row, tensor)


@both
@pytest.mark.parametrize("size", [1000, LARGE])
def test_one_large_element_among_tiny_ones(measure: Measure, size: int):
    tensor = normal(size) * 1e-25
    tensor[size // 2] = 1e25
    assert_agrees(measure(tensor)[0][0], tensor)


@both
@pytest.mark.parametrize("size", [1000, LARGE])
@pytest.mark.parametrize("mean", [1e2, 1e4, -1e6])
def test_a_mean_far_above_the_spread(measure: Measure, size: int, mean: float):
    tensor = normal(size) + mean
    row = measure(tensor)[0][0]
    assert_agrees(row, tensor)
    assert row[STATS.index("std")] == pytest.approx(tensor.double().std(correction=0).item(), rel=5e-3)


@both
@sizes
@pytest.mark.parametrize("constant", [0.0, -0.0, 1.0, -3.25, 1e-30, 1e30])
def test_a_constant_tensor_has_no_spread(measure: Measure, size: int, constant: float):
    row = dict(zip(STATS, measure(torch.full((size,), constant))[0][0].tolist(), strict=True))
    assert (row["min"], row["max"]) == pytest.approx((constant, constant))
    assert row["mean"] == pytest.approx(constant, rel=1e-6)
    assert row["std"] == pytest.approx(0, abs=abs(constant) * 1e-6)
    assert row["zeros"] == (constant == 0)


# ---- NaN and infinities


@both
@sizes
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_non_finite_elements_are_counted_and_left_out(measure: Measure, size: int, dtype: torch.dtype):
    tensor = normal(max(size, 7), dtype=dtype)
    tensor[0], tensor[1], tensor[2], tensor[3], tensor[4] = math.nan, math.inf, -math.inf, math.nan, 0
    row = measure(tensor)[0][0]
    assert row[6:].tolist() == [2, 1, 1]
    assert_agrees(row, tensor)


@both
@sizes
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_where_nothing_is_finite_there_is_no_mean(measure: Measure, size: int, value: float):
    tensor = torch.full((size,), value)
    row = measure(tensor)[0][0]
    assert np.isnan(row[:5]).all()
    assert row[5:].tolist() == [0, *(size * (str(value) == name) for name in ("nan", "inf", "-inf"))]


@both
def test_a_single_infinity_does_not_touch_its_neighbours(measure: Measure):
    clean, spoilt = normal(50), torch.tensor([1.0, math.inf])
    rows, _ = measure(clean, spoilt, clean + 1)
    assert_agrees(rows[0], clean)
    assert_agrees(rows[1], spoilt)
    assert_agrees(rows[2], clean + 1)


# ---- many tensors


def test_many_tensors_of_all_sorts_keep_their_rows():
    tensors = [
        normal(1 + 37 * k % 500, dtype=[*FLOATS, torch.complex64][k % 5]) * 10.0 ** (k % 7 - 3) for k in range(300)
    ]
    tensors[150:150] = [normal(LARGE), torch.arange(9), torch.tensor([math.nan, 1.0])]
    rows, histograms = measured(*tensors)
    for tensor, row, histogram in zip(tensors, rows, histograms, strict=True):
        assert_agrees(row, tensor)
        plain = tensor.abs() if tensor.is_complex() else tensor
        assert histogram.tolist() == reference_histogram(plain)


def test_small_and_large_paths_agree():
    tensor = normal(16_384)
    (small, _), (large, _) = measured(tensor), measured(torch.cat([tensor, tensor]))
    root = np.ones(len(STATS), np.float32)
    root[STATS.index("l2")] = math.sqrt(2)
    assert large[0] == pytest.approx(small[0] * root, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("size", [10, LARGE])
def test_views_of_one_memory_are_told_apart(size: int):
    base = normal(size)
    views = [base, base.view(-1), base[: size // 2], base[size // 2 :], base.flip(0), base[::2], base.clone(), base]
    rows, _ = measured(*views)
    for view, row in zip(views, rows, strict=True):
        assert_agrees(row, view)


def test_a_conjugate_is_not_its_original():
    z = torch.complex(torch.tensor([1.0]), torch.tensor([2.0]))
    rows, _ = measured(z.imag, z.conj().imag, z.real)
    assert rows[:, 0].tolist() == [2, -2, 1]


@pytest.mark.parametrize("size", [10, LARGE])
def test_what_is_written_after_it_was_announced_does_not_count(size: int):
    statistics = Statistics()
    base = normal(size)
    before = base.clone()
    statistics.add("output", 0, base)
    statistics.add("output", 1, base[3:])
    statistics.before_write([base])
    base.zero_()
    statistics.add("output", 2, base)
    statistics.add("output", 3, base[3:])
    statistics.finish()
    rows = statistics.table("output", 4)
    for row, tensor in zip(rows, [before, before[3:], base, base[3:]], strict=True):
        assert_agrees(row, tensor)


def test_rows_are_kept_by_table():
    statistics = Statistics()
    statistics.add("output", 1, torch.tensor([1.0]))
    statistics.add("gradient", 0, torch.tensor([2.0]))
    statistics.finish()
    output = statistics.table("output", 2)
    assert np.isnan(output[0]).all()
    assert output[1, 0] == 1
    assert statistics.table("gradient", 1)[0, 0] == 2
    assert statistics.table("update", 3) is None
    assert statistics.histogram_table("update", 3) is None

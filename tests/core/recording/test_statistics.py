"""Statistics and histograms against plain float64 arithmetic, over dtypes, layouts, magnitudes and sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import graphviz_nn as gnn
from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, HISTOGRAM_SAMPLE, STATS
from graphviz_nn.recording.device_statistics import DeviceStatistics
from graphviz_nn.recording.statistics import Statistics
from graphviz_nn.run import Run
from tests.core.recording.programs import batch

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


# ---- histograms


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


# ---- in a recording


def numbers(run: Run, name: str) -> list[float]:
    stats = run.stats(name)
    return [stats.mean, stats.min, stats.max]


@pytest.mark.parametrize("size", [6, 20_000])
def test_in_place_calls_do_not_change_the_numbers_of_earlier_values(size: int):
    def step(x: Tensor) -> Tensor:
        y = x * 2
        view = y[: size // 2]
        z = y + 1
        y.add_(10)
        view.mul_(0)
        y[0] = 5
        torch.add(z, 1, out=z)
        y.view(-1).exp_().clamp_(max=3)
        return y.sum() + z.sum()

    x = torch.linspace(-1, 1, size)
    run, kept = gnn.trace(step, x, keep="stats"), gnn.trace(step, x, keep="all")
    compared = 0
    for node in kept.structure().nodes:
        for index in range(len(node.outputs)):
            value = kept.value(node, index)
            expected, found = reference(value), run.stats(node.name, index=index)
            assert found.mean == pytest.approx(expected["mean"], rel=1e-5, abs=1e-6), (node.name, index)
            assert found.l2 == pytest.approx(expected["l2"], rel=1e-5, abs=1e-6), (node.name, index)
            compared += 1
    assert compared > 12


def test_gradients_that_pass_through_unchanged_are_each_measured():
    def step(x: Tensor) -> Tensor:
        y = x * 3
        return (y.view(-1) + y.reshape(15) + 1).sum()

    run = gnn.trace(step, batch().requires_grad_(), loss=lambda y: y, keep="stats")
    assert run.stats("add", "gradient").mean == 1
    assert run.stats("mul", "gradient").mean == 2
    assert run.stats("input", "gradient").mean == 6


def test_tiny_gradients_are_not_shown_as_zero():
    run = gnn.trace(lambda x: (x * 1e-30).sum(), batch().requires_grad_(), loss=lambda y: y, keep="stats")
    gradient = run.stats("input", "gradient")
    assert gradient.l2 == pytest.approx(1e-30 * math.sqrt(15), rel=1e-5)
    assert gradient.zeros == 0


def test_a_pass_that_accumulates_is_measured_beside_its_contribution():
    weight = torch.ones(3, requires_grad=True)

    def step() -> None:
        (weight * 2).sum().backward()
        (weight * 5).sum().backward()

    run = gnn.trace(step, keep="stats")
    (source,) = [node.name for node in run.structure().nodes if node.outputs and node.kind == "input"]
    assert [run.stats(source, "gradient", number=k).mean for k in (0, 1)] == [2, 5]
    assert [run.stats(source, "parameter_gradient", number=k).mean for k in (0, 1)] == [2, 7]

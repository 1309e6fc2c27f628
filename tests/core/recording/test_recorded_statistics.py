"""Statistics in a recording: each number belongs to the version of the tensor that it names."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import graphviz_nn as gnn
from graphviz_nn.run import Run
from tests.core.recording.measuring import (
    reference,
)
from tests.core.recording.programs import batch


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

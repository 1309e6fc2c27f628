"""No rule says more than information of a healthy program, whichever of its steps were recorded."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.checks import (  # noqa: F401  # they register their programs
    healthy_agreement,
    healthy_data,
    healthy_networks,
    healthy_training,
)
from tests.checks.healthy import PROGRAMS
from tests.checks.training import data, fit, loud, recorded, stack


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_healthy_program_is_quiet(name, every):
    run = recorded(PROGRAMS[name], every)
    assert run.steps
    assert [(finding.rule, finding.module, finding.cause, dict(finding.evidence)) for finding in loud(run)] == []


@pytest.mark.parametrize("width", [16, 32, 128])
@pytest.mark.parametrize("depth", [1, 6, 14])
@pytest.mark.parametrize("batch", [1, 32])
def test_well_initialised_networks_are_quiet(width, depth, batch):
    def train() -> None:
        model = stack(width, depth, nn.Tanh, std=1 / math.sqrt(width))
        fit(model, *data(width, batch), steps=3, lr=1e-3)

    assert loud(recorded(train)) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lr", [0.0, 1e-5, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_default_networks_are_quiet(seed, lr, dtype):
    def train() -> None:
        torch.manual_seed(seed)
        inputs, targets = data(12)
        fit(stack(12, 4, nn.ReLU).to(dtype), inputs.to(dtype), targets.to(dtype), lr=lr)

    assert loud(recorded(train)) == []

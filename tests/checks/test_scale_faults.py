"""Faults between the backward pass and the update: clipping and loss scales. Each with its repaired twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.checks.training import batches, only, recorded, rules, stack

CLIPS: dict[str, Callable[[nn.Module, float], object]] = {
    "norm": lambda model, limit: nn.utils.clip_grad_norm_(model.parameters(), limit),
    "norm, one by one": lambda model, limit: nn.utils.clip_grad_norm_(model.parameters(), limit, foreach=False),
    "value": lambda model, limit: nn.utils.clip_grad_value_(model.parameters(), limit),
}


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize(("width", "depth"), [(6, 1), (24, 3)])
def test_clipped_away(clip, width, depth):
    shares: list[float] = []

    def train(limit: float) -> None:
        model = stack(width, depth, nn.ReLU)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for inputs, targets in batches(5, width):
            optimizer.zero_grad()
            functional.mse_loss(model(inputs), targets).backward()
            before = nn.utils.get_total_norm([p.grad for p in model.parameters()])
            CLIPS[clip](model, limit)
            shares.append(float(nn.utils.get_total_norm([p.grad for p in model.parameters()]) / before))
            optimizer.step()

    train(1e-5)
    assert max(shares) < 0.01
    found = only(recorded(lambda: train(1e-5)), "clipped_away")
    assert found.evidence["share"] == pytest.approx(sorted(shares[5:])[2], rel=1e-2)
    assert rules(recorded(lambda: train(1.0))) == set()


def test_clipping_before_adam_is_information():
    def train() -> None:
        model = stack(8, 1, nn.ReLU)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for inputs, targets in batches(4, 8):
            optimizer.zero_grad()
            functional.mse_loss(model(inputs), targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1e-4)
            optimizer.step()

    run = recorded(train)
    assert rules(run) == set()
    assert [finding.rule for finding in run.findings()] == ["clipped_away"]


@pytest.mark.parametrize("scale", [1024.0, 65536.0])
@pytest.mark.parametrize("width", [6, 32])
def test_scale_that_is_never_undone(scale, width):
    def train(*, undone: bool, lr: float = 1e-7) -> nn.Module:
        model = stack(width, 1, nn.ReLU)
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        for inputs, targets in batches(4, width):
            optimizer.zero_grad()
            (functional.mse_loss(model(inputs), targets) * scale).backward()
            for parameter in model.parameters():
                parameter.grad.div_(scale if undone else 1.0)
            optimizer.step()
        return model

    moved = []
    for undone in (False, True):
        torch.manual_seed(0)
        before = stack(width, 1, nn.ReLU)[0].bias.detach()
        torch.manual_seed(0)
        moved.append(float((train(undone=undone, lr=1e-4)[0].bias.detach() - before).norm()))
    assert moved[0] > 0.1 * scale * moved[1]
    found = only(recorded(lambda: train(undone=False)), "loss_scale")
    assert found.evidence["scale"] == scale
    assert rules(recorded(lambda: train(undone=True, lr=1e-3))) == set()


def test_scaler_whose_step_is_skipped():
    def train(*, through_the_scaler: bool) -> None:
        model = stack(8, 1, nn.Tanh)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
        scaler = torch.amp.GradScaler("cpu", init_scale=2048.0)
        for inputs, targets in batches(4, 8):
            optimizer.zero_grad()
            scaler.scale(functional.mse_loss(model(inputs), targets)).backward()
            if through_the_scaler:
                scaler.step(optimizer)
                scaler.update()
            else:
                optimizer.step()

    only(recorded(lambda: train(through_the_scaler=False)), "loss_scale")
    assert rules(recorded(lambda: train(through_the_scaler=True))) == set()

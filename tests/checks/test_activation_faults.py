"""Each fault of activations: shown with plain PyTorch, found and placed by its rule, and gone when repaired."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from tests.checks.training import data, fit, only, recorded, rules, stack


def with_bias(model: nn.Sequential, position: int, bias: float, units: slice = slice(None)) -> nn.Sequential:
    with torch.no_grad():
        model[position].bias[units] = bias
    return model


@pytest.mark.parametrize(("width", "batch"), [(16, 8), (64, 32), (128, 16)])
@pytest.mark.parametrize("position", [0, 2])
@pytest.mark.parametrize("share", [0.95, 1.0])
def test_dead_units(width, batch, position, share):
    inputs, targets = data(width, batch)
    dead = slice(0, math.ceil(share * width))

    def model(bias: float) -> nn.Sequential:
        return with_bias(stack(width, 2, nn.ReLU), position, bias, dead)

    outputs = model(-50.0)[: position + 2](inputs).detach()
    assert float((outputs.amax(0) <= 0).float().mean()) >= share
    found = only(recorded(lambda: fit(model(-50.0), inputs, targets)), "dead_units", "zero_gradient", "collapsed")
    assert found.module == str(position + 1)
    assert found.severity == ("error" if share == 1 or width == 16 else "warning")
    assert rules(recorded(lambda: fit(model(0.0), inputs, targets))) == set()


def test_dead_channels_of_a_convolution():
    inputs, targets = torch.randn(4, 1, 10, 10), torch.randn(4, 3)

    def model(bias: float) -> nn.Sequential:
        built = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(32, 3),
        )  # fmt: skip
        return with_bias(built, 2, bias, slice(0, 30))

    assert float((model(-20.0)[:4](inputs).amax((0, 2, 3)) <= 0).float().sum()) >= 30
    found = only(recorded(lambda: fit(model(-20.0), inputs, targets)), "dead_units")
    assert (found.module, found.evidence["units"]) == ("3", 32)
    assert rules(recorded(lambda: fit(model(0.0), inputs, targets))) == set()


@pytest.mark.parametrize("channels_last", [False, True])
def test_dead_units_in_three_dimensions(channels_last):
    layer = nn.Linear(6, 24) if channels_last else nn.Conv1d(6, 24, 1)
    with torch.no_grad():
        layer.bias.fill_(-50.0)
    inputs = torch.randn(4, 10, 6) if channels_last else torch.randn(4, 6, 10)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = layer, nn.Linear(24, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.layer(x).relu()
            return self.head(x.mean(1) if channels_last else x.mean(2))

    found = only(recorded(lambda: fit(Model(), inputs, torch.randn(4, 3))), "dead_units", "zero_gradient")
    assert found.evidence["units"] == 24


@pytest.mark.parametrize("width", [16, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("activation", "bias"), [(nn.Sigmoid, 12.0), (nn.Tanh, -8.0), (nn.Softsign, 40.0)])
def test_saturated_activation(width, dtype, activation, bias):
    inputs, targets = data(width)

    def model(shift: float) -> nn.Sequential:
        return with_bias(stack(width, 2, activation), 2, shift)

    hidden = model(bias)[:3](inputs).detach().requires_grad_()
    (slope,) = torch.autograd.grad(activation()(hidden).sum(), hidden)
    (largest,) = torch.autograd.grad(activation()(zero := torch.zeros(1, requires_grad=True)).sum(), zero)
    assert float((slope < 0.05 * largest).float().mean()) > 0.9

    def train(shift: float) -> None:
        fit(model(shift).to(dtype), inputs.to(dtype), targets.to(dtype))

    found = only(recorded(lambda: train(bias)), "saturated", "collapsed", "vanishing_depth")
    assert found.module == "3"
    assert rules(recorded(lambda: train(0.0))) == set()


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], gain: float) -> None:
        super().__init__()
        self.layer, self.head = kind(4, 12, batch_first=True), nn.Linear(12, 3)
        with torch.no_grad():
            self.layer.weight_ih_l0.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x)[0][:, -1])


@pytest.mark.parametrize("length", [5, 20])
def test_saturated_recurrent_layer(length):
    inputs, targets = torch.randn(8, length, 4), torch.randn(8, 3)
    states = Recurrent(nn.RNN, 40.0).layer(inputs)[0].detach()
    assert float((states.abs() > 0.975).float().mean()) > 0.5
    found = only(recorded(lambda: fit(Recurrent(nn.RNN, 40.0), inputs, targets)), "saturated")
    assert found.module == "layer"
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        assert rules(recorded(lambda kind=kind: fit(Recurrent(kind, 1.0), inputs, targets))) == set()


@pytest.mark.parametrize(("width", "depth", "std"), [(32, 8, 1.0), (64, 6, 1.0), (16, 8, 0.02), (64, 10, 0.01)])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU])
def test_activations_that_drift(width, depth, std, activation):
    inputs, targets = data(width)

    def model(deviation: float) -> nn.Sequential:
        built = stack(width, depth, activation, std=deviation)
        for layer in built:
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)
        return built

    built = model(std)
    first, last = built[0](inputs).detach(), built(inputs).detach()
    ratio = float(last.square().mean().sqrt() / first.square().mean().sqrt())
    assert abs(math.log(ratio)) > math.log(1e4)
    run = recorded(lambda: fit(model(std), inputs, targets, lr=1e-12))
    found = only(run, "activation_scale", "exploding", "vanishing_depth", "init_scale", "near_edge", "collapsed")
    assert abs(math.log(found.evidence["ratio"])) == pytest.approx(abs(math.log(ratio)), rel=0.3)
    assert rules(recorded(lambda: fit(model(math.sqrt(2 / width)), inputs, targets, lr=1e-3))) == set()


@pytest.mark.parametrize("batch", [8, 64])
@pytest.mark.parametrize(("width", "activation"), [(16, nn.Tanh), (48, nn.ReLU), (16, nn.GELU)])
def test_collapsed_samples(batch, width, activation):
    inputs, targets = data(width, batch)

    def model(shrink: float) -> nn.Sequential:
        built = stack(width, 2, activation)
        with torch.no_grad():
            built[2].weight.mul_(shrink)
            built[2].bias.add_(1.0)
        return built

    outputs = model(1e-6)(inputs).detach()
    assert float(outputs.std(0).max()) < 1e-4 * float(outputs.abs().max())
    run = recorded(lambda: fit(model(1e-6), inputs, targets, lr=1e-6))
    found = only(run, "collapsed", "init_scale", "vanishing_depth")
    assert found.module == "2"
    assert rules(recorded(lambda: fit(model(1.0), inputs, targets))) == set()


class Unscaled(nn.Module):
    def __init__(self, width: int, *, scaled: bool) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        for layer in (self.query, self.key):
            nn.init.normal_(layer.weight, std=1 / math.sqrt(width))
        self.head, self.scale = nn.Linear(width, 3), math.sqrt(width) if scaled else 1.0

    def attention(self, x: Tensor) -> Tensor:
        return (self.query(x) @ self.key(x).mT / self.scale).softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.attention(x) @ self.value(x)).mean(1))


@pytest.mark.parametrize(("width", "keys"), [(128, 6), (256, 16), (512, 32)])
@pytest.mark.parametrize("batch", [2, 8])
def test_attention_without_its_scale(width, keys, batch):
    inputs, targets = torch.randn(batch, keys, width), torch.randn(batch, 3)
    weights = Unscaled(width, scaled=False).attention(inputs).detach()
    assert float(weights.amax(-1).median()) > 0.9
    run = recorded(lambda: fit(Unscaled(width, scaled=False), inputs, targets))
    found = only(run, "attention_collapsed")
    assert run.node(found.node).op == "softmax"
    assert rules(recorded(lambda: fit(Unscaled(width, scaled=True), inputs, targets))) == set()


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("probabilities", [(0.9,), (0.95,), (0.7, 0.6)])
def test_dropout_too_high(width, probabilities):
    inputs, targets = data(width)

    def model(chosen: tuple[float, ...]) -> nn.Sequential:
        drops = [nn.Dropout(p) for p in chosen]
        return nn.Sequential(nn.Linear(width, width), nn.Tanh(), *drops, nn.Linear(width, 3))

    kept = math.prod(1 - p for p in probabilities)
    seen = model(probabilities)[:-1](torch.randn(400, width))
    assert float((seen != 0).float().mean()) == pytest.approx(kept, abs=0.05)
    found = only(recorded(lambda: fit(model(probabilities), inputs, targets)), "dropout_too_high")
    assert found.evidence["kept"] == pytest.approx(kept)
    assert rules(recorded(lambda: fit(model((0.5,)), inputs, targets))) == set()
    assert "dropout_too_high" not in rules(recorded(lambda: fit(model(probabilities).eval(), inputs, targets)))

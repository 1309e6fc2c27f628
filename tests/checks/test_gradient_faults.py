"""Each fault of gradients: shown with plain PyTorch, found and placed by its rule alone, and gone when repaired."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from graphviz_nn.model.findings import Finding
from tests.checks.training import batches, data, fit, norms, only, recorded, rules, stack


@pytest.mark.parametrize(("width", "depth", "batch"), [(8, 8, 4), (32, 10, 16), (64, 14, 64)])
def test_vanishing_through_depth(width, depth, batch):
    torch.manual_seed(0)
    model = stack(width, depth, nn.Sigmoid)
    inputs, targets = data(width, batch)
    seen = norms(model, nn.functional.mse_loss(model(inputs), targets))
    assert seen["0.weight"] < 1e-3 * seen[f"{2 * depth}.weight"]
    found = only(recorded(lambda: fit(model, inputs, targets)), "vanishing_depth")
    assert found.module == "0"
    by_layer = found.evidence["by_layer"]
    assert by_layer[-1] < 1e-3 * by_layer[0]
    repaired = stack(width, depth, nn.ReLU, std=math.sqrt(2 / width))
    assert rules(recorded(lambda: fit(repaired, inputs, targets, lr=1e-4))) == set()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vanishing_is_judged_relative_to_the_output(scale, dtype):
    torch.manual_seed(1)
    inputs, targets = data(16)

    def train(model: nn.Module) -> None:
        model, x, y = model.to(dtype), inputs.to(dtype), targets.to(dtype)
        fit(model, x, y, loss=lambda output, target: scale * (output - target).pow(2).sum(), lr=1e-9)

    assert rules(recorded(lambda: train(stack(16, 10, nn.Sigmoid)))) == {"vanishing_depth"}
    assert rules(recorded(lambda: train(stack(16, 10, nn.Tanh, std=0.3)))) == set()


class Loop(nn.Module):
    """A recurrent cell over time, read out at the end."""

    def __init__(self, scale: float, width: int = 12) -> None:
        super().__init__()
        self.width = width
        self.cell = nn.RNNCell(4, width)
        nn.init.orthogonal_(self.cell.weight_hh, gain=scale)
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x.new_zeros(len(x), self.width)
        for t in range(x.shape[1]):
            hidden = self.cell(x[:, t], hidden)
        return self.head(hidden)


def gradient_at_first_input(model: nn.Module, inputs: Tensor) -> tuple[float, float]:
    inputs = inputs.clone().requires_grad_()
    model(inputs).sum().backward()
    by_time = inputs.grad.norm(dim=(0, 2))
    return float(by_time[0]), float(by_time[-1])


@pytest.mark.parametrize("length", [25, 40])
def test_vanishing_through_time(length):
    torch.manual_seed(0)
    inputs = 0.1 * torch.randn(5, length, 4)
    targets = torch.randn(5, 3)
    first, last = gradient_at_first_input(Loop(0.4), inputs)
    assert first < 1e-6 * last
    found = only(recorded(lambda: fit(Loop(0.4), inputs, targets)), "vanishing_time")
    assert found.module == "cell"
    assert found.evidence["calls"] == length
    assert rules(recorded(lambda: fit(Loop(1.0), inputs, targets))) == set()


def test_exploding_through_time():
    torch.manual_seed(0)
    inputs, targets = 1e-6 * torch.randn(5, 16, 4), torch.randn(5, 3)

    def quiet(scale: float) -> Loop:
        model = Loop(scale)
        for bias in (model.cell.bias_ih, model.cell.bias_hh):
            nn.init.zeros_(bias)
        return model

    first, last = gradient_at_first_input(quiet(2.0), inputs)
    assert first > 1e4 * last
    found = only(recorded(lambda: fit(quiet(2.0), inputs, targets, lr=1e-9)), "exploding_time", "input_scale")
    assert found.module == "cell"
    assert rules(recorded(lambda: fit(quiet(1.0), inputs, targets, lr=1e-9))) == {"input_scale"}


@pytest.mark.parametrize(("width", "depth"), [(64, 6), (128, 5)])
def test_exploding_through_depth(width, depth):
    torch.manual_seed(0)
    model = stack(width, depth, nn.ReLU, std=1.0)
    inputs, targets = data(width)
    hidden = model[0](inputs)
    outputs = model[1:](hidden)
    at_output, at_hidden = torch.autograd.grad(nn.functional.mse_loss(outputs, targets), [outputs, hidden])
    assert at_hidden.norm() > 100 * at_output.norm() > 0
    found = only(recorded(lambda: fit(model, inputs, targets, lr=1e-30)), "exploding", "init_scale", "activation_scale")
    assert found.module == "0"
    repaired = stack(width, depth, nn.ReLU, std=math.sqrt(2 / width))
    assert rules(recorded(lambda: fit(repaired, inputs, targets, lr=1e-3))) == set()


class Rounded(nn.Module):
    def __init__(self, *, straight_through: bool) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(6, 6), nn.Linear(6, 3)
        self.straight_through = straight_through

    def forward(self, x: Tensor) -> Tensor:
        codes = self.encoder(x)
        rounded = codes.round()
        return self.decoder(codes + (rounded - codes).detach() if self.straight_through else rounded)


def test_zero_gradient_by_a_step_function():
    torch.manual_seed(0)
    inputs, targets = data(6)
    seen = norms(model := Rounded(straight_through=False), nn.functional.mse_loss(model(3 * inputs), targets))
    assert seen["encoder.weight"] == 0 < seen["decoder.weight"]
    run = recorded(lambda: fit(model, 3 * inputs, targets))
    found = only(run, "zero_gradient")
    assert run.node(found.node).op == "round"
    assert found.evidence["parameters"] == ["encoder.weight", "encoder.bias"]
    assert rules(recorded(lambda: fit(Rounded(straight_through=True), 3 * inputs, targets))) == set()


def test_zero_gradient_by_a_layer_that_is_never_positive():
    torch.manual_seed(0)
    inputs, targets = data(6)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.init.constant_(model[0].bias, -100.0)
    assert norms(model, nn.functional.mse_loss(model(inputs), targets))["0.weight"] == 0
    run = recorded(lambda: fit(model, inputs, targets))
    assert run.node(only(run, "zero_gradient", "dead_units").node).op == "relu"
    repaired = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    assert rules(recorded(lambda: fit(repaired, inputs, targets))) == set()


class Parts(nn.Module):
    """Two branches; what is done with the second is the fault."""

    def __init__(self, second: str) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 5), nn.Linear(6, 5), nn.Linear(5, 3)
        self.use = second

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        if self.use == "not called":
            return self.head(hidden)
        other = self.second(x)
        match self.use:
            case "dropped":
                return self.head(hidden)
            case "detached":
                other = other.detach()
            case "data":
                other = other.data
            case "no_grad":
                with torch.no_grad():
                    other = self.second(x)
            case "compared":
                other = (other > 0).float()
            case "argmax":
                other = other.argmax(1, keepdim=True) / 5
            case "custom":
                other = Blocking.apply(other)
            case "numpy":
                other = torch.from_numpy(np.tanh(other.detach().numpy()))
            case "list":
                other = torch.tensor(other.tolist())
            case "dropped beside numpy":
                other = torch.from_numpy(np.ones((5,), np.float32))
        return self.head(hidden + other)


class Blocking(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return None


def found_in(use: str, rule: str) -> tuple[Finding, str]:
    torch.manual_seed(0)
    inputs, targets = data(6)
    seen = norms(model := Parts(use), nn.functional.mse_loss(model(inputs), targets))
    assert seen["second.weight"] is None
    assert seen["first.weight"] > 0
    run = recorded(lambda: fit(model, inputs, targets))
    found = only(run, rule)
    assert "second.weight" in found.evidence["parameters"]
    assert "first.weight" not in found.evidence["parameters"]
    return found, "" if found.node is None else run.node(found.node, found.step).op


@pytest.mark.parametrize("use", ["not called", "dropped", "dropped beside numpy"])
def test_never_arrived(use):
    found, _ = found_in(use, "never_arrived")
    assert found.module == "second"


@pytest.mark.parametrize(
    ("use", "op"),
    [
        ("detached", "detach"),
        ("data", "data"),
        ("no_grad", "linear"),
        ("compared", "gt"),
        ("argmax", "argmax"),
        ("custom", "Blocking"),
        ("numpy", "detach"),
        ("list", "linear"),
    ],
)
def test_cut_off_names_the_cutting_call(use, op):
    _, cutting = found_in(use, "cut_off")
    assert cutting == op


def test_parts_that_are_all_used_are_quiet():
    torch.manual_seed(0)
    inputs, targets = data(6)
    assert rules(recorded(lambda: fit(Parts("used"), inputs, targets))) == set()


def test_a_cut_between_equal_layers_of_one_network_is_found():
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(5, 5), nn.ReLU()) for _ in range(4))

        def forward(self, x: Tensor) -> Tensor:
            for position, block in enumerate(self.blocks):
                x = block(x if position != 2 else x.detach())
            return x

    torch.manual_seed(0)
    inputs, targets = data(5, out=5)
    targets = targets.abs()
    seen = norms(model := Cut(), nn.functional.mse_loss(model(inputs), targets))
    assert [name for name, norm in seen.items() if norm is None][-1] == "blocks.1.0.bias"
    run = recorded(lambda: fit(model, inputs, targets))
    found = only(run, "cut_off")
    assert run.node(found.node).op == "detach"


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("every", [1, 3])
def test_missing_zero_grad(clip, optimizer, every):
    def train(model: nn.Module, *, zero: bool) -> None:
        chosen = optimizer(model.parameters(), lr=1e-3)
        for inputs, targets in batches(8, 6):
            if zero:
                chosen.zero_grad()
            nn.functional.mse_loss(model(inputs), targets).backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            chosen.step()

    torch.manual_seed(0)
    inputs, targets = data(6)
    model = nn.Linear(6, 3)
    once = norms(model, nn.functional.mse_loss(model(inputs), targets))["weight"]
    nn.functional.mse_loss(model(inputs), targets).backward()
    assert float(model.weight.grad.norm()) == pytest.approx(2 * once)

    fault = recorded(lambda: train(stack(6, 2, nn.ReLU), zero=False), every)
    only(fault, "missing_zero_grad")
    assert rules(recorded(lambda: train(stack(6, 2, nn.ReLU), zero=True), every)) == set()

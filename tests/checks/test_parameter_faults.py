"""Each fault of parameters: shown with plain PyTorch, found and placed by its rule, and gone when repaired."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.training import data, fit, norms, only, recorded, rules, stack


def fill(model: nn.Module, value: float) -> nn.Module:
    for name, parameter in model.named_parameters():
        nn.init.constant_(parameter, 0.0 if name.endswith("bias") else value)
    return model


def small_image_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 3),
    )  # fmt: skip


class Products(nn.Module):
    """Two matrix products with parameters of its own."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(width, 10) / math.sqrt(width))
        self.second = nn.Parameter(torch.randn(10, 3) / math.sqrt(10))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.first) @ self.second


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "narrow": (lambda: stack(6, 2, nn.Tanh), (8, 6)),
    "wide": (lambda: stack(40, 1, nn.Sigmoid), (32, 40)),
    "convolutions": (small_image_network, (4, 1, 8, 8)),
    "products": (Products, (8, 6)),
}


@pytest.mark.parametrize("value", [0.05, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("network", NETWORKS)
def test_symmetric_initialisation(network, value, dtype):
    build, shape = NETWORKS[network]
    torch.manual_seed(1)
    inputs, targets = torch.randn(shape, dtype=dtype), torch.randn(shape[0], 3, dtype=dtype)
    model = fill(build(), value).to(dtype)
    fit(model, inputs, targets)
    first = next(model.parameters()).detach()
    units = first.T if network == "products" else first.flatten(1)
    assert torch.allclose(units[0], units[1], atol=1e-6)
    run = recorded(lambda: fit(fill(build(), value).to(dtype), inputs, targets))
    found = only(run, "symmetric_init", "collapsed")
    assert run.node(found.node).inputs[1].node == next(n.id for n in run.structure().nodes if n.kind == "parameter")
    assert rules(recorded(lambda: fit(build().to(dtype), inputs, targets))) == set()


def test_zeros_everywhere_are_found_after_some_steps():
    inputs, targets = data(6)
    assert norms(model := fill(stack(6, 2, nn.ReLU), 0.0), functional.mse_loss(model(inputs), targets))["0.weight"] == 0
    found = recorded(lambda: fit(fill(stack(6, 2, nn.ReLU), 0.0), inputs, targets))
    assert "symmetric_init" in rules(found)
    assert "symmetric_init" not in rules(recorded(lambda: fit(stack(6, 2, nn.ReLU), inputs, targets)))


@pytest.mark.parametrize(("width", "depth", "batch"), [(32, 1, 8), (64, 2, 32), (128, 1, 64)])
@pytest.mark.parametrize("seed", [0, 1])
def test_initial_weights_too_large_for_guessing(width, depth, batch, seed):
    torch.manual_seed(seed)
    inputs, targets = torch.randn(batch, width), torch.arange(batch) % 3

    def train(std: float) -> None:
        model = stack(width, depth, nn.ReLU, std=std)
        fit(model, inputs, targets, loss=functional.cross_entropy, lr=1e-6)

    torch.manual_seed(0)
    assert functional.cross_entropy(stack(width, depth, nn.ReLU, std=1.0)(inputs), targets) > 3 * math.log(3)
    found = only(recorded(lambda: train(1.0)), "init_scale", "exploding", "activation_scale")
    assert found.evidence["gain"] > 3
    assert found.evidence["usual"] == pytest.approx(math.log(3))
    assert rules(recorded(lambda: train(1 / math.sqrt(width)))) == set()


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_initial_weights_that_saturate(activation):
    inputs, targets = torch.randn(32, 64), torch.randn(32, 3)

    def model(std: float) -> nn.Sequential:
        return nn.Sequential(*stack(64, 2, activation, std=std)[:-1], nn.Linear(64, 3))

    torch.manual_seed(0)
    first = model(2.0)[0](inputs).abs()
    assert float((first > 4.4).float().mean()) > 0.5
    found = only(recorded(lambda: fit(model(2.0), inputs, targets, lr=1e-3)), "init_scale", "saturated", "exploding")
    assert found.module in ("0", "2")
    assert rules(recorded(lambda: fit(model(1 / 8), inputs, targets, lr=1e-3))) == set()


@pytest.mark.parametrize(("width", "std"), [(16, 1e-3), (64, 1e-4), (32, 1e-5)])
def test_initial_weights_too_small(width, std):
    inputs, targets = data(width)

    def model(small: float) -> nn.Sequential:
        built = stack(width, 1, nn.ReLU)
        nn.init.normal_(built[0].weight, std=small)
        nn.init.zeros_(built[0].bias)
        return built

    assert float(model(std)[:2](inputs).detach().std()) < 0.02 * float(inputs.std())
    found = only(recorded(lambda: fit(model(std), inputs, targets)), "init_scale")
    assert found.module == "0"
    assert rules(recorded(lambda: fit(model(math.sqrt(2 / width)), inputs, targets))) == set()


@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize(("optimizer", "lr"), [(torch.optim.Adam, 1.0), (torch.optim.AdamW, 3.0)])
def test_updates_larger_than_the_weights(width, optimizer, lr):
    inputs, targets = data(width)
    torch.manual_seed(0)
    model = stack(width, 1, nn.Tanh)
    before = model[0].weight.detach().clone()
    fit(model, inputs, targets, optimizer=optimizer, lr=lr, steps=1)
    assert (model[0].weight - before).norm() > before.norm()
    run = recorded(lambda: fit(stack(width, 1, nn.Tanh), inputs, targets, optimizer=optimizer, lr=lr))
    assert "update_ratio" in rules(run)
    repaired = recorded(lambda: fit(stack(width, 1, nn.Tanh), inputs, targets, optimizer=optimizer, lr=1e-3))
    assert rules(repaired) == set()


def test_one_large_step_is_not_judged():
    run = recorded(lambda: fit(stack(64, 1, nn.Tanh), *data(64), optimizer=torch.optim.Adam, lr=1.0, steps=1))
    assert "update_ratio" not in rules(run)


@pytest.mark.parametrize("position", [0, 2, 4])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_layer_that_no_optimizer_has(position, optimizer):
    def train(*, forgotten: bool, steps: int = 4) -> nn.Module:
        model = stack(6, 2, nn.ReLU)
        kept = [p for k, layer in enumerate(model) for p in layer.parameters() if k != position or not forgotten]
        chosen = optimizer(kept, lr=1e-2)
        inputs, targets = data(6)
        for _ in range(steps):
            chosen.zero_grad()
            functional.mse_loss(model(inputs), targets).backward()
            chosen.step()
        return model

    torch.manual_seed(0)
    initial = stack(6, 2, nn.ReLU)[position].weight
    torch.manual_seed(0)
    assert torch.equal(train(forgotten=True)[position].weight, initial)
    found = only(recorded(lambda: train(forgotten=True)), "not_in_optimizer")
    assert found.module == str(position)
    assert rules(recorded(lambda: train(forgotten=False))) == set()
    at_once = only(recorded(lambda: train(forgotten=True, steps=1)), "not_in_optimizer")
    assert at_once.module == str(position), "what the optimizer was given is known after one step"
    assert rules(recorded(lambda: train(forgotten=False, steps=1))) == set()


class Holder(nn.Module):
    """Keeps its hidden layers, or a scale, in a way that registers them or not."""

    def __init__(self, kind: str, *, registered: bool, width: int = 6) -> None:
        super().__init__()
        layers = [nn.Linear(width, width) for _ in range(2)]
        scale = torch.ones(width, requires_grad=True)
        match kind:
            case "list":
                self.layers = nn.ModuleList(layers) if registered else layers
            case "dict":
                named = {"a": layers[0], "b": layers[1]}
                self.layers = nn.ModuleDict(named) if registered else named
            case "tensor":
                self.layers = nn.ModuleList(layers)
        self.kind = kind
        self.scale = nn.Parameter(scale.detach()) if registered or kind != "tensor" else scale
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers.values() if self.kind == "dict" else self.layers:
            x = torch.tanh(layer(x)) * self.scale
        return self.head(x)


@pytest.mark.parametrize("kind", ["list", "dict", "tensor"])
@pytest.mark.parametrize("width", [4, 24])
def test_registered_nowhere(kind, width):
    inputs, targets = data(width)
    known = dict(Holder(kind, registered=False, width=width).named_parameters())
    assert not any(name.startswith("layers" if kind != "tensor" else "scale") for name in known)
    run = recorded(lambda: fit(Holder(kind, registered=False, width=width), inputs, targets))
    only(run, "registered_nowhere")
    assert rules(recorded(lambda: fit(Holder(kind, registered=True, width=width), inputs, targets))) == set()


@pytest.mark.parametrize("depth", [3, 6])
@pytest.mark.parametrize("batch", [4, 32])
def test_frozen_between_trained_layers(depth, batch):
    inputs, targets = data(8, batch)

    def train(*, frozen: bool) -> nn.Module:
        model = stack(8, depth, nn.ReLU)
        model[2].requires_grad_(not frozen)
        fit(model, inputs, targets)
        return model

    model = stack(8, depth, nn.ReLU)
    model[2].requires_grad_(False)
    seen = norms(model, functional.mse_loss(model(inputs), targets))
    assert seen["2.weight"] is None
    assert min(seen["0.weight"], seen["4.weight"]) > 0
    assert only(recorded(lambda: train(frozen=True)), "frozen_between").module == "2"
    assert rules(recorded(lambda: train(frozen=False))) == set()


@pytest.mark.parametrize("width", [16, 48])
@pytest.mark.parametrize(("optimizer", "rate"), [(torch.optim.Adam, 5e-5), (torch.optim.SGD, 2e-4)])
def test_updates_lost_to_rounding(width, optimizer, rate):
    def train(kind: torch.dtype) -> nn.Module:
        torch.manual_seed(0)
        model = stack(width, 1, nn.Tanh)
        for parameter in model.parameters():
            nn.init.uniform_(parameter, 0.2, 0.4)
        model, (inputs, targets) = model.to(kind), data(width, 8)
        chosen = optimizer(model.parameters(), lr=rate)
        for _ in range(4):
            chosen.zero_grad()
            functional.mse_loss(model(inputs.to(kind)).float(), targets).backward()
            chosen.step()
        return model

    torch.manual_seed(0)
    model = stack(width, 1, nn.Tanh)
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.2, 0.4)
    same = train(torch.bfloat16)[0].weight == model[0].weight.bfloat16()
    assert same.float().mean() > 0.99
    assert "never_changing" in rules(recorded(lambda: train(torch.bfloat16)))
    assert "never_changing" not in rules(recorded(lambda: train(torch.float32)))


@pytest.mark.parametrize(("width", "lr", "decay"), [(8, 0.1, 1.0), (32, 0.01, 5.0), (64, 0.5, 0.5)])
@pytest.mark.parametrize("kind", ["SGD", "AdamW", "penalty"])
def test_decaying_away(width, lr, decay, kind):
    inputs, targets = data(width, 64)

    def train(strength: float) -> nn.Module:
        model = stack(width, 1, nn.Tanh)
        made = {
            "SGD": lambda: torch.optim.SGD(model.parameters(), lr=lr, weight_decay=strength),
            "AdamW": lambda: torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=strength * lr / 1e-4),
            "penalty": lambda: torch.optim.SGD(model.parameters(), lr=lr),
        }
        optimizer = made[kind]()
        for _ in range(8):
            optimizer.zero_grad()
            penalty = sum((p.square().sum() for p in model.parameters()), torch.zeros(()))
            loss = 1e-3 * functional.mse_loss(model(inputs), targets)
            (loss + (strength / 2 * penalty if kind == "penalty" else 0)).backward()
            optimizer.step()
        return model

    torch.manual_seed(0)
    initial = float(stack(width, 1, nn.Tanh)[0].weight.detach().norm())
    torch.manual_seed(0)
    assert float(train(decay)[0].weight.detach().norm()) < 0.8 * initial
    found = only(recorded(lambda: train(decay)), "decaying_away")
    assert found.evidence["half_life"] < 70
    assert rules(recorded(lambda: train(1e-4))) == set()


def test_the_beginning_is_judged_also_when_many_steps_came_after():
    inputs, targets = torch.randn(16, 64), torch.arange(16) % 3

    def train() -> None:
        fit(stack(64, 1, nn.ReLU, std=1.0), inputs, targets, loss=functional.cross_entropy, lr=1e-6, steps=15)

    found = next(finding for finding in recorded(train).findings() if finding.rule == "init_scale")
    assert found.step == 0
    assert found.evidence["seen"] > 3 * found.evidence["usual"]

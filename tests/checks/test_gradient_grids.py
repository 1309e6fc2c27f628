"""Rules about gradients over depths, batches and dtypes: the answer turns where the numbers do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.checks.training import batches, data, fit, norms, recorded, rules, stack


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("width", "batch"), [(32, 32), (96, 4)])
@pytest.mark.parametrize("depth", [3, 7])
def test_vanishing_turns_where_the_gradient_does(depth, width, batch, dtype):
    def build() -> nn.Sequential:
        torch.manual_seed(depth)
        return stack(width, depth, nn.Sigmoid).to(dtype)

    model, (inputs, targets) = build(), data(width, batch)
    first = model[0](inputs.to(dtype)).detach().requires_grad_()
    last = model[1:](first)
    last.retain_grad()
    nn.functional.mse_loss(last, targets.to(dtype)).backward()
    run = recorded(lambda: fit(build(), inputs.to(dtype), targets.to(dtype), lr=1e-3))
    assert ("vanishing_depth" in rules(run)) is bool(first.grad.norm() < 1e-4 * last.grad.norm()) is (depth > 4)


def clusters(samples: int = 48) -> tuple[Tensor, Tensor]:
    """Three clusters, always the same three."""
    centres = torch.tensor([[2.0, -1.0], [-1.0, 2.0], [-1.0, -1.0]]).repeat(1, 8)
    classes = torch.randint(0, 3, (samples,))
    return centres[classes] + torch.randn(samples, 16), classes


def deep(activation: type[nn.Module], depth: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, width), activation(), *stack(width, depth - 1, activation))


def learn(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    """The last loss."""
    for _ in range(steps):
        inputs, classes = clusters()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), classes)
        loss.backward()
        optimizer.step()
    return float(loss.detach())


@pytest.mark.parametrize(("activation", "depth", "width"), [(nn.GELU, 9, 48), (nn.SiLU, 12, 96), (nn.ReLU, 14, 64)])
def test_deep_network_that_adam_grows_out_of_vanishing(activation, depth, width):
    torch.manual_seed(depth)
    model = deep(activation, depth, width)
    first = model[0](clusters()[0]).detach().requires_grad_()
    last = model[1:](first)
    last.retain_grad()
    nn.functional.cross_entropy(last, clusters()[1]).backward()
    assert first.grad.norm() < 1e-4 * last.grad.norm()
    assert learn(model, torch.optim.Adam(model.parameters(), lr=1e-3), 150) < 0.4

    def told(optimizer: type[torch.optim.Optimizer]) -> set[str]:
        def program() -> None:
            network = deep(activation, depth, width)
            learn(network, optimizer(network.parameters(), lr=1e-3), 3)  # type: ignore[call-arg]

        return rules(recorded(program))

    assert told(torch.optim.Adam) == set()
    assert told(torch.optim.SGD) == {"vanishing_depth"}


@pytest.mark.parametrize("depth", [7, 12])
def test_deep_sigmoid_network_vanishes_with_adam_too(depth):
    torch.manual_seed(depth)
    model = deep(nn.Sigmoid, depth, 48)
    assert learn(model, torch.optim.Adam(model.parameters(), lr=1e-3), 150) > 0.4

    def program() -> None:
        network = deep(nn.Sigmoid, depth, 48)
        learn(network, torch.optim.Adam(network.parameters(), lr=1e-3), 3)

    assert "vanishing_depth" in rules(recorded(program))


class Averaging(nn.Module):
    """A network over a graph in which each layer averages over neighbours, which no weight undoes."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(16, 24), nn.Linear(24, 3)
        self.layers = nn.ModuleList(nn.Linear(24, 24) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        near = torch.ones(len(x), len(x)).tril(4).triu(-4)
        x = self.first(x)
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(near @ x / near.sum(1, keepdim=True)))
        return self.last(x)


def test_averages_over_neighbours_vanish_with_adam_too():
    def program() -> None:
        network = Averaging(24)
        learn(network, torch.optim.Adam(network.parameters(), lr=1e-3), 3)

    assert rules(recorded(program)) == {"vanishing_depth"}


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("batch", [1, 8, 256])
@pytest.mark.parametrize("zero", [True, False])
def test_missing_zero_grad_in_half_precision(optimizer, batch, zero):
    def train() -> None:
        model = stack(32, 2, nn.Tanh).bfloat16()
        chosen = optimizer(model.parameters(), lr=1e-3)
        for inputs, targets in batches(5, 32, batch):
            if zero:
                chosen.zero_grad()
            nn.functional.mse_loss(model(inputs.bfloat16()), targets.bfloat16()).backward()
            chosen.step()

    assert ("missing_zero_grad" in rules(recorded(train))) is not zero


@pytest.mark.parametrize(("gain", "depth", "explodes"), [(1.4, 24, False), (2.5, 12, True), (2.5, 24, True)])
def test_exploding_slowly_over_many_layers(gain, depth, explodes):
    model = stack(64, depth, nn.ReLU, std=gain / 8)
    inputs, targets = torch.randn(16, 64), torch.randint(0, 3, (16,))
    run = recorded(lambda: fit(model, inputs, targets, loss=nn.functional.cross_entropy, lr=1e-30))
    assert ("exploding" in rules(run)) is explodes


def test_a_deep_plain_network_with_batch_norm_does_not_explode():
    blocks = [nn.Sequential(nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU()) for _ in range(24)]
    model = nn.Sequential(*blocks, nn.Linear(64, 3))
    assert rules(recorded(lambda: fit(model, *data(64, batch=32), lr=1e-4))) == set()


@pytest.mark.parametrize(("low", "high"), [(50.0, 60.0), (-60.0, 60.0)])
def test_zero_gradient_by_a_clamp_right_before_the_loss(low, high):
    class Clamped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.shift = nn.Linear(6, 3), nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x).clamp(low, high) + self.shift

    model, (inputs, targets) = Clamped(), data(6)
    norm = norms(model, nn.functional.l1_loss(model(inputs), targets + 55))["layer.weight"]
    run = recorded(lambda: fit(model, inputs, targets + 55, loss=nn.functional.l1_loss))
    assert (norm == 0) is ("zero_gradient" in rules(run)) is (low > 0)

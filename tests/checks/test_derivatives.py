"""Gradients that a program asks for itself and puts into its loss: with the graph behind them, and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.training import Program, only, recorded, rules

Objective = Callable[[nn.Module, bool], Tensor]


def network(inputs: int, width: int, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, outputs)
    )


def slope(outputs: Tensor, inputs: Tensor, *, create: bool) -> Tensor:
    return torch.autograd.grad(outputs.sum(), inputs, create_graph=create, retain_graph=True)[0]


def residual(model: nn.Module, create: bool) -> Tensor:
    """u' = −u, and u(0) = 1."""
    moments = torch.rand(32, 1, requires_grad=True)
    solution = model(moments)
    rest = slope(solution, moments, create=create) + solution
    return rest.pow(2).mean() + (model(torch.zeros(4, 1)) - 1).pow(2).mean()


def penalty(model: nn.Module, create: bool) -> Tensor:
    """A critic with a gradient penalty."""
    real, made = torch.randn(32, 1) + 1, torch.randn(32, 1)
    between = (real + made).div(2).requires_grad_()
    steepness = slope(model(between), between, create=create).norm(dim=1)
    return model(made).mean() - model(real).mean() + 10 * ((steepness - 1) ** 2).mean()


def train(objective: Objective, width: int, *, create: bool) -> Program:
    def program() -> None:
        model = network(1, width)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(4):
            optimizer.zero_grad()
            objective(model, create).backward()
            optimizer.step()

    return program


@pytest.mark.parametrize("width", [12, 48])
@pytest.mark.parametrize("objective", [residual, penalty])
def test_derivative_in_the_loss_without_its_graph(objective, width):
    def gradient(*, create: bool) -> Tensor:
        torch.manual_seed(1)
        model = network(1, width)
        objective(model, create).backward()
        return model[2].weight.grad

    lost = gradient(create=True) - gradient(create=False)
    assert lost.norm() > 0.1 * gradient(create=True).norm()
    found = only(recorded(train(objective, width, create=False)), "cut_off")
    assert found.evidence["operator"] == "grad"
    assert "2.weight" in found.evidence["parameters"]
    assert rules(recorded(train(objective, width, create=True))) == set()


def energy_of(model: nn.Module) -> Tensor:
    """Learns the field of a potential: only derivatives of the network are in the loss."""
    points = torch.randn(32, 2, requires_grad=True)
    return functional.mse_loss(slope(model(points), points, create=True), torch.stack([points[:, 1], -points[:, 0]], 1))


def denoised(model: nn.Module) -> Tensor:
    noise = torch.randn(32, 2)
    points = (torch.randn(32, 2) + 0.3 * noise).requires_grad_()
    return (0.3 * slope(model(points), points, create=True) + noise).pow(2).sum(1).mean()


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("objective", [energy_of, denoised])
def test_last_bias_of_a_potential_needs_no_gradient(objective, width):
    torch.manual_seed(0)
    model = network(2, width)
    objective(model).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == ["4.bias"]

    def program() -> None:
        learner = network(2, width)
        optimizer = torch.optim.SGD(learner.parameters(), lr=1e-3)
        for _ in range(3):
            optimizer.zero_grad()
            objective(learner).backward()
            optimizer.step()

    assert rules(recorded(program)) == set()


def sampled() -> None:
    """An energy-based model: samples climb down its own energy, and are data to it."""
    model = network(2, 24)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(3):
        points = torch.randn(24, 2)
        for _ in range(3):
            points.requires_grad_()
            points = (points - 0.1 * slope(model(points), points, create=False)).detach()
        optimizer.zero_grad()
        (model(torch.randn(24, 2) * 0.3) - model(points)).mean().backward()
        optimizer.step()


def weighed() -> None:
    """Two losses on one trunk, the second scaled by how steep the first is."""
    model, head = network(4, 24, 8), nn.Linear(8, 2)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=1e-3)
    for _ in range(3):
        inputs = torch.randn(24, 4)
        hidden = model(inputs)
        first, second = functional.mse_loss(head(hidden), inputs[:, :2]), hidden.pow(2).mean()
        steep, flat = (
            torch.autograd.grad(loss, model[4].weight, retain_graph=True)[0].norm() for loss in (first, second)
        )
        optimizer.zero_grad()
        (first + steep / (flat + 1e-4) * second).backward()
        optimizer.step()


@pytest.mark.parametrize("program", [sampled, weighed])
def test_derivatives_that_are_meant_as_constants(program):
    assert rules(recorded(program)) == set()


@pytest.mark.parametrize("listed", [True, False])
def test_log_probabilities_that_become_a_list(listed):
    """The policy's optimizer steps, and its parameters have no gradient: three steps are enough to say so."""

    def program() -> None:
        policy, critic = network(4, 24, 2), network(4, 16)
        optimizers = [torch.optim.Adam(part.parameters(), lr=1e-3) for part in (policy, critic)]
        for _ in range(3):
            states = torch.randn(20, 4)
            choice = torch.distributions.Categorical(logits=policy(states))
            actions = choice.sample()
            chosen, returns = choice.log_prob(actions), actions.float() * states[:, 0]
            if listed:
                chosen = torch.tensor([float(each) for each in chosen.detach()])
            values = critic(states).squeeze(-1)
            loss = functional.mse_loss(values, returns) - (chosen * (returns - values.detach())).mean()
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()

    run = recorded(program)
    assert rules(run) == ({"cut_off"} if listed else set())

"""Training that stands still, or moves what it should not: shown with plain PyTorch, found, gone when mended."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.training import Program, only, recorded, rules

CLASSES = 4
Optimizers = Callable[[nn.Module], torch.optim.Optimizer]


def classes(samples: int = 32) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(samples, 8)
    return inputs, inputs[:, :CLASSES].argmax(1)


def mlp(width: int = 24) -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, CLASSES))


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, factor: float = 1.0) -> None:
    inputs, targets = classes()
    optimizer.zero_grad()
    (functional.cross_entropy(model(inputs), targets) * factor).backward()
    optimizer.step()


@pytest.mark.parametrize("optimizer", [sgd, adam])
@pytest.mark.parametrize("steps", [4, 9])
def test_weights_that_are_loaded_back_after_every_step(optimizer, steps):
    def train(*, back: bool, model: nn.Module) -> Program:
        def program() -> None:
            best, chosen = copy.deepcopy(model.state_dict()), optimizer(model)
            for _ in range(steps):
                step(model, chosen)
                if back:
                    model.load_state_dict(best)

        return program

    model = mlp()
    before = model[0].weight.detach().clone()
    train(back=True, model=model)()
    assert torch.equal(model[0].weight, before)
    found = only(recorded(train(back=True, model=mlp())), "never_changing")
    assert found.evidence["parameters"] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert rules(recorded(train(back=False, model=mlp()))) == set()


def test_weights_that_go_most_of_the_way_back_are_learning():
    """Reptile: a few steps on a task, then a part of the way from the old weights to the new ones."""

    def program() -> None:
        model = mlp()
        for _ in range(4):
            old, optimizer = copy.deepcopy(model.state_dict()), sgd(model)
            for _ in range(2):
                step(model, optimizer)
            new = model.state_dict()
            model.load_state_dict({name: value + 0.3 * (new[name] - value) for name, value in old.items()})

    assert rules(recorded(program)) == set()


@pytest.mark.parametrize("optimizer", [sgd, adam])
@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_loss_that_is_multiplied_by_zero(optimizer, factor):
    model = mlp()
    inputs, targets = classes()
    (functional.cross_entropy(model(inputs), targets) * factor).backward()
    assert bool(model[0].weight.grad.any()) is bool(factor)

    def program() -> None:
        learner = mlp()
        chosen = optimizer(learner)
        for _ in range(5):
            step(learner, chosen, factor)

    run = recorded(program)
    assert rules(run) == (set() if factor else {"zero_gradient"})
    assert factor or only(run, "zero_gradient").evidence["operator"] == "mul"


def test_unused_branch_that_is_kept_in_the_graph_by_a_factor_of_zero():
    """So that every parameter has a gradient, as gradient synchronisation asks for."""

    def program() -> None:
        model, idle = mlp(), nn.Linear(8, 2)
        optimizer = torch.optim.SGD([*model.parameters(), *idle.parameters()], lr=0.05)
        for _ in range(5):
            inputs, targets = classes()
            optimizer.zero_grad()
            (functional.cross_entropy(model(inputs), targets) + 0.0 * idle(inputs).sum()).backward()
            optimizer.step()

    assert rules(recorded(program)) == set()


@pytest.mark.parametrize("samples", [16, 33])
@pytest.mark.parametrize("zero", [True, False])
def test_network_of_nothing_but_zeros(samples, zero):
    """Balanced classes give even the last bias no gradient, so nothing ever moves."""

    def build() -> nn.Sequential:
        model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, CLASSES))
        if zero:
            for parameter in model.parameters():
                nn.init.zeros_(parameter)
        return model

    def program() -> None:
        model = build()
        optimizer = sgd(model)
        for _ in range(4):
            targets = torch.arange(samples) % CLASSES
            optimizer.zero_grad()
            functional.cross_entropy(model(torch.randn(samples, 1, 6, 6)), targets).backward()
            optimizer.step()

    model = build()
    model(torch.randn(4, 1, 6, 6)).sum().backward()
    assert bool(model[0].weight.grad.any()) is not zero
    assert rules(recorded(program)) == ({"zero_gradient", "symmetric_init"} if zero else set())


def normed() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, CLASSES))


def with_validation(every: int, batches: int, *, evaluates: bool) -> Program:
    def program() -> None:
        model = normed()
        optimizer = adam(model)
        for number in range(8):
            step(model, optimizer)
            if number % every == 0:
                model.train(not evaluates)
                with torch.no_grad():
                    for _ in range(batches):
                        (model(classes()[0]).argmax(1) == 0).float().mean().item()
                model.train()

    return program


@pytest.mark.parametrize(("every", "batches"), [(2, 1), (3, 4), (7, 2)])
def test_validation_in_training_mode_between_steps(every, batches):
    model = normed()
    with torch.no_grad():
        model(classes()[0])
    assert model[1].num_batches_tracked == 1
    found = only(recorded(with_validation(every, batches, evaluates=False)), "mode_mistake")
    assert found.module == "1"
    assert found.evidence["calls"] % batches == 0
    assert rules(recorded(with_validation(every, batches, evaluates=True))) == set()


def test_call_without_a_gradient_that_belongs_to_each_step():
    """Pseudo-labels of the network itself, made in training mode."""

    def program() -> None:
        model = normed()
        optimizer = adam(model)
        for _ in range(6):
            inputs, _ = classes()
            with torch.no_grad():
                labels = model(inputs + 0.1 * torch.randn_like(inputs)).argmax(1)
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()

    assert rules(recorded(program)) == set()


@pytest.mark.parametrize(("steps", "severity"), [(2, None), (5, "info"), (9, "warning")])
def test_learning_rate_of_zero(steps, severity):
    def program() -> None:
        model = mlp()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
        for _ in range(steps):
            step(model, optimizer)

    found = {finding.rule: finding.severity for finding in recorded(program).findings()}
    assert found.get("learning_rate") == severity


# No optimizer ever steps


def without_steps(
    *, passes: int = 12, zero: str = "none", training: bool = True, by_hand: bool = False, of_input: bool = False
) -> Program:
    def program() -> None:
        model = mlp().train(training)
        for _ in range(passes):
            inputs, targets = classes()
            if zero != "never":
                model.zero_grad(set_to_none=zero == "none")
            functional.cross_entropy(model(inputs.requires_grad_(of_input)), targets).backward()
            if by_hand:
                with torch.no_grad():
                    for parameter in model.parameters():
                        parameter.sub_(0.05 * parameter.grad)

    return program


@pytest.mark.parametrize("zero", ["none", "zeros", "never"])
@pytest.mark.parametrize("passes", [8, 30])
def test_an_optimizer_that_never_steps(zero, passes):
    torch.manual_seed(0)
    model = mlp()
    before = copy.deepcopy(model.state_dict())
    for _ in range(passes):
        inputs, targets = classes()
        functional.cross_entropy(model(inputs), targets).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    found = only(recorded(without_steps(passes=passes, zero=zero)), "no_update")
    assert found.evidence["parameters"] == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize(
    "program",
    [
        without_steps(passes=3),
        without_steps(training=False),
        without_steps(by_hand=True),
        without_steps(of_input=True),
        without_steps(of_input=True, zero="never"),
    ],
)
def test_gradients_that_are_only_looked_at(program):
    assert "no_update" not in rules(recorded(program))

"""Mistakes of training loops in their usual forms: shown with plain PyTorch, found and placed, gone when mended."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.training import Program, only, recorded, rules

CLASSES = 6


def mlp(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def classes(batch: int = 24) -> tuple[Tensor, Tensor]:
    """Inputs whose class can be read from them."""
    inputs = torch.randn(batch, 8)
    return inputs, inputs[:, :CLASSES].argmax(1)


def sgd(model: nn.Module, lr: float = 0.05) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr)


class Gated(nn.Module):
    """Reads the class of a sequence's first element from its last state."""

    def __init__(self, bias: float, scale: float) -> None:
        super().__init__()
        self.cell, self.head = nn.GRUCell(2, 12), nn.Linear(12, 2)
        with torch.no_grad():
            self.cell.weight_hh.mul_(scale)
            self.cell.bias_ih[12:24].fill_(bias)  # the gate that keeps the old state

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 12)
        for moment in range(x.shape[1]):
            state = self.cell(x[:, moment], state)
        return self.head(state)


def test_a_gradient_that_underflows_on_its_way_through_time():
    def train(bias: float, scale: float) -> Program:
        def program() -> None:
            model = Gated(bias, scale)
            optimizer = sgd(model, 0.01)
            for _ in range(3):
                inputs = torch.randn(8, 48, 2)
                optimizer.zero_grad()
                functional.cross_entropy(model(inputs), (inputs[:, 0, 0] > 0).long()).backward()
                optimizer.step()

        return program

    torch.manual_seed(0)
    inputs = torch.randn(8, 48, 2, requires_grad=True)
    Gated(-3, 0.1)(inputs).sum().backward()
    assert inputs.grad[:, 0].norm() == 0 < inputs.grad[:, -1].norm()
    assert only(recorded(train(-3, 0.1)), "vanishing_time").module == "cell"
    assert rules(recorded(train(2, 1))) == set()


def adversaries(*, zero: bool) -> None:
    made, judge = mlp(4, 16, 8), mlp(8, 16, 1)
    first, second = torch.optim.Adam(judge.parameters(), lr=1e-3), torch.optim.Adam(made.parameters(), lr=1e-3)
    for _ in range(6):
        real, fake = torch.randn(16, 8), made(torch.randn(16, 4))
        first.zero_grad()
        (functional.softplus(-judge(real)) + functional.softplus(judge(fake.detach()))).mean().backward()
        first.step()
        if zero:
            second.zero_grad()
        functional.softplus(-judge(fake)).mean().backward()
        second.step()


def test_one_of_two_optimizers_that_take_turns_never_sets_its_gradients_to_zero():
    found = only(recorded(lambda: adversaries(zero=False)), "missing_zero_grad")
    assert found.evidence["carried_share"] > 0.1
    assert rules(recorded(lambda: adversaries(zero=True))) == set()


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_gradients_set_to_zero_between_backward_and_step(optimizer):
    def train(*, late: bool) -> list[float]:
        model = mlp(8, 16, CLASSES)
        before = copy.deepcopy(model)
        chosen = optimizer(model.parameters(), lr=0.01)
        for _ in range(5):
            inputs, targets = classes()
            if not late:
                chosen.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            if late:
                chosen.zero_grad(set_to_none=False)
            chosen.step()
        return [(a - b).norm().item() for a, b in zip(model.parameters(), before.parameters(), strict=True)]

    assert not any(train(late=True))
    found = only(recorded(lambda: train(late=True) and None), "never_changing")
    assert found.evidence["steps"] == 5
    assert rules(recorded(lambda: train(late=False) and None)) == set()


def test_an_optimizer_that_was_given_a_copy():
    def train(*, copied: bool) -> None:
        model = mlp(8, 16, CLASSES)
        optimizer = torch.optim.Adam((copy.deepcopy(model) if copied else model).parameters(), lr=1e-3)
        for _ in range(4):
            inputs, targets = classes()
            model.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()

    assert only(recorded(lambda: train(copied=True)), "not_in_optimizer").module in ("0", "2")
    assert rules(recorded(lambda: train(copied=False))) == set()


@pytest.mark.parametrize("maximize", [True, False])
def test_the_wrong_sign_with_an_optimizer_for_each_part(maximize):
    def train() -> list[float]:
        model = mlp(8, 16, CLASSES)
        parts = [torch.optim.SGD(model[at].parameters(), lr=0.2, maximize=maximize) for at in (0, 2)]
        losses = []
        for _ in range(12):
            inputs, targets = classes(64)
            for part in parts:
                part.zero_grad()
            loss = functional.cross_entropy(model(inputs), targets)
            loss.backward()
            for part in parts:
                part.step()
            losses.append(loss.item())
        return losses

    torch.manual_seed(0)
    losses = train()
    assert (losses[-1] > losses[0]) is maximize
    said = rules(recorded(lambda: train() and None))
    assert ("wrong_sign" in said) is maximize
    assert maximize or not said


def test_optimizers_with_losses_of_their_own_may_let_one_rise():
    assert rules(recorded(lambda: adversaries(zero=True))) == set()


def test_a_model_that_stays_in_evaluation_mode_after_its_first_validation():
    def train(*, back: bool) -> None:
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, CLASSES))
        optimizer = sgd(model)
        for step in range(6):
            inputs, targets = classes()
            if back:
                model.train()
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            if step == 1:
                model.eval()

    found = only(recorded(lambda: train(back=False)), "mode_mistake")
    assert found.evidence["mode"] == "evaluation"
    assert rules(recorded(lambda: train(back=True))) == set()


class Experts(nn.Module):
    """Two of the experts never get work."""

    def __init__(self) -> None:
        super().__init__()
        self.router, self.experts = nn.Linear(8, 4), nn.ModuleList(mlp(8, 8, CLASSES) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        weights = self.router(x)[:, :2].softmax(1)
        return sum(weights[:, [number]] * self.experts[number](x) for number in range(2))


class Skips(nn.Module):
    """The second of the blocks is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks, self.head = nn.ModuleList(mlp(8, 8, 8) for _ in range(3)), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks[2](self.blocks[0](x)))


@pytest.mark.parametrize("model", [Experts, Skips])
def test_experts_of_several_layers_may_rest_and_blocks_in_a_row_may_not(model):
    def train() -> None:
        network = model()
        optimizer = sgd(network, 0.01)
        for _ in range(4):
            inputs, targets = classes()
            optimizer.zero_grad()
            functional.cross_entropy(network(inputs), targets).backward()
            optimizer.step()

    run = recorded(train)
    unused = {f.module for f in run.findings() if f.rule == "never_arrived"}
    assert unused == ({"experts.2.0", "experts.2.2", "experts.3.0", "experts.3.2"} if model is Experts else
                      {"blocks.1.0", "blocks.1.2"})  # fmt: skip
    assert rules(run) == (set() if model is Experts else {"never_arrived"})


def test_a_line_search_moves_the_weights_though_its_last_trial_does_not():
    def train() -> None:
        model, (inputs, targets) = mlp(8, 16, CLASSES), classes()
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3, line_search_fn="strong_wolfe")

        def again() -> Tensor:
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(inputs), targets)
            loss.backward()
            return loss

        for _ in range(9):
            optimizer.step(again)

    assert rules(recorded(train)) == set()

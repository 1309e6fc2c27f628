"""Each fault of training: shown with plain PyTorch, found by its rule, and gone when repaired."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphviz_nn.run import Run
from tests.checks.training import fit, loud, only, recorded, rules, stack

Optimizers = type[torch.optim.Optimizer]
Loss = Callable[[Tensor, Tensor], Tensor]
CLASSES = 3


def classes(width: int = 8, batch: int = 48) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(batch, width)
    return inputs, inputs[:, :CLASSES].argmax(1)


def classifier(width: int = 32) -> nn.Module:
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, CLASSES))


def trained(
    build: Callable[[], nn.Module], make: Callable[[], tuple[Tensor, Tensor]], *, every: int = 1, **options: object
) -> Run:
    def program() -> None:
        model = build()
        fit(model, *make(), **options)

    return recorded(program, every)


def losses(run: Run) -> list[float]:
    return [step.loss for step in run.data.steps() if step.loss is not None]


def orthogonal(batch: int, width: int) -> Tensor:
    """Columns of mean 0, with covariance 1 exactly."""
    columns = torch.randn(batch, width)
    return torch.linalg.qr(columns - columns.mean(0)).Q * math.sqrt(batch)


def regression(width: int, batch: int = 64) -> tuple[Tensor, Tensor]:
    """Targets that are linear in the inputs."""
    inputs = orthogonal(batch, width)
    return inputs, inputs @ torch.linspace(0.1, 0.4, width)[:, None]


@pytest.mark.parametrize(("width", "steps"), [(4, 40), (12, 12)])
def test_steps_beyond_twice_the_inverse_curvature_diverge(width, steps):
    inputs, _ = regression(width)
    curvature = float(torch.linalg.eigvalsh(2 * inputs.T @ inputs / len(inputs)).amax())
    run = trained(lambda: nn.Linear(width, 1), lambda: regression(width), lr=2.6 / curvature, steps=steps)
    assert losses(run)[-1] > 100 * losses(run)[0]
    assert "diverging" in rules(run)
    assert rules(trained(lambda: nn.Linear(width, 1), lambda: regression(width), lr=0.2 / curvature)) == set()


@pytest.mark.parametrize("lr", [1.0, 10.0])
def test_divergence_that_ends_in_nan(lr):
    def make() -> tuple[Tensor, Tensor]:
        inputs = torch.randn(32, 12)
        return inputs, inputs[:, :3].sin()

    run = trained(lambda: stack(12, 1, nn.ReLU, std=0.5), make, lr=lr, steps=12)
    assert not math.isfinite(losses(run)[-1])
    assert "diverging" in rules(run)
    assert rules(trained(lambda: stack(12, 1, nn.ReLU, std=0.3), make, lr=1e-2, steps=12)) == set()


class Pointwise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv1d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x)


def signals() -> tuple[Tensor, Tensor]:
    inputs = orthogonal(80, 6).reshape(8, 10, 6).mT.contiguous()
    return inputs, torch.stack([inputs[:, 0] + inputs[:, 3], inputs[:, 1] - 2 * inputs[:, 5]], 1)


@pytest.mark.parametrize(
    ("build", "make", "curvature"),
    [(lambda: nn.Linear(5, 1), lambda: regression(5), 2.0), (Pointwise, signals, 1.0)],
)
def test_steps_to_and_fro(build, make, curvature):
    torch.manual_seed(0)
    model, (inputs, targets) = build(), make()
    rate, updates = 1.96 / curvature, []
    weight = next(model.parameters())
    for _ in range(2):
        before = weight.detach().clone()
        fit(model, inputs, targets, lr=rate, steps=1)
        updates.append(weight.detach() - before)
    torch.testing.assert_close(updates[1], -0.96 * updates[0], rtol=0.1, atol=1e-2)
    run = trained(build, make, lr=rate, steps=14)
    assert "oscillating" in rules(run)
    assert "oscillating" not in rules(trained(build, make, lr=rate, steps=6))
    assert rules(trained(build, make, lr=rate / 4, steps=14)) == set()


def test_two_batches_in_turns_do_not_oscillate():
    def program() -> None:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=5e-2)
        inputs, noise = torch.randn(32, 4), 0.3
        for step in range(60):
            optimizer.zero_grad()
            sign = 1 if step % 2 else -1
            functional.mse_loss(model(inputs + 1e-3 * sign), inputs[:, :1] + noise * sign * inputs[:, 1:2]).backward()
            optimizer.step()

    assert rules(recorded(program)) == set()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_loss_that_stays_at_guessing(seed):
    def program(informative: bool) -> None:
        torch.manual_seed(seed)
        model = classifier(16)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(540):
            inputs, targets = classes()
            optimizer.zero_grad()
            shuffled = targets if informative else targets[torch.randperm(len(targets))]
            functional.cross_entropy(model(inputs), shuffled).backward()
            optimizer.step()

    run = recorded(lambda: program(False), every=20)
    assert sum(losses(run)[-6:]) / 6 == pytest.approx(math.log(CLASSES), rel=0.03)
    assert only(run, "flat").evidence["guessing"] == pytest.approx(math.log(CLASSES), rel=0.03)
    assert recorded(lambda: program(True), every=20).findings(["training"]) == []


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (lambda y, t: -functional.cross_entropy(y, t), functional.cross_entropy),
        (lambda y, t: 1 - functional.cross_entropy(y, t), functional.cross_entropy),
        (
            lambda y, t: y.log_softmax(1).gather(1, t[:, None]).mean(),
            lambda y, t: -y.log_softmax(1).gather(1, t[:, None]).mean(),
        ),
        (
            lambda y, t: functional.nll_loss(y.log_softmax(1), t) * -0.5,
            lambda y, t: -(functional.nll_loss(y.log_softmax(1), t) * -0.5),
        ),
        (
            lambda y, t: -((y - functional.one_hot(t, CLASSES)) ** 2).mean(),
            lambda y, t: ((y - functional.one_hot(t, CLASSES)) ** 2).mean(),
        ),
    ],
)
def test_a_loss_of_the_wrong_sign(wrong, right):
    torch.manual_seed(0)
    model, (inputs, targets) = classifier(), classes()
    before = right(model(inputs), targets)
    fit(model, inputs, targets, loss=wrong, steps=20)
    assert right(model(inputs), targets) > before
    assert only(trained(classifier, classes, loss=wrong), "wrong_sign").severity == "error"
    assert rules(trained(lambda: classifier(8), classes, loss=right)) == set()
    assert "wrong_sign" in rules(trained(lambda: classifier(8), classes, loss=wrong))


def test_an_optimizer_that_maximises():
    def program(maximize: bool, loss: Loss) -> None:
        model, (inputs, targets) = classifier(), classes()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, maximize=maximize)
        for _ in range(4):
            optimizer.zero_grad()
            loss(model(inputs), targets).backward()
            optimizer.step()

    run = recorded(lambda: program(True, functional.cross_entropy))
    assert losses(run)[-1] > losses(run)[0]
    assert only(run, "wrong_sign").rule == "wrong_sign"
    assert rules(recorded(lambda: program(True, lambda y, t: -functional.cross_entropy(y, t)))) == set()
    assert rules(recorded(lambda: program(False, functional.cross_entropy))) == set()


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_gradients_that_are_turned_round(optimizer):
    def run(sign: int) -> Run:
        def program() -> None:
            model, (inputs, targets) = classifier(), classes()
            chosen = optimizer(model.parameters(), lr=0.01)
            for _ in range(8):
                chosen.zero_grad()
                functional.cross_entropy(model(inputs), targets).backward()
                for parameter in model.parameters():
                    parameter.grad *= sign
                chosen.step()

        return recorded(program)

    assert losses(run(-1))[-1] > losses(run(-1))[0]
    assert only(run(-1), "wrong_sign").evidence["losses"] == ["cross_entropy"]
    assert rules(run(1)) == set()


@pytest.mark.parametrize(
    ("optimizer", "lr", "width"),
    [(torch.optim.SGD, 1e-8, 16), (torch.optim.Adam, 1e-9, 64), (torch.optim.AdamW, 1e-10, 32)],
)
def test_a_learning_rate_that_moves_nothing(optimizer, lr, width):
    torch.manual_seed(0)
    model, (inputs, targets) = classifier(width), classes()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    fit(model, inputs, targets, loss=functional.cross_entropy, optimizer=optimizer, lr=lr, steps=10)
    moved = [(new - old).norm() / old.norm() for new, old in zip(model.parameters(), before, strict=True)]
    assert max(moved) < 1e-5

    def run(rate: float) -> Run:
        loss = functional.cross_entropy
        return trained(lambda: classifier(width), classes, loss=loss, optimizer=optimizer, lr=rate, steps=12)

    found = only(run(lr), "learning_rate")
    assert found.evidence["rate"] == lr
    assert found.evidence["ratio"] < 1e-6
    assert rules(run(1e-2 if optimizer is torch.optim.SGD else 1e-3)) == set()


def test_a_learning_rate_of_zero():
    def run(rate: float, steps: int = 10) -> Run:
        return trained(classifier, classes, loss=functional.cross_entropy, lr=rate, steps=steps)

    assert len(set(losses(run(0.0)))) == 1
    assert only(run(0.0), "learning_rate").evidence["rate"] == 0
    assert rules(run(0.0, steps=4)) == set()
    assert rules(run(0.01)) == set()


@pytest.mark.parametrize(
    ("optimizer", "lr", "good", "steps"),
    [
        (torch.optim.Adam, 3.0, 3e-3, 14),
        (torch.optim.SGD, 10.0, 0.1, 40),
        (torch.optim.AdamW, 2.0, 3e-3, 20),
    ],
)
def test_a_learning_rate_that_destroys_the_weights(optimizer, lr, good, steps):
    def run(rate: float) -> Run:
        loss = functional.cross_entropy
        return trained(classifier, classes, loss=loss, optimizer=optimizer, lr=rate, steps=steps)

    fault = run(lr)
    assert max(losses(fault)) > 8 * losses(fault)[0]
    assert "learning_rate" in rules(fault)
    assert rules(run(good)) == set()


def scheduled(factor: float, lr: float, steps: int = 40, optimizer: Optimizers = torch.optim.SGD) -> Run:
    """Trains on fresh data, with the rate multiplied by the factor after each batch."""

    def program() -> None:
        model = classifier()
        chosen = optimizer(model.parameters(), lr=lr)  # type: ignore[call-arg]
        schedule = torch.optim.lr_scheduler.ExponentialLR(chosen, factor)
        for _ in range(steps):
            inputs, targets = classes()
            chosen.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            chosen.step()
            schedule.step()

    return recorded(program)


@pytest.mark.parametrize(("factor", "steps"), [(0.5, 30), (0.7, 40), (0.1, 12)])
def test_a_schedule_that_is_stepped_too_often(factor, steps):
    assert factor**steps < 1e-3
    run = scheduled(factor, 0.1, steps)
    assert abs(losses(run)[-1] - losses(run)[steps // 2]) < 0.15
    assert only(run, "schedule", "learning_rate").evidence["largest_rate"] == 0.1
    assert rules(scheduled(0.98, 0.1, steps)) == set()


@pytest.mark.parametrize(("optimizer", "lr"), [(torch.optim.SGD, 0.1), (torch.optim.Adam, 1e-3)])
def test_a_schedule_that_raises_the_rate_until_the_loss_rises(optimizer, lr):
    run = scheduled(1.35, lr, 40, optimizer)
    assert not losses(run)[-1] < losses(run)[0]
    assert "schedule" in rules(run)
    assert loud(scheduled(1.01, lr, 40, optimizer)) == []

"""Mistakes of models and losses in their usual forms: shown with plain PyTorch, found and placed, gone when mended."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphviz_nn.run import Run
from tests.checks.training import only, recorded, rules

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


def first_alone(inputs: Tensor) -> Tensor:
    return inputs[:1].expand(len(inputs), -1) * 1.0


@pytest.mark.parametrize("picked", [True, False])
def test_one_sample_is_repeated_over_the_batch(picked):
    def train() -> None:
        model = mlp(8, 16, CLASSES)
        optimizer = sgd(model)
        fixed, _ = classes()
        for _ in range(4):
            inputs, targets = classes()
            optimizer.zero_grad()
            functional.cross_entropy(model(first_alone(fixed) if picked else inputs), targets).backward()
            optimizer.step()

    assert first_alone(classes()[0]).std(0).max() == 0
    assert rules(recorded(train)) == ({"constant_input"} if picked else set())


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_samples_that_cannot_be_told_apart_behind_a_view(scale):
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.middle, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.tanh(self.middle(scale * torch.tanh(self.enter(x.flatten(1))))))

    def train() -> None:
        model = Squeezed()
        optimizer = sgd(model)
        for _ in range(4):
            inputs, targets = classes()
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs[:, None]), targets).backward()
            optimizer.step()

    torch.manual_seed(0)
    outputs = Squeezed()(classes()[0][:, None])
    assert (outputs.std(0).max().item() < 1e-5) is (scale < 1)
    run = recorded(train)
    assert rules(run) == ({"collapsed"} if scale < 1 else set())
    assert scale == 1 or only(run, "collapsed").module == "middle"


class Sequences(nn.Module):
    """Reads sequences of shape [batch, time, features], with a layer that may expect the time first."""

    def __init__(self, kind: str, *, batch_first: bool) -> None:
        super().__init__()
        self.attends = kind == "attention"
        self.layer = (
            nn.MultiheadAttention(8, 2, batch_first=batch_first)
            if self.attends
            else getattr(nn, kind)(8, 8, batch_first=batch_first)
        )
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, 0]  # one channel of several
        return self.head((self.layer(x, x, x) if self.attends else self.layer(x))[0].mean(1))


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "attention"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_layer_that_takes_the_batch_for_the_sequence_behind_an_index(kind, batch_first):
    def train() -> None:
        model = Sequences(kind, batch_first=batch_first)
        optimizer = sgd(model)
        for _ in range(3):
            inputs = torch.randn(12, 2, 5, 8)
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), inputs[:, 0, 0, :CLASSES].argmax(1)).backward()
            optimizer.step()

    torch.manual_seed(0)
    model, inputs = Sequences(kind, batch_first=batch_first), torch.randn(12, 2, 5, 8)
    changed = torch.cat([inputs[:1], torch.randn(11, 2, 5, 8)])
    assert torch.allclose(model(inputs)[0], model(changed)[0], atol=1e-6) is batch_first or kind != "attention"
    run = recorded(train)
    assert rules(run) == (set() if batch_first else {"batch_leak"})
    assert batch_first or only(run, "batch_leak").module == "layer"


@pytest.mark.parametrize("activation", [nn.Identity, nn.ReLU])
@pytest.mark.parametrize("channels", [2, 6])
def test_convolutions_and_a_head_without_an_activation(activation, channels):
    def build() -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            activation(),
            nn.Conv2d(channels, channels, 3, padding=1),
            activation(),
            nn.Flatten(),
            nn.Linear(channels * 36, 4),
        )

    def train() -> None:
        model = build()
        optimizer = sgd(model, 0.01)
        for _ in range(3):
            inputs = torch.randn(8, 1, 6, 6)
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), inputs[:, 0, 0, :4].argmax(1)).backward()
            optimizer.step()

    torch.manual_seed(0)
    model, (one, two) = build(), torch.randn(2, 8, 1, 6, 6)
    linear = torch.allclose(model(one + two), model(one) + model(two) - model(torch.zeros_like(one)), atol=1e-5)
    assert linear is (activation is nn.Identity)
    run = recorded(train)
    assert rules(run) == ({"linear_chain"} if linear else set())
    assert not linear or only(run, "linear_chain").module == "0"


def over(last: nn.Module, loss, outputs: int, *, scale: float = 1.0, steps: int = 4) -> Run:
    """Trains a network that ends in this activation."""

    def program() -> None:
        model = nn.Sequential(*mlp(8, 16, outputs), last)
        optimizer = sgd(model, 0.02)
        for _ in range(steps):
            inputs, targets = classes(48)
            optimizer.zero_grad()
            made = model(inputs)
            loss(made if scale == 1 else scale * made, targets).backward()
            optimizer.step()

    return recorded(program)


def is_even(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs[:, 0], (targets % 2).float())


def to_number(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs[:, 0], targets.float())


@pytest.mark.parametrize(
    ("last", "loss", "outputs"),
    [
        (nn.Tanh(), functional.cross_entropy, CLASSES),
        (nn.ReLU(), functional.cross_entropy, CLASSES),
        (nn.Hardtanh(0, 1), functional.cross_entropy, CLASSES),
        (nn.ReLU(), is_even, 1),
        (nn.Tanh(), is_even, 1),
        (nn.Hardtanh(), to_number, 1),
        (nn.Hardtanh(0, 3), to_number, 1),
    ],
)
def test_a_last_activation_that_keeps_the_prediction_from_its_target(last, loss, outputs):
    assert only(over(last, loss, outputs), "output_range").module == "3"


@pytest.mark.parametrize(
    ("last", "loss", "outputs", "scale"),
    [
        (nn.Tanh(), functional.cross_entropy, CLASSES, 10.0),
        (nn.Hardtanh(-10, 10), functional.cross_entropy, CLASSES, 1.0),
        (nn.Hardtanh(-8, 8), is_even, 1, 1.0),
        (nn.Hardtanh(-1, 6), to_number, 1, 1.0),
        (nn.Softplus(), to_number, 1, 1.0),
    ],
)
def test_a_last_activation_with_room_for_the_targets_is_quiet(last, loss, outputs, scale):
    assert rules(over(last, loss, outputs, scale=scale)) == set()


def test_the_least_loss_within_the_reach_of_tanh_is_told():
    targets = torch.arange(CLASSES)
    best = functional.cross_entropy(2.0 * functional.one_hot(targets, CLASSES) - 1, targets)
    evidence = only(over(nn.Tanh(), functional.cross_entropy, CLASSES), "output_range").evidence
    assert evidence["least_loss"] == pytest.approx(float(best), rel=1e-5)
    assert evidence["guessing"] == pytest.approx(math.log(CLASSES))


def divergence(form: str):
    """A loss that compares distributions, whose input or target may be no such thing."""

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        wanted = 0.9 * functional.one_hot(targets, CLASSES).float() + 0.1 / CLASSES
        given = outputs.softmax(1) if form == "input" else outputs.log_softmax(1)
        wanted = {"sum": 10 * wanted, "log": wanted.log()}.get(form, wanted)
        return functional.kl_div(given, wanted, reduction="batchmean", log_target=form == "told")

    return loss


@pytest.mark.parametrize(
    ("form", "rule"),
    [("input", "missing_log_softmax"), ("sum", "targets_out_of_range"), ("log", "targets_out_of_range")],
)
def test_a_divergence_of_what_is_no_distribution(form, rule):
    run = over(nn.Identity(), divergence(form), CLASSES)
    assert rule in rules(run) <= {rule, "nonfinite_forward"}
    assert run.node(next(f for f in run.findings() if f.rule == rule).node).op == "kl_div"


def test_a_divergence_of_distributions_is_quiet():
    assert rules(over(nn.Identity(), divergence("right"), CLASSES)) == set()

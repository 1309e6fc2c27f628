"""Samples that meet each other where nobody meant it: shown with plain PyTorch, found and placed, gone when mended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.nn import functional

from graphviz_nn.run import Run
from tests.checks.training import only, recorded, rules

CLASSES = 3
Batch = tuple[Tensor, Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


def trained(model: Callable[[], nn.Module], batch: Callable[[], Batch], loss: Loss) -> Run:
    def program() -> None:
        learner = model()
        optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
        for _ in range(3):
            inputs, targets = batch()
            optimizer.zero_grad()
            loss(learner(inputs), targets).backward()
            optimizer.step()

    return recorded(program)


def depends_on_others(model: nn.Module, inputs: Tensor) -> bool:
    """Whether the last sample's output has a gradient with respect to other samples."""
    inputs = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(inputs)[-1].sum(), inputs)
    return bool(gradient[:-1].any())


class TimeFirst(nn.Module):
    """Brings the sequence to the first dimension, by a transposition or by a reshape that only fits the shape."""

    def __init__(self, kind: type[nn.RNNBase], *, transposes: bool) -> None:
        super().__init__()
        self.layer, self.head, self.transposes = kind(5, 12), nn.Linear(12, CLASSES), transposes

    def forward(self, x: Tensor) -> Tensor:
        batch, length, features = x.shape
        moved = x.transpose(0, 1) if self.transposes else x.reshape(length, batch, features)
        return self.head(self.layer(moved)[0][-1])


@pytest.mark.parametrize(("samples", "length"), [(16, 9), (12, 5), (16, 8), (4, 12)])
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
def test_sequence_brought_first_by_a_reshape(kind, samples, length):
    def batch() -> Batch:
        inputs = torch.randn(samples, length, 5)
        return inputs, inputs[:, -1, :CLASSES].argmax(1)

    torch.manual_seed(0)
    assert depends_on_others(TimeFirst(kind, transposes=False), batch()[0])
    run = trained(lambda: TimeFirst(kind, transposes=False), batch, functional.cross_entropy)
    assert only(run, "batch_leak").evidence["operator"] in ("reshape", kind.__name__.lower(), "rnn_tanh")
    assert rules(trained(lambda: TimeFirst(kind, transposes=True), batch, functional.cross_entropy)) == set()


class OverOne(nn.Module):
    """Goes over one dimension of its hidden table."""

    def __init__(self, over: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.over = nn.Linear(8, 16), nn.Linear(16, CLASSES), over

    def forward(self, x: Tensor) -> Tensor:
        return self.last(4 * self.over(self.first(x)))


@pytest.mark.parametrize("samples", [6, 32])
@pytest.mark.parametrize(
    ("over", "operator"),
    [
        (lambda dim: lambda x: functional.normalize(x, dim=dim), "normalize"),
        (lambda dim: lambda x: 4 * x.softmax(dim), "softmax"),
        (lambda dim: lambda x: x.cumsum(dim) / 4, "cumsum"),
    ],
)
def test_hidden_table_gone_over_along_the_samples(over, operator, samples):
    def batch() -> Batch:
        inputs = torch.randn(samples, 8)
        return inputs, inputs[:, :CLASSES].argmax(1)

    torch.manual_seed(0)
    assert depends_on_others(OverOne(over(0)), batch()[0])
    assert not depends_on_others(OverOne(over(1)), batch()[0])
    found = only(trained(lambda: OverOne(over(0)), batch, functional.cross_entropy), "batch_leak")
    assert found.evidence["operator"] == operator
    assert rules(trained(lambda: OverOne(over(1)), batch, functional.cross_entropy)) == set()


def column(samples: int) -> Batch:
    inputs = torch.randn(samples, 6)
    return inputs, inputs[:, 0]


def weighted(prediction: Tensor, target: Tensor) -> Tensor:
    weights = torch.linspace(0.1, 1.0, len(target))
    return (weights * (prediction - target) ** 2).mean()


def absolute(prediction: Tensor, target: Tensor) -> Tensor:
    return torch.log1p((target - prediction).abs()).mean()


def density(prediction: Tensor, target: Tensor) -> Tensor:
    return (0.5 * prediction.exp() + 0.5 * (target - prediction) ** 2 * torch.exp(-prediction)).sum() / 100


def advantage(prediction: Tensor, target: Tensor) -> Tensor:
    return -(functional.logsigmoid(prediction) * target).mean()


def reads_other_targets(loss: Loss, samples: int) -> bool:
    """Whether the gradient of the first prediction depends on the last target."""
    prediction, target = torch.randn(samples, 1, requires_grad=True), torch.randn(samples)
    moved = torch.cat([target[:-1], target[-1:] + 1])
    (before,) = torch.autograd.grad(loss(prediction, target), prediction)
    (after,) = torch.autograd.grad(loss(prediction, moved), prediction)
    return not torch.allclose(before[0], after[0], rtol=1e-4)


@pytest.mark.parametrize("samples", [7, 40])
@pytest.mark.parametrize("loss", [weighted, absolute, density, advantage])
def test_column_against_row_in_a_written_loss(loss, samples):
    def matched(prediction: Tensor, target: Tensor) -> Tensor:
        return loss(prediction.squeeze(-1), target)

    torch.manual_seed(0)
    assert reads_other_targets(loss, samples)
    assert not reads_other_targets(matched, samples)

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))

    found = only(trained(model, lambda: column(samples), loss), "broadcast_loss")
    assert found.evidence["differences"] == samples**2
    assert rules(trained(model, lambda: column(samples), matched)) == set()


def test_pairs_of_samples_that_are_meant():
    """All pairs of scores, with the dimension added in sight, as ranking losses have them."""

    def ranked(prediction: Tensor, target: Tensor) -> Tensor:
        scores = prediction.squeeze(-1)
        wanted = (target.unsqueeze(-1) - target).sign()
        return functional.softplus(-wanted * (scores.unsqueeze(-1) - scores)).mean()

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))

    assert rules(trained(model, lambda: column(16), ranked)) == set()


class Policy(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.body, self.dim = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, CLASSES)), dim

    def forward(self, x: Tensor) -> Tensor:
        return functional.softmax(self.body(x), dim=self.dim)


def picked(probabilities: Tensor, actions: Tensor) -> Tensor:
    return -torch.log(probabilities.gather(1, actions[:, None]) + 1e-8).mean()


def drawn(probabilities: Tensor, actions: Tensor) -> Tensor:
    return -Categorical(probs=probabilities).log_prob(actions).mean()


@pytest.mark.parametrize("loss", [picked, drawn])
@pytest.mark.parametrize("samples", [5, 24])
def test_policy_with_a_softmax_over_the_batch(loss, samples):
    def batch() -> Batch:
        inputs = torch.randn(samples, 6)
        return inputs, inputs[:, :CLASSES].argmax(1)

    torch.manual_seed(0)
    assert Policy(0)(batch()[0]).sum(1).sub(1).abs().max() > 0.1
    run = trained(lambda: Policy(0), batch, loss)
    assert only(run, "softmax_over_batch").evidence["samples"] == samples
    assert rules(trained(lambda: Policy(1), batch, loss)) == set()

"""What should agree and does not: micro-batches, recomputation, ranks. Each with its repaired twin."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import graphviz_nn as gnn
from graphviz_nn.model.steps import RunData
from graphviz_nn.run import Run
from graphviz_nn.store.merge import MergedRun
from tests.checks.training import loud, norms, only, recorded, rules, stack

# Micro-batches


def accumulate(
    weights: Sequence[float], sizes: Sequence[int], *, loss=functional.cross_entropy, steps: int = 3
) -> None:
    model = stack(6, 1, nn.Tanh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        for weight, size in zip(weights, sizes, strict=True):
            targets = torch.randint(0, 3, (size,)) if loss is functional.cross_entropy else torch.randn(size, 3)
            (loss(model(torch.randn(size, 6)), targets) * weight).backward()
        optimizer.step()


@pytest.mark.parametrize("count", [3, 4, 8])
@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("loss", [functional.cross_entropy, functional.mse_loss])
def test_a_micro_batch_whose_loss_is_not_divided(count, place, loss):
    weights = [1 / count] * count
    weights[place] = 1.0
    model, inputs, targets = stack(6, 1, nn.Tanh), torch.randn(8, 6), torch.randn(8, 3)
    plain = norms(model, functional.mse_loss(model(inputs), targets))
    divided = norms(model, functional.mse_loss(model(inputs), targets) / count)
    assert all(plain[name] == pytest.approx(count * divided[name]) for name in plain)
    found = only(recorded(lambda: accumulate(weights, [8] * count, loss=loss)), "passes_disagree")
    assert found.severity == "warning"
    assert found.evidence["factor"] == pytest.approx(count)
    assert found.evidence["weight_by_pass"] == pytest.approx(weights)
    gradients = found.evidence["gradient_by_pass"]
    assert len(gradients) == count
    assert gradients[place] > 1.5 * sorted(gradients)[count // 2]
    run = recorded(lambda: accumulate([1 / count] * count, [8] * count, loss=loss))
    assert [finding for finding in run.findings() if finding.rule == "passes_disagree"] == []


def test_the_root_that_counts_too_much_is_named():
    run = recorded(lambda: accumulate([0.25, 0.25, 1.0, 0.25], [8] * 4))
    assert run.node(only(run, "passes_disagree").node).name == "mul_3"


@pytest.mark.parametrize("sizes", [(8, 8, 8, 2), (32, 32, 32, 32, 1)])
def test_a_smaller_micro_batch_is_information(sizes):
    equal = [1 / len(sizes)] * len(sizes)
    (found,) = recorded(lambda: accumulate(equal, sizes)).findings(["passes_disagree"])
    assert found.severity == "info"
    assert found.evidence["factor"] == pytest.approx(sizes[0] / sizes[-1])
    by_size = [size / sum(sizes) for size in sizes]
    assert recorded(lambda: accumulate(by_size, sizes)).findings(["passes_disagree"]) == []


def test_losses_of_several_tasks_are_no_micro_batches():
    def train() -> None:
        body, heads = nn.Linear(6, 8), nn.ModuleList(nn.Linear(8, 3) for _ in range(4))
        optimizer = torch.optim.SGD([*body.parameters(), *heads.parameters()], lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            for head, weight in zip(heads, (0.25, 0.25, 0.25, 1.0), strict=True):
                hidden = body(torch.randn(8, 6)).tanh()
                (weight * functional.mse_loss(head(hidden), torch.randn(8, 3))).backward()
            optimizer.step()

    assert recorded(train).findings(["passes_disagree"]) == []


# Recomputation


class Checkpointed(nn.Module):
    def __init__(self, width: int, *, keep: bool, reentrant: bool, drop: float = 0.3) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(6, width), nn.Dropout(drop), nn.Tanh())
        self.head, self.keep, self.reentrant = nn.Linear(width, 3), keep, reentrant

    def forward(self, x: Tensor) -> Tensor:
        hidden = checkpoint(self.block, x, use_reentrant=self.reentrant, preserve_rng_state=self.keep)
        return self.head(hidden)


def train_checkpointed(steps: int = 3, batch: int = 32, **options) -> None:
    model = Checkpointed(**options)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        functional.mse_loss(model(torch.randn(batch, 6).requires_grad_()), torch.randn(batch, 3)).backward()
        optimizer.step()


@pytest.mark.parametrize("width", [8, 64, 512])
@pytest.mark.parametrize("reentrant", [False, True])
def test_dropout_draws_another_mask_when_it_is_recomputed(width, reentrant):
    torch.manual_seed(0)
    model = Checkpointed(width, keep=False, reentrant=reentrant)
    inputs, gradients = torch.randn(32, 6), []
    for keep in (True, False):
        model.keep = keep
        torch.manual_seed(1)
        model.zero_grad()
        model(inputs.clone().requires_grad_()).sum().backward()
        gradients.append(model.block[0].weight.grad.clone())
    assert not torch.allclose(*gradients, rtol=1e-3), "the gradient is not that of the forward pass"
    run = recorded(lambda: train_checkpointed(width=width, keep=False, reentrant=reentrant))
    found = only(run, "recompute_differs")
    assert (run.node(found.node).op, found.module, found.severity) == ("dropout", "block.1", "error")
    assert rules(recorded(lambda: train_checkpointed(width=width, keep=True, reentrant=reentrant))) == set()


class Masked(nn.Module):
    """Dropout written by hand."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * (torch.rand_like(x) > 0.5) * 2).tanh()


@pytest.mark.parametrize("width", [64, 1024])
def test_a_mask_that_is_drawn_again(width):
    def train(keep: bool) -> None:
        model = Checkpointed(width, keep=keep, reentrant=False)
        model.block = nn.Sequential(nn.Linear(6, width), Masked())
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for _ in range(3):
            optimizer.zero_grad()
            functional.mse_loss(model(torch.randn(64, 6)), torch.randn(64, 3)).backward()
            optimizer.step()

    run = recorded(lambda: train(keep=False))
    assert run.node(only(run, "recompute_differs").node).op == "mul"
    assert loud(recorded(lambda: train(keep=True))) == []


class Growing(nn.Module):
    """Multiplies by a number that grows with each call: what is computed again is not what was computed."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.inner, self.factor, self.gain = nn.Linear(6, 6), factor, torch.ones(6)

    def forward(self, x: Tensor) -> Tensor:
        self.gain = self.gain * self.factor
        return self.inner(x * self.gain).tanh()


def test_a_block_that_keeps_a_state():
    def train(factor: float) -> None:
        model = Checkpointed(6, keep=True, reentrant=False)
        model.block = Growing(factor)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for _ in range(3):
            optimizer.zero_grad()
            functional.mse_loss(model(torch.randn(8, 6).requires_grad_()), torch.randn(8, 3)).backward()
            optimizer.step()

    run = recorded(lambda: train(1.1))
    assert run.node(only(run, "recompute_differs").node).op == "mul"
    assert loud(recorded(lambda: train(1.0))) == []


# Ranks


def rank_of(number: int, *, start: int, averaged: bool) -> RunData:
    """What a rank records that begins at some random state, with gradients of its own batches or those of all."""
    torch.manual_seed(start)
    model = stack(6, 1, nn.Tanh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    torch.manual_seed(7 if averaged else 100 + number)
    with gnn.record(None, every=1) as recording:
        for _ in range(4):
            optimizer.zero_grad()
            functional.mse_loss(model(torch.randn(8, 6)), torch.randn(8, 3)).backward()
            if averaged:
                for parameter in model.parameters():  # as an all-reduce of them leaves them
                    parameter.grad = torch.linspace(-1, 1.5, parameter.numel()).view_as(parameter)
            optimizer.step()
    return recording.run.data


def together(*ranks: RunData) -> Run:
    return Run(MergedRun("ranks", ranks))


@pytest.mark.parametrize("world", [2, 4])
def test_ranks_that_drift_apart(world):
    apart = [rank_of(number, start=0, averaged=False) for number in range(world)]
    found = only(together(*apart), "ranks_disagree")
    assert found.severity == "error"
    assert "drifted" in found.cause
    assert len(found.evidence["norm_by_rank"]) == world
    assert set(found.evidence["parameters"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    kept = together(*(rank_of(number, start=0, averaged=True) for number in range(world)))
    assert rules(kept) == set()


def test_ranks_that_did_not_begin_alike():
    found = only(together(*(rank_of(number, start=number, averaged=True) for number in range(3))), "ranks_disagree")
    assert "did not begin alike" in found.cause


def test_shards_and_trials_of_their_own_are_left_alone():
    """Each rank holds other numbers from the first step on, and changes them in its own way."""
    assert rules(together(*(rank_of(number, start=number, averaged=False) for number in range(3)))) == set()


def test_one_rank_alone_says_nothing_of_the_others():
    assert rules(Run(rank_of(0, start=0, averaged=False))) == set()

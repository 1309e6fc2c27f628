"""Data that nothing can be learned from as they come, and where the loss shows it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphviz_nn.run import Run
from tests.checks.training import only, recorded, rules


class Reader(nn.Module):
    """Reads sequences of different lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return self.head(self.layer(packed)[1][0])


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_a_feature_of_packed_sequences_with_a_scale_of_its_own(scale):
    def train() -> None:
        model = Reader()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            inputs = 0.02 * torch.randn(12, 6, 4) * torch.tensor([1.0, scale, 1.0, 1.0])
            optimizer.zero_grad()
            lengths = torch.arange(12, 0, -1).clamp(2, 6)
            functional.cross_entropy(model(inputs, lengths), (inputs[:, 0, 0] > 0).long()).backward()
            optimizer.step()

    run = recorded(train)
    assert rules(run) == ({"input_scale"} if scale > 1 else set())
    if scale > 1:
        evidence = only(run, "input_scale").evidence
        assert evidence["largest_deviation"] / evidence["median_deviation"] == pytest.approx(scale, rel=0.7)


def regression(related: float, steps: int = 40) -> Run:
    """Fits a number that depends on the inputs by a share of its variance."""

    def program() -> None:
        model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(steps):
            inputs = torch.randn(256, 4)
            targets = related * inputs[:, :1] + (1 - related**2) ** 0.5 * torch.randn(256, 1)
            optimizer.zero_grad()
            functional.mse_loss(model(inputs), targets).backward()
            optimizer.step()

    return recorded(program)


@pytest.mark.parametrize("related", [0.0, 1.0])
def test_a_regression_that_stays_at_the_variance_of_its_targets(related):
    findings = [f for f in regression(related).findings() if f.rule == "flat"]
    assert bool(findings) is (related == 0)
    for found in findings:
        assert found.severity == "info"
        assert found.evidence["guessing"] == pytest.approx(1, abs=0.1)


def test_parameters_that_a_backward_phase_spoiled_are_not_where_it_began():
    def train(epsilon: float) -> None:
        model = nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            inputs = torch.randn(8, 4)
            optimizer.zero_grad()
            difference = model(inputs) - model(inputs)
            (difference.square().sum(1) + epsilon).sqrt().mean().backward()
            optimizer.step()

    run = recorded(lambda: train(0))
    found = only(run, "nonfinite_backward")
    assert (found.step, run.node(found.node).op) == (0, "sqrt")
    assert rules(recorded(lambda: train(1e-8))) == set()

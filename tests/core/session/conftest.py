"""Runs that the tests of the session look at, recorded once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.model.steps import MemoryRun, RunData
from graphviz_nn.session import Session
from graphviz_nn.store import open_run
from tests.support.recorded import run_of
from tests.support.runs import with_gradients
from tests.support.structures import transformer


class SmallNetwork(nn.Module):
    """A convolution, an in-place activation, and attention, whose function is a composite."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = torch.relu_(self.conv(x)).flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return self.head(mixed.mean(1))


@pytest.fixture(scope="session")
def network() -> RunData:
    """Forward, backward and update of a small convolutional network with attention, with all tensors."""
    torch.manual_seed(0)
    model = SmallNetwork()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = gnn.trace(model, torch.randn(2, 3, 6, 6), loss=lambda out: out.pow(2).mean(), optimizer=optimizer)
    return run.data


class Recurrence(nn.Module):
    """An LSTM cell called once for each token."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(3, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        state = None
        for token in tokens:
            state = self.cell(token, state)
        assert state is not None
        return state[0].sum()


@pytest.fixture(scope="session")
def recurrence() -> RunData:
    """Three steps over sequences of 3, 3 and 5 tokens: the last has another structure."""
    torch.manual_seed(0)
    model, joined = Recurrence(), MemoryRun()
    for length in (3, 3, 5):
        run = gnn.trace(model, torch.randn(length, 2, 3), loss=lambda out: out)
        assert isinstance(run.data, MemoryRun)
        joined.write(run.data.record(0))
    return joined


@pytest.fixture(scope="session")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunData]:
    """A run file of a program that raised in the middle of its forward pass."""
    path = tmp_path_factory.mktemp("runs") / "partial.gvnn"
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(5, 2))
    with pytest.raises(RuntimeError, match="shapes"), gnn.record(path, model, every=1):
        model(torch.ones(3, 4))
    with open_run(path) as run:
        yield run


RECORDED = ("gradient_penalty", "checkpoint_without_reentry", "checkpoint_with_reentry", "optimizer_with_closure")


@pytest.fixture(scope="session", params=["network", "recurrence", "partial", "transformer", *RECORDED])
def any_run(request: pytest.FixtureRequest) -> RunData:
    """Each of the runs: convolution, recurrence, partial, double backward, checkpoint, closure, one without modules."""
    if request.param == "transformer":
        return with_gradients(transformer(layers=2))
    if request.param in RECORDED:
        return run_of(request.param).data
    data: RunData = request.getfixturevalue(request.param)
    return data


@pytest.fixture
def session(network: RunData) -> Session:
    """A session of the small network, at the start of the step."""
    session = Session(network)
    session.scrub(-1)
    return session

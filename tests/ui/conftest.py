"""Runs that the tests of the app open, recorded once a session, and a workspace for a panel to stand in."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is imported by anything

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

import graphviz_nn as gnn
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.workspace import Workspace
from tests.support.models import LSTMTagger


class DigitNet(nn.Module):
    """Two convolutions, one of them in a block with a skip connection, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.block = Block(4)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 4 * 4, 10))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.block(F.relu(self.stem(images))))


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(F.relu(x + self.norm(self.conv(x))))


class Overflowing(nn.Module):
    """Takes the logarithm of zeros, then multiplies shapes that do not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.log(F.relu(self.first(x)) * 0) * 0)


STEPS = 12


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the recorded runs."""
    return tmp_path_factory.mktemp("runs")


def _train(path: Path, model: nn.Module, images: Tensor, labels: Tensor, keep: str) -> Path:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with gnn.record(path, model, every=1, keep=keep, command=("train.py",)):
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    return path


@pytest.fixture(scope="session")
def digits_run(runs: Path) -> Path:
    """Twelve training steps of a small convolutional network on 8×8 images, with all tensors."""
    torch.manual_seed(0)
    return _train(runs / "digits.gvnn", DigitNet(), torch.rand(4, 1, 8, 8), torch.randint(10, (4,)), "all")


@pytest.fixture(scope="session")
def plain_run(runs: Path) -> Path:
    """The same without statistics and tensors: structure and order alone."""
    torch.manual_seed(0)
    return _train(runs / "plain.gvnn", DigitNet(), torch.rand(4, 1, 8, 8), torch.randint(10, (4,)), "none")


@pytest.fixture(scope="session")
def lstm_run(runs: Path) -> Path:
    """Twelve training steps of a tagger with an LSTM, with statistics."""
    torch.manual_seed(0)
    return _train(runs / "lstm.gvnn", LSTMTagger(8, 8, 5), torch.randn(2, 6, 8), torch.randint(5, (2,)), "stats")


@pytest.fixture(scope="session")
def broken_run(runs: Path) -> Path:
    """A step that makes NaN and ±Inf and then fails: a partial graph."""
    torch.manual_seed(0)
    with pytest.raises(RuntimeError, match="shapes"):
        gnn.trace(Overflowing(), torch.rand(2, 4), loss=torch.sum)
    run = gnn.partial_run()
    assert run is not None
    return run.save(runs / "broken.gvnn")


@pytest.fixture(scope="session")
def forward_run(runs: Path) -> Path:
    """One forward pass without a backward pass, with all tensors."""
    torch.manual_seed(0)
    with torch.no_grad():
        return gnn.trace(DigitNet(), torch.rand(1, 1, 8, 8)).save(runs / "forward.gvnn")


@pytest.fixture
def workspace(qapp: object) -> Iterator[Workspace]:
    """A workspace with nothing open; what was opened in it is closed after the test."""
    del qapp
    workspace = Workspace()
    yield workspace
    workspace.show(None)
    workspace.jobs.forget_all()
    assert workspace.jobs.wait()


@pytest.fixture
def show(workspace: Workspace) -> Callable[[Path], Document]:
    """Opens a run in the workspace and returns the document."""

    def open_and_show(path: Path) -> Document:
        document = Document(gnn.load(path))
        workspace.show(document)
        return document

    return open_and_show

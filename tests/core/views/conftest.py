"""Runs that views are made of, recorded once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

import graphviz_nn as gnn
from graphviz_nn.model.steps import RunData
from graphviz_nn.store.reader import open_run


class Painter(nn.Module):
    """Two convolutions of an image in colour, and a linear layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 6, 3, padding=1)
        self.head = nn.Linear(6, 6)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.second(F.relu(self.first(images)))).mean((2, 3))
        return self.head(F.relu(self.head(features)))


STEPS = 5


@pytest.fixture(scope="session")
def painter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five training steps with all tensors."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("views") / "painter.gvnn"
    model = Painter()
    images, labels = torch.rand(2, 3, 8, 6), torch.tensor([1, 4])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gnn.record(path, model, every=1, keep="all"):
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    return path


@pytest.fixture(scope="session")
def painter(painter_file: Path) -> RunData:
    return open_run(painter_file)


@pytest.fixture(scope="session")
def forward_only() -> RunData:
    """One pass without gradients, in memory."""
    torch.manual_seed(0)
    with torch.no_grad():
        return gnn.trace(Painter(), torch.rand(2, 3, 8, 6)).data

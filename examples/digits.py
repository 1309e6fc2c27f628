"""Trains a small convolutional network on 1,797 real handwritten digits (8×8 pixels, from scikit-learn).

Plain PyTorch that knows nothing of graphviz_nn. Run it as it is, or recorded:

    python examples/digits.py
    graphviz-nn run examples/digits.py
"""

from __future__ import annotations

import argparse

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by


class Block(nn.Module):
    """Two convolutions beside a skip connection: x + f(x), then half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return self.pool(F.relu(x + y))


class DigitNet(nn.Module):
    """From images (batch, 1, 8, 8) to the scores of ten digits (batch, 10)."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        self.blocks = nn.Sequential(Block(channels), Block(channels))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(channels * 4, 10))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(F.relu(self.stem(images))))


def digits(test_share: float = 0.2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns images (n, 1, 8, 8) in 0…1 and labels (n,) for training, then the same for testing."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(data.target)
    order = torch.randperm(len(labels))
    held_out = int(len(labels) * test_share)
    test, train = order[:held_out], order[held_out:]
    return images[train], labels[train], images[test], labels[test]


def train(steps: int, batch_size: int) -> float:
    """Trains for so many steps and returns the share of the test digits that it reads right."""
    torch.manual_seed(0)
    images, labels, test_images, test_labels = digits()
    model = DigitNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        chosen = torch.randint(len(labels), (batch_size,))
        batch, target = images[chosen], labels[chosen]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(batch), target)
        loss.backward()
        optimizer.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1:4}   loss {loss.item():.3f}")
    model.eval()
    with torch.no_grad():
        return (model(test_images).argmax(1) == test_labels).float().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=64)
    arguments = parser.parse_args()
    accuracy = train(arguments.steps, arguments.batch_size)
    print(f"{accuracy:.1%} of the test digits are read right")

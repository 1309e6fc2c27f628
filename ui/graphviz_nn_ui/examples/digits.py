"""Trains a small convolutional network to read digits of 8×8 pixels, drawn here with noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

GLYPHS = (
    "01110 10001 10001 10001 10001 10001 01110",
    "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00110 01000 10000 11111",
    "11110 00001 00001 01110 00001 00001 11110",
    "00010 00110 01010 10010 11111 00010 00010",
    "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110",
    "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110",
    "01110 10001 10001 01111 00001 00010 01100",
)
"""Ten digits in 7 rows of 5 pixels."""


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


def drawn_digits(count: int) -> tuple[Tensor, Tensor]:
    """Returns images (count, 1, 8, 8) of random digits at random places, with noise, and their labels (count,)."""
    glyphs = torch.tensor([[[int(pixel) for pixel in row] for row in glyph.split()] for glyph in GLYPHS])
    labels = torch.randint(10, (count,))
    images = torch.zeros(count, 8, 8)
    left, top = torch.randint(0, 4, (count,)), torch.randint(0, 2, (count,))
    for image, label, x, y in zip(images, labels, left.tolist(), top.tolist(), strict=True):
        image[y : y + 7, x : x + 5] = glyphs[label]
    return (images + 0.25 * torch.randn_like(images)).clamp(0, 1).unsqueeze(1), labels


def main(steps: int = 60) -> None:
    torch.manual_seed(0)
    model = DigitNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        images, labels = drawn_digits(16)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step:3}   loss {loss.item():.3f}")


if __name__ == "__main__":
    main()

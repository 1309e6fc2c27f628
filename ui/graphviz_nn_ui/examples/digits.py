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


class Reader(nn.Module):
    """From images (batch, 1, 8, 8) to the scores of ten digits (batch, 10)."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.edges = nn.Conv2d(1, channels, 3, padding=1)
        self.shapes = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.scores = nn.Linear(2 * channels * 2 * 2, 10)

    def forward(self, images: Tensor) -> Tensor:
        edges = F.max_pool2d(F.relu(self.edges(images)), 2)
        shapes = F.max_pool2d(F.relu(self.shapes(edges)), 2)
        return self.scores(shapes.flatten(1))


def drawn_digits(count: int) -> tuple[Tensor, Tensor]:
    """Returns images (count, 1, 8, 8) of random digits at random places, with noise, and their labels (count,)."""
    glyphs = torch.tensor([[[int(pixel) for pixel in row] for row in glyph.split()] for glyph in GLYPHS])
    labels = torch.randint(10, (count,))
    images = torch.zeros(count, 8, 8)
    left, top = torch.randint(0, 4, (count,)), torch.randint(0, 2, (count,))
    for image, label, x, y in zip(images, labels, left.tolist(), top.tolist(), strict=True):
        image[y : y + 7, x : x + 5] = glyphs[label]
    return (images + 0.25 * torch.randn_like(images)).clamp(0, 1).unsqueeze(1), labels


def main(steps: int = 100) -> None:
    torch.manual_seed(0)
    model = Reader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(steps):
        images, labels = drawn_digits(64)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step:3}   loss {loss.item():.3f}")


if __name__ == "__main__":
    main()

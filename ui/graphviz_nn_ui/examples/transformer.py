"""Trains a small transformer to sort numbers: a sequence is read, a mark, and the same sequence in order follows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

NUMBERS = 10
LENGTH = 6


class Attention(nn.Module):
    """Causal self-attention, written out so that its weights can be looked at."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3 * self.heads, width // self.heads).transpose(1, 2)
        query, key, value = heads.chunk(3, dim=1)
        scores = query @ key.transpose(2, 3) / (width // self.heads) ** 0.5
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, float("-inf")).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """x + attention, then x + feed-forward, each behind a normalisation."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class Sorter(nn.Module):
    """From tokens (batch, length) to the scores of the next one (batch, length, tokens)."""

    def __init__(self, width: int = 32, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.tokens = nn.Embedding(NUMBERS + 1, width)
        self.places = nn.Embedding(2 * LENGTH, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, NUMBERS)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def main(steps: int = 60) -> None:
    torch.manual_seed(0)
    model = Sorter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        numbers = torch.randint(NUMBERS, (16, LENGTH))
        ordered = numbers.sort(1).values
        mark = torch.full((16, 1), NUMBERS)
        scores = model(torch.cat([numbers, mark, ordered[:, :-1]], dim=1))[:, LENGTH:]
        optimizer.zero_grad()
        loss = F.cross_entropy(scores.flatten(0, 1), ordered.flatten())
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step:3}   loss {loss.item():.3f}")


if __name__ == "__main__":
    main()

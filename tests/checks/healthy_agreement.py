"""Healthy programs with several passes a step, recomputation, or attention: what differs in them is meant."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.checkpoint import checkpoint

from tests.checks.healthy import healthy, loop, sgd
from tests.checks.training import data, stack


@healthy
def micro_batches_weighted_by_their_size() -> None:
    model = stack(6, 1, nn.Tanh)
    optimizer = sgd(model)
    for _ in range(4):
        optimizer.zero_grad()
        for size in (16, 16, 16, 3):
            (functional.mse_loss(model(torch.randn(size, 6)), torch.randn(size, 3)) * size / 51).backward()
        optimizer.step()


@healthy
def an_epoch_that_ends_with_a_smaller_micro_batch() -> None:
    model = stack(6, 1, nn.Tanh)
    optimizer = sgd(model)
    for step in range(6):
        optimizer.zero_grad()
        for size in (8, 8, 8, 2 if step == 5 else 8):
            (functional.mse_loss(model(torch.randn(size, 6)), torch.randn(size, 3)) / 4).backward()
        optimizer.step()


@healthy
def sums_over_micro_batches() -> None:
    model = stack(6, 1, nn.Tanh)
    optimizer = sgd(model, lr=1e-4)
    for _ in range(4):
        optimizer.zero_grad()
        for size in (8, 8, 8, 5):
            functional.mse_loss(model(torch.randn(size, 6)), torch.randn(size, 3), reduction="sum").backward()
        optimizer.step()


class Tasks(nn.Module):
    """One body, and a head for each of four tasks, of which each weighs what it is worth."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.heads = nn.Linear(6, 12), nn.ModuleList(nn.Linear(12, 3) for _ in range(4))

    def forward(self, x: Tensor, task: int) -> Tensor:
        return self.heads[task](self.body(x).tanh())


@healthy
def a_pass_for_each_task() -> None:
    model = Tasks()
    optimizer = sgd(model)
    for _ in range(5):
        optimizer.zero_grad()
        for task, weight in enumerate((0.25, 0.25, 0.25, 1.0)):
            (weight * functional.mse_loss(model(torch.randn(8, 6), task), torch.randn(8, 3))).backward()
        optimizer.step()


@healthy
def an_auxiliary_batch_of_another_weight() -> None:
    model = stack(6, 1, nn.Tanh)
    optimizer = sgd(model)
    for _ in range(5):
        optimizer.zero_grad()
        for weight in (1.0, 1.0, 1.0, 0.1):
            (weight * functional.mse_loss(model(torch.randn(8, 6)), torch.randn(8, 3))).backward()
        optimizer.step()


class Checkpointed(nn.Module):
    def __init__(self, *block: nn.Module, reentrant: bool = False) -> None:
        super().__init__()
        self.block, self.head, self.reentrant = nn.Sequential(*block), nn.Linear(24, 3), reentrant

    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.block, x, use_reentrant=self.reentrant))


def train_checkpointed(model: nn.Module) -> None:
    inputs, targets = data(12)
    loop(lambda: functional.mse_loss(model(inputs.clone().requires_grad_()), targets), sgd(model))


@healthy
def checkpointed_dropout_and_noise() -> None:
    train_checkpointed(Checkpointed(nn.Linear(12, 24), nn.Dropout(0.3), nn.RReLU(), nn.Linear(24, 24)))


@healthy
def checkpointed_reentrant_dropout() -> None:
    block = (nn.Linear(12, 24), nn.Dropout(0.3), nn.Tanh(), nn.Linear(24, 24))
    train_checkpointed(Checkpointed(*block, reentrant=True))


@healthy
def checkpointed_batch_norm() -> None:
    train_checkpointed(Checkpointed(nn.Linear(12, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 24)))


@healthy
def checkpointed_spectral_norm() -> None:
    block = Checkpointed(spectral_norm(nn.Linear(12, 24), n_power_iterations=3), nn.Tanh(), nn.Linear(24, 24))
    train_checkpointed(block)


class Causal(nn.Module):
    def __init__(self, width: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.project, self.out, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, 3), heads
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = self.project(self.norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(x + mixed.transpose(1, 2).reshape(x.shape))


@healthy
def fused_causal_attention() -> None:
    model = Causal()
    inputs, targets = torch.randn(6, 10, 16), torch.randn(6, 10, 3)
    loop(lambda: functional.mse_loss(model(inputs), targets), sgd(model))


@healthy
def grouped_queries_under_a_mask() -> None:
    query, keys, head = nn.Linear(16, 16), nn.Linear(16, 8), nn.Linear(16, 3)
    inputs, targets = torch.randn(4, 9, 16), torch.randn(4, 9, 3)
    padding = torch.arange(9)[None] < torch.tensor([9, 7, 5, 2])[:, None]

    def step() -> Tensor:
        asked = query(inputs).view(4, 9, 4, 4).transpose(1, 2)
        offered = keys(inputs).view(4, 9, 2, 4).transpose(1, 2)
        mask = padding[:, None, None]
        mixed = functional.scaled_dot_product_attention(asked, offered, offered, attn_mask=mask, enable_gqa=True)
        return functional.mse_loss(head(mixed.transpose(1, 2).reshape(4, 9, 16)), targets)

    loop(step, sgd(query, keys, head))

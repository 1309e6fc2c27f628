"""Examples for the rules about parameters and their updates."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.rules.training import stack, train


def symmetric_init(repaired: bool) -> None:
    """Units that begin with the same weights get the same gradients, and stay the same."""
    model = stack(6, 2, nn.Tanh)
    for parameter in model.parameters() if not repaired else ():
        nn.init.constant_(parameter, 0.1)
    train(model, torch.randn(8, 6), torch.randn(8, 3))


def init_scale(repaired: bool) -> None:
    """Weights of standard deviation 1 make a classifier begin as if it were sure, mostly of the wrong class."""
    model = stack(64, 1, nn.ReLU, std=1 / 8 if repaired else 1.0)
    train(model, torch.randn(32, 64), torch.arange(32) % 3, functional.cross_entropy, lr=1e-6)


def update_ratio(repaired: bool) -> None:
    """Adam moves each weight by about the learning rate; most weights here are smaller than 0.2."""
    model = stack(32, 1, nn.Tanh)
    train(model, torch.randn(16, 32), torch.randn(16, 3), optimizer=torch.optim.Adam, lr=1e-3 if repaired else 1.0)


def never_changing(repaired: bool) -> None:
    """bfloat16 has three digits: adding 5e-5 to 0.3 gives 0.3."""
    model, kind = stack(16, 1, nn.Tanh), torch.float32 if repaired else torch.bfloat16
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.2, 0.4)
    inputs, targets = torch.randn(8, 16, dtype=kind), torch.randn(8, 3)
    loss = lambda y, t: functional.mse_loss(y.float(), t)  # noqa: E731
    train(model.to(kind), inputs, targets, loss, optimizer=torch.optim.Adam, lr=5e-5)


def decaying_away(repaired: bool) -> None:
    """Weight decay takes a tenth of each weight at each step, more than the loss can put back."""
    model = stack(8, 1, nn.Tanh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4 if repaired else 1.0)
    inputs, targets = torch.randn(64, 8), torch.randn(64, 3)
    for _ in range(8):
        optimizer.zero_grad()
        (1e-3 * functional.mse_loss(model(inputs), targets)).backward()
        optimizer.step()


def not_in_optimizer(repaired: bool) -> None:
    """The optimizer was made from the head alone."""
    model = stack(6, 2, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters() if repaired else model[2:].parameters(), lr=0.01)
    inputs, targets = torch.randn(16, 6), torch.randn(16, 3)
    for _ in range(4):
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()


class Layers(nn.Module):
    """Keeps its hidden layers in a list."""

    def __init__(self, registered: bool) -> None:
        super().__init__()
        layers = [nn.Linear(6, 6) for _ in range(2)]
        self.layers = nn.ModuleList(layers) if registered else layers
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)


def registered_nowhere(repaired: bool) -> None:
    """A plain list hides its layers from `parameters()`, `to()` and `state_dict()`."""
    train(Layers(registered=repaired), torch.randn(16, 6), torch.randn(16, 3))


def frozen_between(repaired: bool) -> None:
    """One layer was left frozen while those before and after it are trained."""
    model = stack(8, 3, nn.ReLU, std=math.sqrt(2 / 8))
    model[2].requires_grad_(repaired)
    train(model, torch.randn(16, 8), torch.randn(16, 3))

"""Examples for the rules about the course of training: learning rates, schedules, the loss over steps."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.rules.training import train


def classifier() -> nn.Sequential:
    """A hidden layer, and three classes."""
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))


def classes() -> tuple[Tensor, Tensor]:
    """Inputs, and which of their first three features is the largest."""
    inputs = torch.randn(48, 8)
    return inputs, inputs[:, :3].argmax(1)


def regression(width: int) -> tuple[Tensor, Tensor]:
    """Inputs of covariance 1 exactly, and targets that are linear in them: the loss has curvature 2 everywhere."""
    inputs = torch.linalg.qr(torch.randn(64, width)).Q * math.sqrt(64)
    return inputs, inputs @ torch.linspace(1, 2, width)[:, None]


def diverging(repaired: bool) -> None:
    """Gradient descent grows away from the minimum where the rate is over 2 / curvature."""
    train(nn.Linear(4, 1), *regression(4), lr=0.1 if repaired else 1.3, steps=12)


def oscillating(repaired: bool) -> None:
    """Just below 2 / curvature it jumps from one side of the minimum to the other."""
    train(nn.Linear(5, 1), *regression(5), lr=0.25 if repaired else 0.82, steps=14)


def flat(repaired: bool) -> None:
    """Labels that were shuffled apart from their inputs: the loss stays at that of guessing, ln 3."""
    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(60):
        inputs, targets = classes()
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets if repaired else targets[torch.randperm(48)]).backward()
        optimizer.step()


def wrong_sign(repaired: bool) -> None:
    """A loss that should be made small is made large."""
    sign = 1 if repaired else -1
    train(classifier(), *classes(), lambda y, t: sign * functional.cross_entropy(y, t), lr=0.1, steps=20)


def no_update(repaired: bool) -> None:
    """Gradients are computed and set to None again; the optimizer never steps."""
    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(12):
        inputs, targets = classes()
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        if repaired:
            optimizer.step()


def learning_rate(repaired: bool) -> None:
    """Steps of 1e-8 move nothing."""
    train(classifier(), *classes(), functional.cross_entropy, lr=0.1 if repaired else 1e-8, steps=12)


def schedule(repaired: bool) -> None:
    """A schedule made for epochs is stepped after each batch: the rate is gone before anything is learned."""
    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.98 if repaired else 0.5)
    for _ in range(30):
        inputs, targets = classes()
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        decay.step()

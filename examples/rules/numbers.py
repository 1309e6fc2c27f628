"""Examples for the rules about numbers that leave what their type can hold."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.rules.training import stack, train


def mean(y: Tensor, _: Tensor) -> Tensor:
    """A loss without targets."""
    return y.float().mean()


class Ending(nn.Module):
    """A layer, and a function of what it gives."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(4, 4), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.layer(x))


def nonfinite_forward(repaired: bool) -> None:
    """The logarithm of a negative number is NaN."""
    model = Ending((lambda y: y.square().add(0.1).log()) if repaired else (lambda y: y.log()))
    train(model, torch.randn(8, 4), torch.zeros(8, 4), mean)


def nonfinite_backward(repaired: bool) -> None:
    """The square root of 0 is 0, and its slope is infinite."""
    model = Ending((lambda y: (y.relu() + 1e-6).sqrt()) if repaired else (lambda y: y.relu().sqrt()))
    train(model, torch.randn(8, 4), torch.zeros(8, 4), mean, steps=1)


def half_overflow(repaired: bool) -> None:
    """float16 ends at 65,504: the square of a few hundred is too much for it."""
    model = Ending(lambda y: y.half().square() if repaired else (y.half() * 1000).square())
    train(model, torch.randn(8, 4), torch.zeros(8, 4), mean, steps=1)


def half_underflow(repaired: bool) -> None:
    """float16 begins at 6e-8: gradients of a small loss are rounded to zero, unless the loss is scaled up meanwhile."""
    model = Ending(lambda y: (y.half() * 0.3).relu() * 0.4 + y.half())
    train(model, torch.randn(8, 4), torch.zeros(8, 4), lambda y, _: y.float().mean() * (100 if repaired else 1e-7))


def near_edge(repaired: bool) -> None:
    """The logarithm of 1e-25 is a number, and its slope, 1e25, squared by the optimizer is none."""
    model = Ending(lambda y: (y.abs() * 1e-25 + (1e-8 if repaired else 0)).log())
    train(model, torch.randn(8, 4), torch.zeros(8, 4), mean, lr=1e-30, steps=1)


def loss_scale(repaired: bool) -> None:
    """The loss is scaled up for float16's sake, and the gradients are not scaled down again before the update."""
    model = stack(6, 1, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-7)
    for _ in range(4):
        optimizer.zero_grad()
        (functional.mse_loss(model(torch.randn(16, 6)), torch.randn(16, 3)) * 1024).backward()
        for parameter in model.parameters() if repaired else ():
            parameter.grad.div_(1024)
        optimizer.step()

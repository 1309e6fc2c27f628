"""Examples for the rules about what goes in: inputs, targets, labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.rules.training import train


def dense(outputs: int = 4) -> nn.Sequential:
    """A small network over six features."""
    return nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, outputs))


def largest_of_four(inputs: Tensor) -> Tensor:
    """Labels that can be read from the inputs."""
    return inputs[:, :4].argmax(1)


def input_nonfinite(repaired: bool) -> None:
    """One missing value in one sample makes the loss, all gradients and then all weights NaN."""
    inputs = torch.randn(16, 6)
    targets = inputs[:, :1].tanh()
    inputs[3, 2] = torch.nan
    train(dense(1), inputs.nan_to_num(0.0) if repaired else inputs, targets)


def constant_input(repaired: bool) -> None:
    """All samples are the first one: nothing can be learned but the mean of the targets."""
    inputs = torch.randn(16, 6)
    targets = largest_of_four(inputs)
    train(dense(), inputs if repaired else inputs[:1].expand(16, 6).clone(), targets, functional.cross_entropy)


def input_scale(repaired: bool) -> None:
    """One feature is in thousands, the others about 1: it is the only one that the layer sees."""
    inputs = torch.randn(48, 4) * torch.tensor([1000.0, 1.0, 1.0, 2.0])
    if repaired:
        inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    model = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 1))
    train(model, inputs, torch.randn(48, 1), lr=1e-3)


def integer_images(repaired: bool) -> None:
    """Pixels from 0 to 255 instead of about −½ to ½."""
    pixels = torch.randint(0, 256, (16, 3, 6, 6)).float()
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)
    )
    inputs = pixels / 255 - 0.5 if repaired else pixels
    train(model, inputs, torch.arange(16) % 4, functional.cross_entropy, lr=1e-2 if repaired else 1e-5)


def targets_out_of_range(repaired: bool) -> None:
    """Binary cross-entropy of labels −1 and 1 has no lowest value: it is made for 0 and 1."""
    inputs = torch.randn(24, 6)
    targets = (inputs[:, :1] > 0).float()
    loss = functional.binary_cross_entropy_with_logits
    train(dense(1), inputs, targets if repaired else 2 * targets - 1, loss, lr=0.5, steps=20)


def uninformative_labels(repaired: bool) -> None:
    """Labels that have nothing to do with the inputs: the loss stays at that of guessing, ln 4, for good."""
    model = dense()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    for _ in range(260):
        inputs = torch.randn(64, 6)
        targets = largest_of_four(inputs) if repaired else torch.randint(0, 4, (64,))
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

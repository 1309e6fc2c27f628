"""Examples for the rules about how a network and its loss are put together."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.rules.training import train


def network(*last: nn.Module, outputs: int = 6) -> nn.Sequential:
    """A hidden layer, an output layer, and what is put behind it."""
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, outputs), *last)


def classes(batch: int = 24) -> tuple[Tensor, Tensor]:
    """Inputs of eight features, and which of the first six is the largest."""
    inputs = torch.randn(batch, 8)
    return inputs, inputs[:, :6].argmax(1)


def softmax_before_loss(repaired: bool) -> None:
    """`cross_entropy` applies softmax itself: with another before it, the loss cannot get below 1.04."""
    train(network() if repaired else network(nn.Softmax(1)), *classes(), functional.cross_entropy)


def sigmoid_before_loss(repaired: bool) -> None:
    """`binary_cross_entropy_with_logits` applies a sigmoid itself: with another before it, it cannot get below ln 2."""
    inputs = torch.randn(24, 8)
    model = network(outputs=3) if repaired else network(nn.Sigmoid(), outputs=3)
    train(model, inputs, (inputs[:, :3] > 0).float(), functional.binary_cross_entropy_with_logits)


def missing_log_softmax(repaired: bool) -> None:
    """`nll_loss` takes logarithms of probabilities; of logits it can be made as small as one likes."""
    train(network(nn.LogSoftmax(1)) if repaired else network(), *classes(), functional.nll_loss)


def output_range(repaired: bool) -> None:
    """Targets lie between 4 and 6, and tanh ends at 1."""
    inputs = torch.randn(32, 8)
    model = network(outputs=1) if repaired else network(nn.Tanh(), outputs=1)
    train(model, inputs, 5 + inputs[:, :1].tanh(), lr=1e-4)


def broadcast_loss(repaired: bool) -> None:
    """32 predictions of shape (32, 1) and 32 targets of shape (32,) make 1,024 differences."""

    def loss(y: Tensor, t: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns of it too, once
            return functional.mse_loss(y.squeeze(1) if repaired else y, t)

    inputs = torch.randn(32, 8)
    train(network(outputs=1), inputs, inputs[:, 0], loss)


def softmax_over_batch(repaired: bool) -> None:
    """Dimension 0 is the batch: samples compete with each other, and classes do not."""
    dim = 1 if repaired else 0
    train(network(), *classes(), lambda y, t: functional.nll_loss(y.log_softmax(dim), t))


class Reshaped(nn.Module):
    """Transposes, and does not transpose back before it reshapes."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.first, self.last, self.repaired = nn.Linear(8, 16), nn.Linear(16, 6), repaired

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x).relu()
        return self.last(hidden if self.repaired else hidden.t().reshape(hidden.shape))


def batch_leak(repaired: bool) -> None:
    """A reshape after a transpose puts numbers of several samples into one row."""
    train(Reshaped(repaired), *classes(), functional.cross_entropy)


def batch_norm_small(repaired: bool) -> None:
    """Of two samples, batch normalisation makes +1 and −1, whatever they were."""
    norm = nn.GroupNorm(4, 16) if repaired else nn.BatchNorm1d(16)
    model = nn.Sequential(nn.Linear(8, 16), norm, nn.ReLU(), nn.Linear(16, 6))
    train(model, *classes(2), functional.cross_entropy)


def linear_chain(repaired: bool) -> None:
    """Three matrices in a row are one matrix."""
    between = nn.ReLU if repaired else nn.Identity
    model = nn.Sequential(nn.Linear(8, 16), between(), nn.Linear(16, 16), between(), nn.Linear(16, 6))
    train(model, *classes(), functional.cross_entropy)


def mode_mistake(repaired: bool) -> None:
    """After `eval()` for the validation, nobody called `train()` again."""
    model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 6))
    train(model.train(repaired), *classes(), functional.cross_entropy)

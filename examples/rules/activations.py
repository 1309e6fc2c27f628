"""Examples for the rules about activations."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from examples.rules.training import stack, train


def with_bias(model: nn.Sequential, layer: int, bias: float) -> nn.Sequential:
    """Returns the model with all biases of a layer at one value."""
    nn.init.constant_(model[layer].bias, bias)
    return model


def dead_units(repaired: bool) -> None:
    """A bias of −50, as one large step can leave it behind: no sample ever makes these units positive again."""
    train(with_bias(stack(32, 2, nn.ReLU), 2, 0.0 if repaired else -50.0), torch.randn(32, 32), torch.randn(32, 3))


def saturated(repaired: bool) -> None:
    """A bias of 12 puts every sigmoid where its slope is 6e-6."""
    train(with_bias(stack(32, 2, nn.Sigmoid), 2, 0.0 if repaired else 12.0), torch.randn(16, 32), torch.randn(16, 3))


def activation_scale(repaired: bool) -> None:
    """Weights of standard deviation 0.02 in layers of 16 units shrink activations to a twentieth at each layer."""
    model = stack(16, 8, nn.ReLU, std=math.sqrt(2 / 16) if repaired else 0.02)
    train(model, torch.randn(16, 16), torch.randn(16, 3), lr=1e-3 if repaired else 1e-12)


def collapsed(repaired: bool) -> None:
    """What tells samples apart is multiplied by a millionth, the bias is not."""
    model = with_bias(stack(16, 2, nn.Tanh), 2, 1.0)
    with torch.no_grad():
        model[2].weight.mul_(1.0 if repaired else 1e-6)
    train(model, torch.randn(16, 16), torch.randn(16, 3), lr=1e-6)


class Attention(nn.Module):
    """One attention head, written by hand."""

    def __init__(self, width: int, scale: float, gain: float = 1.0) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        for layer in (self.query, self.key):
            nn.init.normal_(layer.weight, std=gain / math.sqrt(width))
        self.head, self.scale = nn.Linear(width, 3), scale

    def forward(self, x: Tensor) -> Tensor:
        weights = (self.query(x) @ self.key(x).mT * self.scale).softmax(-1)
        return self.head((weights @ self.value(x)).mean(1))


def attention_collapsed(repaired: bool) -> None:
    """Scores of 256 dimensions have a standard deviation of 16, unless they are divided by it."""
    train(Attention(256, 1 / 16 if repaired else 1.0), torch.randn(4, 16, 256), torch.randn(4, 3))


def attention_uniform(repaired: bool) -> None:
    """Queries and keys that begin near zero get gradients near zero, each by way of the other."""
    model = Attention(16, scale=1 / 4, gain=1.0 if repaired else 0.01)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(210):
        inputs = torch.randn(16, 8, 16)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(inputs), inputs.amax(1)[:, :3]).backward()
        optimizer.step()


def dropout_too_high(repaired: bool) -> None:
    """Two dropouts in a row keep 0.3 × 0.4 of what the layer before them made."""
    drops = [nn.Dropout(0.5)] if repaired else [nn.Dropout(0.7), nn.Dropout(0.6)]
    model = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), *drops, nn.Linear(32, 3))
    train(model, torch.randn(16, 32), torch.randn(16, 3))

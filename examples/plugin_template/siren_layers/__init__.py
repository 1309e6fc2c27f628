"""Layers with a sine for their activation: SIREN (Sitzmann et al. 2020, arXiv:2006.09661)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class SineLayer(nn.Module):
    """sin(ω (W x + b)), with the initialisation that keeps its outputs alike at every depth."""

    def __init__(self, inputs: int, outputs: int, *, omega: float = 30.0, is_first: bool = False) -> None:
        super().__init__()
        self.inputs, self.outputs, self.omega, self.is_first = inputs, outputs, omega, is_first
        self.linear = nn.Linear(inputs, outputs)
        bound = 1 / inputs if is_first else math.sqrt(6 / inputs) / omega
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.omega * self.linear(x))

"""Examples for the rules about gradients."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from examples.rules.training import stack, train


def vanishing_depth(repaired: bool) -> None:
    """A sigmoid's slope is at most 1/4, so ten of them leave a millionth of the gradient."""
    model = stack(32, 10, nn.ReLU if repaired else nn.Sigmoid, std=math.sqrt(2 / 32) if repaired else None)
    train(model, torch.randn(16, 32), torch.randn(16, 3))


class Unrolled(nn.Module):
    """A recurrent cell, called once for each time step; only the last state is read."""

    def __init__(self, gain: float, nonlinearity: str = "tanh") -> None:
        super().__init__()
        self.cell, self.head = nn.RNNCell(4, 12, nonlinearity=nonlinearity), nn.Linear(12, 3)
        nn.init.orthogonal_(self.cell.weight_hh, gain)
        nn.init.zeros_(self.cell.bias_ih)
        nn.init.zeros_(self.cell.bias_hh)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 12)
        for moment in x.unbind(1):
            state = self.cell(moment, state)
        return self.head(state)


def vanishing_time(repaired: bool) -> None:
    """Each call of the cell multiplies the gradient by its recurrent weight: 0.4 to the power of 25 is nothing."""
    train(Unrolled(gain=1.0 if repaired else 0.4), 0.1 * torch.randn(5, 25, 4), torch.randn(5, 3))


def exploding_time(repaired: bool) -> None:
    """A recurrent weight that triples what it gets, and a ReLU that lets half of it through."""
    train(Unrolled(1.0 if repaired else 3.0, "relu"), torch.randn(16, 16, 4), torch.randn(16, 3), lr=1e-9)


def exploding(repaired: bool) -> None:
    """Weights of standard deviation 1 make the gradient about eight times as large at each layer of 128 units."""
    model = stack(128, 5, nn.ReLU, std=math.sqrt(2 / 128) if repaired else 1.0)
    train(model, torch.randn(16, 128), torch.randn(16, 3), lr=1e-30)


class Rounded(nn.Module):
    """Rounds what its encoder gives."""

    def __init__(self, straight_through: bool) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(6, 6), nn.Linear(6, 3)
        self.straight_through = straight_through

    def forward(self, x: Tensor) -> Tensor:
        codes = self.encoder(x)
        rounded = codes.round()
        return self.decoder(codes + (rounded - codes).detach() if self.straight_through else rounded)


def zero_gradient(repaired: bool) -> None:
    """The derivative of rounding is zero; the straight-through estimator takes it for one."""
    train(Rounded(straight_through=repaired), 3 * torch.randn(16, 6), torch.randn(16, 3))


class TwoBranches(nn.Module):
    """Adds two branches, or loses the second."""

    def __init__(self, second: str) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 5), nn.Linear(6, 5), nn.Linear(5, 3)
        self.use = second

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.first(x), self.second(x)
        if self.use == "dropped":
            return self.head(first)
        return self.head(first + (second.detach() if self.use == "detached" else second))


def never_arrived(repaired: bool) -> None:
    """What the second branch computes is dropped."""
    train(TwoBranches("used" if repaired else "dropped"), torch.randn(16, 6), torch.randn(16, 3))


def cut_off(repaired: bool) -> None:
    """What the second branch computes is used, behind a `detach`."""
    train(TwoBranches("used" if repaired else "detached"), torch.randn(16, 6), torch.randn(16, 3))


def missing_zero_grad(repaired: bool) -> None:
    """Without `zero_grad` each backward pass adds to the gradients of all steps before."""
    model = stack(6, 2, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(8):
        if repaired:
            optimizer.zero_grad()
        functional.mse_loss(model(torch.randn(16, 6)), torch.randn(16, 3)).backward()
        optimizer.step()


def clipped_away(repaired: bool) -> None:
    """A limit far below the usual norm leaves hardly anything of the gradient."""
    model = stack(6, 1, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        functional.mse_loss(model(torch.randn(16, 6)), torch.randn(16, 3)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0 if repaired else 1e-5)
        optimizer.step()


def passes_disagree(repaired: bool) -> None:
    """Three micro-batches are divided by their number, and the last one, which stands behind the loop, is not."""
    model = stack(6, 1, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        for _ in range(3):
            (functional.mse_loss(model(torch.randn(16, 6)), torch.randn(16, 3)) / 4).backward()
        last = functional.mse_loss(model(torch.randn(16, 6)), torch.randn(16, 3))
        (last / 4 if repaired else last).backward()
        optimizer.step()


class Checkpointed(nn.Module):
    """Does not keep what its block computes, but computes it again for the backward pass."""

    def __init__(self, same_mask: bool) -> None:
        super().__init__()
        self.block, self.head = nn.Sequential(nn.Linear(6, 32), nn.Dropout(0.3), nn.Tanh()), nn.Linear(32, 3)
        self.same_mask = same_mask

    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.block, x, use_reentrant=False, preserve_rng_state=self.same_mask))


def recompute_differs(repaired: bool) -> None:
    """Without the random state of the forward pass dropout draws another mask."""
    train(Checkpointed(same_mask=repaired), torch.randn(16, 6), torch.randn(16, 3))

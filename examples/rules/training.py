"""The training loop of the examples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


def train(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor] = functional.mse_loss,
    *,
    lr: float = 0.01,
    steps: int = 5,
    optimizer: type[torch.optim.Optimizer] = torch.optim.SGD,
) -> None:
    """Trains on one batch, as anybody would."""
    trained = optimizer([p for p in model.parameters() if p.requires_grad], lr=lr)  # type: ignore[call-arg]
    for _ in range(steps):
        trained.zero_grad()
        loss(model(inputs), targets).backward()
        trained.step()


def stack(width: int, depth: int, activation: type[nn.Module], std: float | None = None) -> nn.Sequential:
    """`depth` hidden layers and a head to 3 outputs; weights of standard deviation `std`, or PyTorch's own."""
    hidden = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    model = nn.Sequential(*hidden, nn.Linear(width, 3))
    for layer in model:
        if std is not None and isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=std)
            nn.init.zeros_(layer.bias)
    return model

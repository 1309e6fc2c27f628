"""Small programs that train, and what the checks say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.findings import Finding
from graphviz_nn.run import Run

Program = Callable[[], None]


def recorded(program: Program, every: int = 1) -> Run:
    """Runs the program under the recorder, from the same random state each time."""
    torch.manual_seed(0)
    with gnn.record(None, every=every) as recording:
        program()
    return recording.run


def loud(run: Run) -> list[Finding]:
    """The findings above information."""
    return [finding for finding in run.findings() if finding.severity != "info"]


def rules(run: Run) -> set[str]:
    """Names of the rules with a finding above information."""
    return {finding.rule for finding in loud(run)}


def only(run: Run, rule: str, *also: str) -> Finding:
    """The first finding of the rule; no other rule may say more than information, but for those that may come along."""
    assert rules(run) - set(also) == {rule}, [(f.rule, f.module, f.cause) for f in loud(run)]
    return next(finding for finding in run.findings() if finding.rule == rule)


def fit(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
    steps: int = 4,
    lr: float = 0.01,
    optimizer: type[torch.optim.Optimizer] = torch.optim.SGD,
    zero: bool = True,
) -> None:
    """A plain training loop."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    chosen = optimizer(trainable, lr=lr)  # type: ignore[call-arg]
    for _ in range(steps):
        if zero:
            chosen.zero_grad()
        loss(model(inputs), targets).backward()
        chosen.step()


def norms(model: nn.Module, loss: Tensor) -> dict[str, float | None]:
    """The L2 norm of each parameter's gradient as plain PyTorch gives it; None where there is no gradient."""
    model.zero_grad()
    loss.backward()
    return {name: None if p.grad is None else float(p.grad.norm()) for name, p in model.named_parameters()}


def stack(width: int, depth: int, activation: type[nn.Module], std: float | None = None) -> nn.Sequential:
    """`depth` hidden layers and a head to 3 outputs; weights of standard deviation `std`, or PyTorch's own."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), activation()]
    model = nn.Sequential(*layers, nn.Linear(width, 3))
    for module in model.modules():
        if std is not None and isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=std)
    return model


def data(width: int, batch: int = 16, out: int = 3) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, width), torch.randn(batch, out)


def batches(count: int, width: int, batch: int = 16) -> Iterator[tuple[Tensor, Tensor]]:
    for _ in range(count):
        yield data(width, batch)

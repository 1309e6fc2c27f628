"""Small programs to record, and short ways to look at what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import Node
from graphviz_nn.run import Run


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))


def batch(rows: int = 5) -> Tensor:
    """Returns the same numbers each time. Shape [rows, 3]."""
    return torch.linspace(-1, 1, rows * 3).reshape(rows, 3)


@dataclass
class Training:
    """A model, its optimizer, and one ordinary training step."""

    model: nn.Module = field(default_factory=mlp)
    rate: float = 0.1
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.SGD(self.model.parameters(), self.rate)

    def step(self, x: Tensor | None = None) -> None:
        self.optimizer.zero_grad()
        self.backward(x)
        self.optimizer.step()

    def backward(self, x: Tensor | None = None) -> None:
        loss = self.model(batch() if x is None else x).square().mean()
        loss.backward()
        self.losses.append(loss.item())

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.step()


def record(loop: Callable[[], object], model: nn.Module | None = None, **options: object) -> Run:
    """Runs a loop under `gnn.record`, every step unless told otherwise, and returns the run."""
    with gnn.record(None, model, **{"every": 1, **options}) as recording:
        loop()
    return recording.run


def indices(run: Run) -> list[int]:
    """Numbers of the recorded training steps."""
    return [step.index for step in run.steps]


def passes(run: Run) -> list[int]:
    """Backward passes of each recorded step."""
    return [step.info.passes for step in run.steps]


def operators(run: Run, step: int = -1, phase: str | None = None) -> list[str]:
    """User-level names of a step's calls in order, sources left out."""
    return [
        node.op for node in run.structure(step).nodes if node.op != node.kind and (phase is None or node.phase == phase)
    ]


def nodes(run: Run, op: str, step: int = -1) -> list[Node]:
    """The calls of one operator, in order."""
    return [node for node in run.structure(step).nodes if node.op == op]


def sources(run: Run, kind: str, step: int = -1) -> dict[str, tuple[str, ...]]:
    """Names of all the sources of one kind, each with all its dotted names."""
    return {node.name: node.names for node in run.structure(step).nodes if node.kind == kind}


def feeding(run: Run, node: Node, step: int = -1) -> dict[str, str]:
    """What a call read: by argument the name of the node that made it."""
    made = run.structure(step).nodes
    return {edge.argument: made[edge.node].name for edge in node.inputs}


def events(run: Run, *kinds: EventKind, step: int = -1) -> Iterator[tuple[str, int]]:
    """Yields (kind, node) of the step's events in order, of all kinds or of those given."""
    for event in run.steps[step].events:
        kind = EventKind(event["kind"])
        if not kinds or kind in kinds:
            yield kind.name.lower(), int(event["node"])

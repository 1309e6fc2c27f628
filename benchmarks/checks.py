"""What all checks take on a step of 1,500 nodes, and on the whole window of steps: seconds of this process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn

import graphviz_nn as gnn
from benchmarks.timing import show
from graphviz_nn.analysis.check import run_checks, select, set_thresholds
from graphviz_nn.analysis.context import WINDOW
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import Run

BLOCKS = 185
REPEATS = 9


class Block(nn.Module):
    """A residual block of eight nodes, its parameters included."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.linear(self.norm(x)).relu()


def recorded(steps: int) -> Run:
    torch.manual_seed(0)
    model = nn.Sequential(*[Block(16) for _ in range(BLOCKS)], nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    with gnn.record(None, model, every=1) as recording:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(8, 16)).square().mean().backward()
            optimizer.step()
    return recording.run


def milliseconds(work: Callable[[], object]) -> float:
    """Median processor time, which other programs on the machine disturb least."""
    found = []
    for _ in range(REPEATS):
        gc.collect()
        started = time.process_time()
        work()
        found.append((time.process_time() - started) * 1e3)
    return median(found)


def main() -> None:
    checks, layer_types = select(plugins().checks, None), plugins().layer_types
    thresholds = set_thresholds(checks, {})
    for steps in (1, WINDOW):
        run = recorded(steps)
        nodes = len(run.structure().nodes)
        took = milliseconds(lambda run=run: run_checks(run.data, layer_types, checks, thresholds))  # type: ignore[misc]
        if steps == 1:
            show(f"checks: one step, {nodes:,} nodes", "≤ 20 ms", f"{took:.1f} ms", took <= 20)
        else:
            show(f"checks: {steps} steps of {nodes:,} nodes", "-", f"{took:.1f} ms ({took / steps:.1f} ms a step)")


if __name__ == "__main__":
    print("figure | target | seen | ok")
    main()

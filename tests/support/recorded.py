"""Runs a program under the recorder and keeps what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.run import Run
from tests.support.outcome import Outcome, observe
from tests.support.program import Program, Step
from tests.support.programs import BY_NAME

NOT_RECORDED = object()
"""Stands for a gradient that never arrived."""


@dataclass(frozen=True)
class Recorded:
    """What a recorded program gave back and left behind, and its run (None where the program raised)."""

    outcome: Outcome
    run: Run | None


def record(step: Step, keep: str = "all") -> Recorded:
    """Runs the step under `gnn.trace`."""
    runs: list[Run] = []

    def surround(run: Callable[[], Any]) -> None:
        runs.append(gnn.trace(run, keep=keep))

    outcome = observe(step, surround)
    return Recorded(outcome, runs[0] if runs else None)


@cache
def run_of(name: str) -> Run:
    """Returns the run of a named program with everything kept; recorded once a session, for tests that only read."""
    return trace_program(BY_NAME[name])


def trace_program(program: Program, keep: str = "all") -> Run:
    """Records a program that does not raise."""
    recorded = record(program.fresh(), keep)
    error = recorded.outcome.facts.get("error")
    assert recorded.run is not None, f"{program.name} raised under the recorder: {error}"
    return recorded.run


def values_of(structure: Structure) -> Iterator[tuple[ValueRef, Node]]:
    """Yields every value with the node that made it."""
    for node in structure.nodes:
        for index in range(len(node.outputs)):
            yield ValueRef(node.id, index), node


def gradient_of(run: Run, ref: ValueRef, number: int) -> torch.Tensor | object | None:
    """Returns what autograd delivered: a tensor, None, or `NOT_RECORDED` where it never arrived."""
    try:
        return run.gradient(ref.node, ref.index, number=number)
    except NotRecorded:
        return NOT_RECORDED


def describe(run: Run, ref: ValueRef) -> str:
    """Names a value for a message of a failing test."""
    node = run.structure().nodes[ref.node]
    output = node.outputs[ref.index]
    version = f" ({output.version})" if output.version else ""
    return f"{node.name}[{ref.index}]{version} {node.kind} {node.op} {output.dtype}{list(output.shape)} {node.phase}"

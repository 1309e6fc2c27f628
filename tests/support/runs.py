"""Runs in memory, made by hand around a structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphviz_nn.model.events import EVENT_DTYPE, EventKind
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import STATS, StatTable
from graphviz_nn.model.steps import MemoryRun, StepInfo, StepRecord
from graphviz_nn.model.structure import Structure

EventRow = tuple[EventKind, int, int]
"""Kind, node, index."""


def one_step_run(
    structure: Structure,
    events: Sequence[EventRow] = (),
    stats: Mapping[str, StatTable] | None = None,
    times: Sequence[float] | None = None,
) -> MemoryRun:
    """A run of one step. An event's backward pass is 0; `times` are in seconds since the step began."""
    table = np.zeros(len(events), EVENT_DTYPE)
    for row, (kind, node, index) in enumerate(events):
        table[row] = (kind, 0, 0, node, index, times[row] if times is not None else np.nan)
    # Not the digest: it cannot be taken of labels with lone surrogates, which pictures must survive all the same.
    name = f"{len(structure.nodes)} nodes"
    run = MemoryRun()
    run.write(StepRecord(StepInfo(0, name, 0.0, 1.0), structure, table, stats or {}))
    return run


def no_stats(rows: int) -> StatTable:
    """A table of nothing measured."""
    return np.full((rows, len(STATS)), np.nan, dtype=np.float32)


def with_gradients(structure: Structure) -> MemoryRun:
    """A run whose outputs and gradients all have numbers: the L2 norm of value k is k + 1, of its gradient 10^−(k % 6);
    the first half of the values is a quarter zeros, the rest half."""
    count = structure.value_count
    output, gradient = np.zeros((2, count, len(STATS)), dtype=np.float32)
    output[:, STATS.index("l2")] = np.arange(count) + 1
    output[:, STATS.index("zeros")] = np.where(np.arange(count) < count / 2, 0.25, 0.5)
    gradient[:, STATS.index("l2")] = 10.0 ** -(np.arange(count) % 6)
    values = [ValueRef(node.id, index) for node in structure.nodes for index in range(len(node.outputs))]
    calls: list[EventRow] = [(EventKind.CALL, node.id, 0) for node in structure.nodes]
    arrived: list[EventRow] = [(EventKind.GRADIENT, value.node, value.index) for value in values]
    times = list(np.arange(len(calls) + len(arrived)) * 1e-3 + 1e-3)
    return one_step_run(structure, calls + arrived, {"output": output, "gradient": gradient}, times)

"""How large a node's value and gradient were over the recorded steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from graphviz_nn.errors import RunFileError
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.views import Curve, Curves

MOST_STEPS: Final = 60
"""Recorded steps that are looked at, up to the one that is meant."""

_L2: Final = STATS.index("l2")


def norms_over_steps(data: RunData, position: int, node: int, check: Callable[[], object]) -> Curves | None:
    """Returns the L2 norms of a node's first output and of its gradient up to a step, or None where fewer than two
    steps have any. Slow: leave it to a worker, whose ticket's `check` is called between steps.

    Steps of another structure are left out: the node's number means something else there.
    """
    infos = data.steps()
    digest = infos[position].structure
    found: list[tuple[int, float, float]] = []
    for at in range(max(position - MOST_STEPS + 1, 0), position + 1):
        check()
        if infos[at].structure != digest:
            continue
        try:
            found.append((infos[at].index, _of_value(data, at, node), _of_gradient(data, at, node)))
        except RunFileError:
            continue  # A damaged step is a gap in the curve.
    steps, values, gradients = np.array(found, np.float64).reshape(-1, 3).T
    drawn = [
        Curve(label, steps, norms, hue)
        for label, norms, hue in (("output", values, "forward"), ("gradient", gradients, "backward"))
        if np.isfinite(norms).sum() > 1
    ]
    if not drawn:
        return None
    every = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in drawn])
    logarithmic = bool(every.min() > 0 and every.max() / every.min() > 30)
    return Curves("L2 norm over training", tuple(drawn), "training step", "L2 norm", logarithmic=logarithmic)


def _of_value(data: RunData, position: int, node: int) -> float:
    table = data.stats(position, "output")
    row = data.structure(data.steps()[position].structure).value_offsets[node]
    return float("nan") if table is None or row >= len(table) else float(table[row, _L2])


def _of_gradient(data: RunData, position: int, node: int) -> float:
    table = data.stats(position, "gradient")
    if table is None:
        return float("nan")
    events = data.events(position)
    arrived = events[events["kind"] == EventKind.GRADIENT]
    rows = np.flatnonzero((arrived["node"] == node) & (arrived["index"] == 0))
    return float(table[rows[-1], _L2]) if len(rows) else float("nan")

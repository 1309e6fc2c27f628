"""Parameters that an optimizer changes, and that begin the next step at their old value."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.nodes import Node

_VISIBLE = 1e-6


def written_back(context: CheckContext, least: int) -> dict[str, tuple[StepFacts, Node, int]]:
    """Returns the parameters that were set back after every update, by name, each with the last step, its node in it,
    and the number of steps.

    That is where all statistics of the value are the same at the beginning of all recorded steps, at least `least` in a
    row, though each update but the last one changed it by more than a millionth of its size.
    """
    steps = context.trained
    follow_on = all(two.info.index == one.info.index + 1 for one, two in pairwise(steps))
    if len(steps) < least or not follow_on or any(step.lineage is not steps[-1].lineage for step in steps):
        return {}
    last = steps[-1]
    named = list(last.lineage.parameters.items())
    rows = [last.lineage.rows(node).start for _, node in named]
    numbers = [node.id for _, node in named]
    values = np.array([step.output[rows] for step in steps])
    changes = np.array([step.change[numbers, COLUMN["l2"]] for step in steps[:-1]])
    same = (values == values[0]).all(axis=(0, 2))
    moved = (changes > _VISIBLE * values[:-1, :, COLUMN["l2"]]).all(axis=0)
    return {named[place][0]: (last, named[place][1], len(steps)) for place in np.flatnonzero(same & moved)}

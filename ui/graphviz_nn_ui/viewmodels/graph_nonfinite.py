"""Where NaN and ±Inf came up in a step, and which boxes hold some at the cursor."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import RunData
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn.session.step import OpenStep

Bits = npt.NDArray[np.uint8]

VALUE_NAN: Final = 1
VALUE_INF: Final = 2
GRADIENT_NAN: Final = 4
GRADIENT_INF: Final = 8
"""Gradients are those of values and of parameters; what an update left behind counts as a value."""

_NAN: Final = STATS.index("nan")
_INFINITE: Final = [STATS.index("posinf"), STATS.index("neginf")]
_OF_PARAMETERS: Final = ((EventKind.PARAMETER_GRADIENT, "parameter_gradient", 4), (EventKind.UPDATE, "update", 1))


class NonFinite:
    """The events of a step that brought NaN or ±Inf: `seqs`, ascending; by event its `nodes` and `bits`."""

    def __init__(self, data: RunData, step: OpenStep) -> None:
        """Reads the step's statistics; what was not measured counts as finite. Raises `DamagedRunFile`."""
        readings, order = step.readings, step.order
        brought = np.where(readings.gradient < 0, VALUE_NAN, GRADIENT_NAN)
        bits = np.zeros(len(readings.seq), np.uint8)
        for tensor, chosen in (("value", readings.gradient < 0), ("gradient", readings.gradient >= 0)):
            nan = readings.statistic(tensor, "nan") > 0
            infinite = (readings.statistic(tensor, "posinf") > 0) | (readings.statistic(tensor, "neginf") > 0)
            bits |= np.where(chosen, nan * brought + infinite * brought * 2, 0).astype(np.uint8)
        found = [(readings.seq, readings.node, bits)]
        for kind, name, brings in _OF_PARAMETERS:
            seqs = np.flatnonzero(order.kind == kind)
            table = data.stats(step.position, name)
            if table is not None and len(table):
                counts = np.nan_to_num(table[: len(seqs)])
                rows = (counts[:, _NAN] > 0) * brings + (counts[:, _INFINITE].sum(axis=1) > 0) * brings * 2
                found.append((seqs, order.node[seqs].astype(np.intp), rows.astype(np.uint8)))
        seqs, nodes, bits = (np.concatenate(column) for column in zip(*found, strict=True))
        placed = np.argsort(seqs, kind="stable")
        placed = placed[bits[placed] > 0]
        self.seqs, self.nodes, self.bits = seqs[placed], nodes[placed], bits[placed]

    def by_box(self, tables: SceneTables, seq: int) -> Bits:
        """Returns by box what it holds once the event `seq` has happened."""
        held = np.zeros(len(tables.boxes), np.uint8)
        count = int(np.searchsorted(self.seqs, seq, "right"))
        homes = tables.home[self.nodes[:count]]
        np.bitwise_or.at(held, homes[homes >= 0], self.bits[:count][homes >= 0])
        return held


def nonfinite_sign(bits: int) -> str:
    """Returns a few letters for a mark: "NaN", "±Inf", "∇ NaN" where the gradient alone holds some; "" for none."""
    of_value = bits & (VALUE_NAN | VALUE_INF)
    if of_value:
        return "NaN" if bits & VALUE_NAN else "±Inf"
    if bits:
        return "∇ NaN" if bits & GRADIENT_NAN else "∇ ±Inf"
    return ""


def nonfinite_text(bits: int) -> str:
    """Returns one line: "its value holds NaN; its gradient holds NaN and ±Inf"."""
    parts = [
        f"its {what} holds {' and '.join(word for bit, word in ((nan, 'NaN'), (infinite, '±Inf')) if bits & bit)}"
        for what, nan, infinite in (("value", VALUE_NAN, VALUE_INF), ("gradient", GRADIENT_NAN, GRADIENT_INF))
        if bits & (nan | infinite)
    ]
    return "; ".join(parts)

"""One tensor beside its gradient: what is known of each, in numbers or in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.nodes import SOURCE_KINDS, ValueRef
from graphviz_nn.model.stats import Stats
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session import Session
from graphviz_nn.session.state import NEVER as NOT_MADE
from graphviz_nn_ui.viewmodels.numbers import NOTHING, nonfinite_text, share_text, short_text
from graphviz_nn_ui.viewmodels.step_numbers import NEVER, NONE, StepNumbers


@dataclass(frozen=True, slots=True)
class TensorCard:
    """A value, a gradient, or the change of a parameter.

    Attributes:
        title: what it is. phase: "forward", "backward" or "optimizer": its colour.
        state: one sentence on whether it is there, and since which event.
        happened: whether it is there at the cursor.
        stats, histogram: None where they were not measured.
        key: under which the run keeps the tensor, if it does.
    """

    title: str
    phase: str
    state: str
    happened: bool
    stats: Stats | None = None
    histogram: npt.NDArray[np.uint16] | None = None
    key: TensorKey | None = None


STAT_ROWS = ("min", "max", "mean", "std", "‖·‖₂", "zeros", "NaN/Inf")


def stat_texts(stats: Stats | None) -> tuple[str, ...]:
    """Returns the statistics in words, in the order of `STAT_ROWS`; empty texts where nothing was measured."""
    if stats is None:
        return ("",) * len(STAT_ROWS)
    # Without a finite element there is no minimum; "NaN" would read as if it were one.
    numbers = (stats.min, stats.max, stats.mean, stats.std, stats.l2)
    texts = (NOTHING if math.isnan(each) else short_text(each) for each in numbers)
    return (*texts, share_text(stats.zeros), nonfinite_text(stats))


def cards_of(session: Session, numbers: StepNumbers, value: ValueRef, number: int) -> tuple[TensorCard, ...]:
    """Returns the value and its gradient in a backward pass; of a parameter also its `.grad` and its update."""
    return _Cards(session, numbers, value, number).all()


class _Cards:
    def __init__(self, session: Session, numbers: StepNumbers, value: ValueRef, number: int) -> None:
        self._session = session
        self._numbers = numbers
        self._value = value
        self._number = number
        self._node = session.structure.nodes[value.node]

    def all(self) -> tuple[TensorCard, ...]:
        if self._node.kind != "parameter":
            return self._made(), self._gradient("gradient")
        return self._made(), self._gradient(f"pass {self._number}"), self._accumulated(), self._update()

    def _made(self) -> TensorCard:
        seq = int(self._session.step.states.value_at[self._value.node])
        verb = "Read" if self._node.kind in SOURCE_KINDS else "Made"
        state = "Never made: the call failed." if seq == NOT_MADE else self._since(verb, seq)
        return self._card("value", "forward", state, seq, "output", "value")

    def _gradient(self, title: str) -> TensorCard:
        arrival = self._numbers.arrival(self._value, self._number)
        if arrival == NEVER:
            return TensorCard(title, "backward", self._why_never(), False)
        seq = self._numbers.seq("gradient", self._value, self._number)
        assert seq is not None
        if arrival == NONE:
            state = f"None: autograd said at #{seq} that there is no gradient here."
            return TensorCard(title, "backward", state, seq <= self._session.cursor)
        return self._card(title, "backward", self._since("Arrived", seq), seq, "gradient", "gradient")

    def _accumulated(self) -> TensorCard:
        seq = self._numbers.seq("parameter_gradient", self._value, self._number)
        if seq is None:
            return TensorCard(".grad", "backward", "No .grad was left by this pass.", False)
        return self._card(".grad", "backward", self._since("Held", seq), seq, *["parameter_gradient"] * 2)

    def _update(self) -> TensorCard:
        seq = self._numbers.seq("update", self._value)
        if seq is None:
            return TensorCard("update", "optimizer", "No optimizer changed it in this step.", False)
        return self._card("update", "optimizer", self._since("Changed", seq), seq, "update", None)

    def _card(self, title: str, phase: str, state: str, seq: int, table: str, kind: str | None) -> TensorCard:
        number = 0 if kind == "value" else self._number
        key = None if kind is None else TensorKey(kind, self._value.node, self._value.index, number)
        unmeasured = "" if self._numbers.table(table) is not None else " Not measured: record with keep='stats'."
        return TensorCard(
            title,
            phase,
            f"{state}{unmeasured}",
            seq <= self._session.cursor,
            self._numbers.stats(table, self._value, self._number),
            self._numbers.histogram(table, self._value, self._number),
            key if key in self._session.step.kept else None,
        )

    def _since(self, verb: str, seq: int) -> str:
        later = "" if seq <= self._session.cursor else ", after the cursor"
        return f"{verb} at #{seq}{later}."

    def _why_never(self) -> str:
        if not self._numbers.passes:
            return "Never arrived: this step has no backward pass."
        output = self._node.outputs[self._value.index]
        if not output.requires_grad:
            return "Never arrived: requires_grad is False, so no gradient can flow here."
        which = "the backward pass" if len(self._numbers.passes) == 1 else f"backward pass {self._number}"
        return f"Never arrived: the value took no part in {which}."


def update_ratio(numbers: StepNumbers, node: int) -> float | None:
    """Returns the L2 norm of a parameter's update over that of the parameter before it, or None.

    Around 1e-3 is usual (Karpathy, "A Recipe for Training Neural Networks", 2019).
    """
    value = ValueRef(node, 0)
    before, change = numbers.stats("output", value), numbers.stats("update", value)
    if before is None or change is None or before.l2 == 0:
        return None
    return change.l2 / before.l2

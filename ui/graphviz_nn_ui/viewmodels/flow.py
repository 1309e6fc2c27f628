"""A layer as a textbook draws it: three things that came in, three that go out, each in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.scene.words import shape_text
from graphviz_nn.session import Reference, Session
from graphviz_nn.session.textbook import AVAILABLE, LATER, NONE
from graphviz_nn_ui.viewmodels.numbers import NOTHING, short_text
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

MOST_ROWS: Final = 200
"""References that a group lists: a `cat` of thousands is cut there."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A tensor that flows in or out.

    Attributes:
        title: the argument that it fills, or its name. name: of the node that made it.
        norm: its L2 norm, or why there is none. there: whether it exists at the cursor.
        key: what it is; `kept`: whether the run holds the tensor itself.
        tip: all of it in a sentence or two.
    """

    title: str
    name: str
    shape: str
    norm: str
    there: bool
    key: TensorKey
    kept: bool
    tip: str


@dataclass(frozen=True, slots=True)
class FlowGroup:
    """One of the six. `phase` is "forward" or "backward"; `more` counts rows left out at the end."""

    title: str
    phase: str
    rows: tuple[FlowRow, ...]
    more: int = 0


def flow_of(session: Session, numbers: StepNumbers, node: int) -> tuple[tuple[FlowGroup, ...], tuple[FlowGroup, ...]]:
    """Returns the groups that come into a node and those that go out of it, at the cursor. Empty ones are left out."""
    book = session.textbook(node)
    write = _Writer(session, numbers)
    coming = (
        write.group("Inputs", "forward", book.inputs),
        write.group("Parameters", "forward", book.parameters),
        write.group("Incoming gradient", "backward", book.incoming),
    )
    going = (
        write.group("Outputs", "forward", book.outputs),
        write.group("Gradient of the inputs", "backward", book.input_gradients),
        write.group("Gradient of the parameters", "backward", book.parameter_gradients),
    )
    return tuple(filter(None, coming)), tuple(filter(None, going))


class _Writer:
    def __init__(self, session: Session, numbers: StepNumbers) -> None:
        self._session = session
        self._numbers = numbers

    def group(self, title: str, phase: str, references: tuple[Reference, ...]) -> FlowGroup | None:
        if not references or (phase == "backward" and not self._numbers.passes):
            return None
        rows = tuple(self._row(reference) for reference in references[:MOST_ROWS])
        return FlowGroup(title, phase, rows, max(len(references) - MOST_ROWS, 0))

    def _row(self, reference: Reference) -> FlowRow:
        key = reference.key
        node = self._session.structure.nodes[key.node]
        output = node.outputs[key.index]
        name = node.name if len(node.outputs) == 1 else f"{node.name}[{key.index}]"
        norm, tip = self._state(reference)
        shape = shape_text(output.shape, output.dtype)
        what = f"{'gradient of ' if key.kind == 'gradient' else ''}{name}, {shape}"
        kept = "" if reference.kept else " The tensor itself was not kept."
        return FlowRow(
            title=reference.argument or ("result" if key.kind == "value" else "of the result"),
            name=name,
            shape=shape,
            norm=norm,
            there=reference.availability == AVAILABLE,
            key=key,
            kept=reference.kept,
            tip=f"{what}. {tip}{kept}",
        )

    def _state(self, reference: Reference) -> tuple[str, str]:
        """What stands in the norm's place, and the sentence behind it."""
        key = reference.key
        if reference.availability == LATER:
            return f"at #{reference.seq}", f"It comes at event {reference.seq}, after the cursor."
        if reference.availability == NONE:
            return "None", "Autograd said that there is no gradient here."
        if reference.availability != AVAILABLE:
            return "never", "It never comes in this step."
        table = "output" if key.kind == "value" else "gradient"
        stats = self._numbers.stats(table, ValueRef(key.node, key.index), key.number)
        norm = NOTHING if stats is None else short_text(stats.l2)
        sign = "" if stats is None or stats.finite else "✖ "
        shared = " Other calls read the same value: this is the sum over all of them." if reference.shared else ""
        return f"{sign}{norm}{' Σ' if reference.shared else ''}", f"‖·‖₂ = {norm}.{shared}"

"""The parameters of a module, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import Stats
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene import words
from graphviz_nn_ui.viewmodels.numbers import NOTHING, number_text, short_text
from graphviz_nn_ui.viewmodels.step_numbers import NONE, StepNumbers
from graphviz_nn_ui.viewmodels.tensor_cards import update_ratio


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """A parameter in one line.

    Attributes:
        node: its node. name: its first name, without the module's own path. tied: its other names, whole.
        norm, contribution, gradient: L2 norm of the parameter, of the first pass's gradient, of `.grad`, in words.
        ratio: norm of its update over its own, in words.
    """

    node: int
    name: str
    tied: tuple[str, ...]
    shape: str
    norm: str
    contribution: str
    gradient: str
    ratio: str


class ParameterLines(Sequence[ParameterLine]):
    """The parameters of the module at `path` in one line each: worked out when somebody looks, and kept.

    The first one is looked at here: what of the file is damaged is known from then on.
    """

    def __init__(self, structure: Structure, numbers: StepNumbers, nodes: Iterable[int], path: str = "") -> None:
        self._structure, self._numbers, self._path = structure, numbers, path
        self._nodes = tuple(nodes)
        self._lines: dict[int, ParameterLine] = {}
        if self._nodes:
            self._line(0)

    def __len__(self) -> int:
        return len(self._nodes)

    @overload
    def __getitem__(self, place: int) -> ParameterLine: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[ParameterLine, ...]: ...
    def __getitem__(self, place: int | slice) -> ParameterLine | tuple[ParameterLine, ...]:
        places = range(len(self))[place]
        return self._line(places) if isinstance(places, int) else tuple(map(self._line, places))

    def __eq__(self, other: object) -> bool:
        """Whether the same module is shown of the same step."""
        return isinstance(other, ParameterLines) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[StepNumbers, str, tuple[int, ...]]:
        return self._numbers, self._path, self._nodes

    def _line(self, place: int) -> ParameterLine:
        if place not in self._lines:
            self._lines[place] = _line(self._structure, self._numbers, self._nodes[place], self._path)
        return self._lines[place]


def _line(structure: Structure, numbers: StepNumbers, number: int, path: str) -> ParameterLine:
    node = structure.nodes[number]
    value, output = ValueRef(number, 0), node.outputs[0]
    frozen = "" if output.requires_grad else "frozen"
    contribution = numbers.stats("gradient", value)
    said_none = numbers.arrival(value, 0) == NONE
    ratio = update_ratio(numbers, number)
    return ParameterLine(
        node=number,
        name=words.relative(node.names[0] if node.names else node.name, path),
        tied=node.names[1:],
        shape=words.shape_text(output.shape, output.dtype),
        norm=_norm(numbers.stats("output", value)),
        contribution="None" if said_none else frozen or _norm(contribution),
        gradient=frozen or _norm(numbers.stats("parameter_gradient", value)),
        ratio=NOTHING if ratio is None else number_text(ratio, 2),
    )


def _norm(stats: Stats | None) -> str:
    if stats is None:
        return NOTHING
    return short_text(stats.l2) if stats.finite else f"✖ {short_text(stats.l2)}"

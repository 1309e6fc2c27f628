"""What a page can tell of each call, module and parameter: the facts of its side panel."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np

from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.stats import StatTable
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.overlay import gradient_rows
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.words import shape_text

_LONGEST: Final = 300
_DIGITS: Final = 5

Row = list[float | str | None]
"""Numbers by `model.stats.STATS`: None for NaN, "inf" and "-inf" for the infinite ones."""


class PageValue(msgspec.Struct, array_like=True):
    """One output: its shape with its dtype, and the statistics of it and of its gradient.

    `statistics` is None where not measured. `gradient` is also "none" where autograd delivered None, "arrived" where
    a gradient was delivered but not measured, and None where none arrived.
    """

    shape: str
    device: str
    requires_grad: bool
    statistics: Row | None
    gradient: Row | str | None


class PageNode(msgspec.Struct, array_like=True):
    """One call. `source` is "file:line in function", or ""; `attributes` are names and texts."""

    id: int
    name: str
    op: str
    kind: str
    module: str | None
    source: str
    attributes: dict[str, str]
    outputs: list[PageValue]


class PageModule(msgspec.Struct, array_like=True):
    """One module, and how often it was called."""

    path: str
    type: str
    training: bool
    calls: int
    attributes: dict[str, str]


class Details:
    """Reads the facts of one step of a run."""

    def __init__(self, data: RunData, position: int, structure: Structure) -> None:
        self._structure = structure
        self._outputs = _measured_rows(data.stats(position, "output"))
        self._gradients = _measured_rows(_gradient_table(data, position, structure))
        events = data.events(position)
        arrived = events[events["kind"] == EventKind.GRADIENT]
        rows = np.asarray(structure.value_offsets)[arrived["node"]] + arrived["index"]
        self._states = dict(zip(rows.tolist(), arrived["state"].tolist(), strict=True))

    def nodes(self, numbers: Iterable[int]) -> list[PageNode]:
        """The calls (or sources) of these ids."""
        return [self._node(self._structure.nodes[number]) for number in numbers]

    def modules(self) -> list[PageModule]:
        """Every module that was called in the forward phase."""
        calls: dict[str, int] = {}
        for call in self._structure.module_calls:
            if call.phase == "forward":
                calls[call.path] = calls.get(call.path, 0) + 1
        modules = self._structure.modules_by_path
        return [_module(modules[path], count) for path, count in calls.items() if path in modules]

    def _node(self, node: Node) -> PageNode:
        source = node.source
        place = f"{os.path.basename(source.file)}:{source.line} in {source.function}" if source is not None else ""
        return PageNode(
            id=node.id,
            name=text_of(" = ".join(node.names) or node.name),
            op=text_of(node.op),
            kind=node.kind,
            module=text_of(node.module) if node.module is not None else None,
            source=text_of(place),
            attributes=_attributes(node.attributes),
            outputs=[self._value(node, index) for index in range(len(node.outputs))],
        )

    def _value(self, node: Node, index: int) -> PageValue:
        output, row = node.outputs[index], self._structure.value_offsets[node.id] + index
        gradient: Row | str | None = _row(self._gradients.get(row))
        if gradient is None and row in self._states:
            gradient = "none" if self._states[row] == STATE_NONE else "arrived"
        return PageValue(
            shape=shape_text(output.shape, output.dtype),
            device=text_of(output.device),
            requires_grad=output.requires_grad,
            statistics=_row(self._outputs.get(row)),
            gradient=gradient,
        )


def text_of(value: object) -> str:
    """Returns any value as one safe line of limited length."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    line = readable(text[: _LONGEST + 1])
    return line if len(text) <= _LONGEST else f"{line[:_LONGEST]}…"


def _gradient_table(data: RunData, position: int, structure: Structure) -> StatTable | None:
    if data.stats(position, "gradient") is None:
        return None
    return gradient_rows(data, position, structure, required=False)


def _measured_rows(table: StatTable | None) -> dict[int, list[float]]:
    """The rows in which there is any number, by their place."""
    if table is None or not len(table):
        return {}
    measured = np.flatnonzero(~np.isnan(table).all(axis=1))
    return dict(zip(measured.tolist(), table[measured].tolist(), strict=True))


def _row(numbers: list[float] | None) -> Row | None:
    return [_number(value) for value in numbers] if numbers is not None else None


def _number(value: float) -> float | str | None:
    if value == 0:
        return 0
    if math.isfinite(value):
        short = float(f"{value:.{_DIGITS}g}")
        return int(short) if short == int(short) and abs(short) < 1e6 else short
    return None if math.isnan(value) else repr(value)


def _attributes(attributes: dict[str, Any]) -> dict[str, str]:
    return {text_of(name): text_of(value) for name, value in attributes.items()}


def _module(module: Module, calls: int) -> PageModule:
    return PageModule(
        text_of(module.path), text_of(module.type), module.training, calls, _attributes(module.attributes)
    )

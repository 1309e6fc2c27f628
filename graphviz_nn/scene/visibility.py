"""Which calls a picture shows, and how wires pass through those that it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.model.nodes import Input, Node, ValueRef
from graphviz_nn.model.structure import Structure

_HIDDEN_KINDS: Final = frozenset({"noop", "alias", "scalar", "parameter", "buffer"})

_FRACTIONAL: Final = ("float", "bfloat", "complex")


FLOW_KINDS: Final = ("data", "alias")
"""Kinds of inputs of nodes; see `Input`."""

Integers = npt.NDArray[np.intp]


class Flows(NamedTuple):
    """What the shown calls read, one row each, in order of the reader and of its arguments.

    Attributes:
        sources, outputs: the value of a shown node that reaches a call, through calls that are not shown or without.
        targets: the call. kinds: places in `FLOW_KINDS`.
        parameters, readers: a parameter that is not shown, and a call that it reaches.
    """

    sources: Integers
    outputs: Integers
    targets: Integers
    kinds: Integers
    parameters: Integers
    readers: Integers


class Visibility:
    """The shown nodes of a structure.

    Hidden by default are no-ops, aliases, scalars that leave for Python, parameters and buffers and what is computed
    from buffers alone (a batch count, a causal mask), constants of one element, layer types that are `bookkeeping`,
    integers and booleans that only Python reads (a test of a mask), and every phase but the forward one. A call that
    failed, the loss and the outputs are always shown. A composite whose calls stand for it is never shown itself.
    """

    def __init__(self, structure: Structure, types: Sequence[LayerType | None], show_all: bool) -> None:
        self.structure = structure
        self.shown = bytearray(len(structure.nodes))
        self._origins: dict[int, tuple[ValueRef, ...]] = {}
        self._updated: dict[ValueRef, tuple[ValueRef, ...]] = {}
        buffers_only = bytearray(len(structure.nodes))
        telling = _telling(structure)
        used = _used(structure, telling)
        for node in structure.nodes:
            if node.kind == "buffer" or _reads_only(node, buffers_only):
                buffers_only[node.id] = 1
            if _is_opened_composite(node):
                continue
            hidden = buffers_only[node.id] or not used[node.id] or _is_hidden(node, types[node.id])
            if show_all or not hidden or node.id in telling:
                self.shown[node.id] = 1
            elif _is_update(node):
                for place, edge in enumerate(node.inputs):
                    self._updated[ValueRef(node.id, place)] = self.origins(edge)
            else:
                self._origins[node.id] = self._origins_of(node)

    def ids(self) -> Iterator[int]:
        """The shown nodes, in order."""
        return (number for number, shown in enumerate(self.shown) if shown)

    def origins(self, edge: Input) -> tuple[ValueRef, ...]:
        """The values that reach a call through `edge`: of shown nodes, or of parameters that are not shown."""
        if self.shown[edge.node]:
            return (ValueRef(edge.node, edge.output),)
        found = self._origins.get(edge.node)
        return self._updated.get(ValueRef(edge.node, edge.output), ()) if found is None else found

    @cached_property
    def flows(self) -> Flows:
        """What reaches the shown calls."""
        kinds = {kind: place for place, kind in enumerate(FLOW_KINDS)}
        shown, nodes = self.shown, self.structure.nodes
        flows, read = list[int](), list[int]()
        for number in self.ids():
            for edge in nodes[number].inputs:
                if shown[edge.node]:
                    flows += edge.node, edge.output, number, kinds[edge.kind]
                    continue
                for value in self.origins(edge):
                    if shown[value.node]:
                        flows += value.node, value.index, number, kinds[edge.kind]
                    else:
                        read += value.node, number
        return Flows(*_columns(flows, 4), *_columns(read, 2))

    def _origins_of(self, node: Node) -> tuple[ValueRef, ...]:
        if node.kind == "parameter":
            return (ValueRef(node.id, 0),)
        if node.op.startswith("new_") or node.op.endswith("_like"):
            return ()  # it reads the shape and the type of its input, not the values
        if len(node.inputs) == 1:
            return self.origins(node.inputs[0])
        return tuple(dict.fromkeys(value for edge in node.inputs for value in self.origins(edge)))


def _columns(cells: Sequence[int], width: int) -> Integers:
    """The columns of a table that is given row by row."""
    return np.array(cells, np.intp).reshape(-1, width).T


def _is_opened_composite(node: Node) -> bool:
    return node.kind == "composite" and not node.outputs


def _is_update(node: Node) -> bool:
    """Whether it is an optimizer's step: it makes the next version of each parameter that it reads."""
    return node.phase == "optimizer" and len(node.outputs) == len(node.inputs)


def _reads_only(node: Node, flags: bytearray) -> bool:
    for edge in node.inputs:
        if not flags[edge.node]:
            return False
    return bool(node.inputs)


def _telling(structure: Structure) -> set[int]:
    """The calls that no picture leaves out: of an output, of the loss, and the one that failed."""
    found = {node.id for node in structure.nodes for output in node.outputs if output.role}
    found.update(node.id for node in structure.nodes if "error" in node.attributes)
    return {number for number in found if structure.nodes[number].phase == "forward"}


def _used(structure: Structure, telling: set[int]) -> bytearray:
    """By node: 1 where it makes numbers that a network computes with, or where such a call reads what it makes.

    Where nothing is telling nobody knows what the program was for, and every node counts.
    """
    nodes = structure.nodes
    if not telling:
        return bytearray(b"\x01") * len(nodes)
    used = bytearray(len(nodes))
    for node in reversed(nodes):
        if used[node.id] or _has_fractions(node) or node.kind == "input" or node.id in telling:
            used[node.id] = 1
            for edge in node.inputs:
                used[edge.node] = 1
    return used


def _has_fractions(node: Node) -> bool:
    return any(output.dtype.startswith(_FRACTIONAL) for output in node.outputs)


def _is_hidden(node: Node, layer_type: LayerType | None) -> bool:
    if node.phase != "forward" or node.kind in _HIDDEN_KINDS:
        return True
    if node.kind == "constant":
        return not node.outputs or node.outputs[0].shape == ()
    return layer_type is not None and layer_type.bookkeeping

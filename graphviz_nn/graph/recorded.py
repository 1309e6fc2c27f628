"""The kept tensors of a step, by value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from graphviz_nn.graph.restore import restore_tensor
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey

if TYPE_CHECKING:
    from torch import Tensor

Load = Callable[[TensorKey], TensorData | None]


class RecordedValues:
    """Looks up what was kept of the values of a step."""

    def __init__(self, structure: Structure, load: Load) -> None:
        self._structure = structure
        self._load = load
        self._updated = _updated_parameters(structure)

    def numbers(self, ref: ValueRef) -> Tensor | None:
        """Returns the value's numbers on the CPU, or None where they were not kept."""
        data = self._data(ref)
        return None if data is None else restore_tensor(data)

    def tensor(self, ref: ValueRef) -> Tensor | None:
        """Returns the value as a leaf on its device, or None where it was not kept."""
        data = self._data(ref)
        if data is None:
            return None
        output = self._structure.nodes[ref.node].outputs[ref.index]
        return restore_tensor(data, output.device).requires_grad_(output.requires_grad)

    def random_states(self, node: Node) -> dict[int, Tensor]:
        """Returns the states of the generators before a call that draws random numbers, by number; else nothing."""
        states: dict[int, Tensor] = {}
        for number in count():
            data = self._load(TensorKey("random_state", node.id, 0, number))
            if data is None:
                break
            states[number] = restore_tensor(data)
        return states

    def _data(self, ref: ValueRef) -> TensorData | None:
        data = self._load(TensorKey("value", *ref))
        if data is None and ref in self._updated:
            return self._load(TensorKey("update", *self._updated[ref]))
        return data


def _updated_parameters(structure: Structure) -> dict[ValueRef, ValueRef]:
    """The last version of each parameter that an optimizer made, and the parameter: kept by the name of "update"."""
    sources: dict[ValueRef, ValueRef] = {}
    last: dict[ValueRef, ValueRef] = {}
    for node in structure.nodes:
        if node.phase != "optimizer" or len(node.inputs) != len(node.outputs):
            continue
        for index, (edge, output) in enumerate(zip(node.inputs, node.outputs, strict=True)):
            if output.version == "mutated":
                before = ValueRef(edge.node, edge.output)
                source = sources.get(before, before)
                made = ValueRef(node.id, index)
                sources[made] = source
                last[source] = made
    return {made: source for source, made in last.items()}

"""Who reads what in the forward phase of a structure: worked out once for all steps that share it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin.layer_types import LayerTypes

WEIGHTED = frozenset({Category.LINEAR, Category.CONVOLUTION, Category.RECURRENT, Category.ATTENTION})
"""Categories of calls that count as one layer of depth where they read a parameter."""

_FORWARD = "forward"


class Lineage:
    """Ancestors and descendants of the forward calls of one structure; ids go from low to high along every edge.

    Attributes:
        numel: elements of each value, by row. value_node: the node of each row.
    """

    def __init__(self, structure: Structure, layer_types: LayerTypes) -> None:
        self.structure = structure
        self._layer_types = layer_types
        outputs = [(node.id, output) for node in structure.nodes for output in node.outputs]
        self.numel = np.array([max(math.prod(output.shape), 1) for _, output in outputs], np.float64)
        self.value_node = np.array([node for node, _ in outputs], np.int64)
        self.readers: list[list[int]] = [[] for _ in structure.nodes]
        for node in self.forward:
            for read in node.inputs:
                self.readers[read.node].append(node.id)

    @cached_property
    def forward(self) -> tuple[Node, ...]:
        """The calls and sources of the forward phase, in order."""
        return tuple(node for node in self.structure.nodes if node.phase == _FORWARD)

    @cached_property
    def parameters(self) -> dict[str, Node]:
        """The trainable parameters that were read, by their first name."""
        found = (node for node in self.forward if node.kind == "parameter" and node.outputs[0].requires_grad)
        return {node.names[0] if node.names else node.name: node for node in found}

    def category(self, node: Node) -> Category | None:
        """Category of the node's operator, or None where no layer type covers it."""
        found = self._layer_types.for_op(node.op)
        return None if found is None else found.category

    @cached_property
    def weighted(self) -> tuple[Node, ...]:
        """The calls that are layers: linear, convolution, recurrent or attention, with a parameter above an input.

        The parameter may be read through a few calls of its own (a transpose, a weight norm), not through data.
        """
        made_of_parameters: set[int] = set()
        found = []
        for node in self.forward:
            from_parameters = [read.node in made_of_parameters for read in node.inputs]
            if node.kind == "parameter" or (from_parameters and all(from_parameters)):
                made_of_parameters.add(node.id)
            elif self.category(node) in WEIGHTED and any(from_parameters):
                found.append(node)
        return tuple(node for node in found if node.outputs)

    def layer_key(self, node: Node) -> str:
        """The same for every call of one layer: its module and the parameter that it reads."""
        for read in node.inputs:
            if self.structure.nodes[read.node].kind == "parameter":
                return f"{node.module}:{read.node}"
        return f"{node.module}:{node.op}" if node.module else f"node {node.id}"

    def ancestors(self, roots: Iterable[int]) -> set[int]:
        """Ids of the nodes that the roots were computed from, roots included."""
        found = set(roots)
        waiting = list(found)
        while waiting:
            for read in self.structure.nodes[waiting.pop()].inputs:
                if read.node not in found:
                    found.add(read.node)
                    waiting.append(read.node)
        return found

    def descendants(self, roots: Iterable[int]) -> set[int]:
        """Ids of the forward nodes that were computed from the roots, roots included."""
        found = set(roots)
        waiting = list(found)
        while waiting:
            for reader in self.readers[waiting.pop()]:
                if reader not in found:
                    found.add(reader)
                    waiting.append(reader)
        return found

    def layers_below(self, roots: Iterable[int]) -> npt.NDArray[np.int64]:
        """For each node, the least number of layers on a way from it to a root, its own call included.

        −1 where there is no way. A skip connection counts: it is the way that a gradient takes.
        """
        weighted = {node.id for node in self.weighted}
        below = np.full(len(self.structure.nodes), -1, np.int64)
        root_ids = set(roots)
        for node in reversed(self.forward):
            ways = [int(below[reader]) for reader in self.readers[node.id] if below[reader] >= 0]
            if node.id in root_ids:
                ways.append(0)
            if ways:
                below[node.id] = min(ways) + (node.id in weighted)
        return below

    def rows(self, node: Node) -> slice:
        """Rows of the node's outputs in a table of all values."""
        start = self.structure.value_offsets[node.id]
        return slice(start, start + len(node.outputs))

    def row(self, node: int, index: int) -> int:
        return self.structure.value_row(ValueRef(node, index))

"""Who reads what in the forward phase of a structure: worked out once for all steps that share it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.weights import WeightUse, weight_use
from graphviz_nn.model.layer_types import Category, Healthy
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin.layer_types import LayerTypes

WEIGHTED = frozenset({Category.LINEAR, Category.CONVOLUTION, Category.RECURRENT, Category.ATTENTION})
"""Categories of calls that count as one layer of depth where they read a parameter."""

_FORWARD = "forward"
_INFRA = "infra"


class Lineage:
    """Ancestors and descendants of the forward calls of one structure; ids go from low to high along every edge.

    What `torch.distributed` does between two calls (gathering shards, adding up partial results) belongs to no rule,
    but lineage passes through it.

    Attributes:
        reads: for each node the nodes that it reads, in argument order.
        readers: for each node the forward calls that read it, straight or through the infrastructure alone.
        numel: elements of each value, by row. value_node: the node of each row. dtypes: the types of all values.
    """

    def __init__(self, structure: Structure, layer_types: LayerTypes) -> None:
        self.structure = structure
        self._layer_types = layer_types
        outputs = [output for node in structure.nodes for output in node.outputs]
        shapes = [output.shape for output in outputs]
        elements = {shape: max(math.prod(shape), 1) for shape in set(shapes)}
        self.numel = np.array([elements[shape] for shape in shapes], np.float64)
        self.dtypes = frozenset([output.dtype for output in outputs])
        self.value_node = np.repeat(np.arange(len(structure.nodes)), np.diff(structure.value_offsets))
        self.reads = [[read.node for read in node.inputs] for node in structure.nodes]
        self._categories: dict[str, Category | None] = {}
        self._above: dict[tuple[int, ...], frozenset[int]] = {}
        self._below: dict[tuple[int, ...], npt.NDArray[np.int64]] = {}
        self.readers: list[list[int]] = [[] for _ in structure.nodes]
        for node in reversed(self.flow):  # from the last back, so that what reads a node of the infrastructure is known
            reading = self.readers[node.id] if node.phase == _INFRA else (node.id,)
            for read in reversed(self.reads[node.id]):
                self.readers[read].extend(reading)
        for readers in self.readers:
            readers.reverse()

    @cached_property
    def forward(self) -> tuple[Node, ...]:
        """The calls and sources of the forward phase, in order."""
        return tuple([node for node in self.structure.nodes if node.phase == _FORWARD])

    @cached_property
    def flow(self) -> tuple[Node, ...]:
        """The calls and sources of the forward phase and those of the infrastructure between them, in order."""
        return tuple([node for node in self.structure.nodes if node.phase in (_FORWARD, _INFRA)])

    @cached_property
    def _by_op(self) -> dict[str, list[Node]]:
        """The nodes of the forward phase by operator, those of each in order."""
        found: dict[str, list[Node]] = {}
        for node in self.forward:
            found.setdefault(node.op, []).append(node)
        return found

    def of_op(self, wanted: Callable[[str], bool]) -> list[Node]:
        """Returns the nodes of the forward phase, in order, whose operators are `wanted`: each is asked for once."""
        found = [nodes for op, nodes in self._by_op.items() if wanted(op)]
        if len(found) == 1:
            return found[0].copy()
        return sorted((node for nodes in found for node in nodes), key=lambda node: node.id)

    def of_category(self, category: Category) -> list[Node]:
        """Returns the nodes of the forward phase, in order, whose operators are of the category."""
        return self.of_op(lambda op: self._category(op) is category)

    @cached_property
    def parameter_nodes(self) -> tuple[Node, ...]:
        """The parameters that were read, trainable or not."""
        return tuple(node for node in self.of_op("parameter".__eq__) if node.kind == "parameter")

    @cached_property
    def parameters(self) -> dict[str, Node]:
        """The trainable parameters that were read, by their first name."""
        found = (node for node in self.parameter_nodes if node.outputs[0].requires_grad)
        return {node.names[0] if node.names else node.name: node for node in found}

    def category(self, node: Node) -> Category | None:
        """Category of the node's operator, or None where no layer type covers it."""
        return self._category(node.op)

    def _category(self, op: str) -> Category | None:
        try:
            return self._categories[op]
        except KeyError:
            kind = self._layer_types.for_op(op)
            found = self._categories[op] = None if kind is None else kind.category
            return found

    def healthy(self, node: Node) -> Healthy:
        """What the layer type of the node's operator says is normal in its outputs."""
        return self.healthy_op(node.op)

    def healthy_op(self, op: str) -> Healthy:
        """What the layer type of the operator says is normal in its outputs."""
        found = self._layer_types.for_op(op)
        return Healthy() if found is None else found.healthy

    @cached_property
    def weights(self) -> tuple[WeightUse, ...]:
        """Every call that multiplies a value by a weight matrix or kernel, in order of execution."""
        uses = (weight_use(self.structure, node, self.made_of_parameters) for node in self.weighted)
        return tuple(use for use in uses if use is not None)

    @cached_property
    def normalised(self) -> npt.NDArray[np.bool_]:
        """For each node, whether what was computed from it goes through a normalisation, which undoes its scale."""
        found = [False] * len(self.structure.nodes)
        for node in reversed(self.flow):
            if found[node.id] or self.category(node) is Category.NORMALISATION:
                for read in self.reads[node.id]:
                    found[read] = True
        return np.array(found)

    @cached_property
    def weighted(self) -> tuple[Node, ...]:
        """The calls that are layers: linear, convolution, recurrent or attention, with a parameter above an input.

        The parameter may be read through a few calls of its own (a transpose, a weight norm), not through data.
        """
        made = self.made_of_parameters
        return tuple(
            node
            for node in self.of_op(lambda op: self._category(op) in WEIGHTED)
            if node.outputs and node.id not in made and not made.isdisjoint(self.reads[node.id])
        )

    @cached_property
    def weighted_ids(self) -> frozenset[int]:
        return frozenset(node.id for node in self.weighted)

    @cached_property
    def below_a_layer(self) -> frozenset[int]:
        """Nodes that were computed from what a layer made."""
        return frozenset(self.descendants(self.weighted_ids) - self.weighted_ids)

    @cached_property
    def made_of_parameters(self) -> frozenset[int]:
        """Nodes that are parameters, or were computed from nothing else."""
        found: set[int] = set()
        for node in self.flow:
            reads = self.reads[node.id]
            if node.kind == "parameter" or (reads and found.issuperset(reads)):
                found.add(node.id)
        return frozenset(found)

    def layer_key(self, node: Node) -> str:
        """The same for every call of one layer: its module and the parameter that it reads."""
        for read in node.inputs:
            if self.structure.nodes[read.node].kind == "parameter":
                return f"{node.module}:{read.node}"
        return f"{node.module}:{node.op}" if node.module else f"node {node.id}"

    def ancestors(self, roots: Iterable[int]) -> frozenset[int]:
        """Ids of the nodes that the roots were computed from, roots included."""
        key = tuple(roots)
        if key not in self._above:
            self._above[key] = frozenset(_reachable(key, self.reads))
        return self._above[key]

    def descendants(self, roots: Iterable[int]) -> set[int]:
        """Ids of the forward nodes that were computed from the roots, roots included."""
        return _reachable(roots, self.readers)

    def layers_below(self, roots: Iterable[int]) -> npt.NDArray[np.int64]:
        """For each node, the least number of layers on a way from it to a root, its own call included.

        −1 where there is no way. A skip connection counts: it is the way that a gradient takes.
        """
        key = tuple(roots)
        if key not in self._below:
            self._below[key] = self._count_layers_below(key)
        return self._below[key]

    def _count_layers_below(self, roots: tuple[int, ...]) -> npt.NDArray[np.int64]:
        weighted = self.weighted_ids
        unreached = len(self.structure.nodes)
        below = [unreached] * unreached
        for root in roots:
            below[root] = 0
        for node in reversed(self.flow):
            here = below[node.id]
            if here == unreached:
                continue
            if node.id in weighted:
                here += 1
                below[node.id] = here
            for read in self.reads[node.id]:
                below[read] = min(below[read], here)
        return np.array([-1 if layers == unreached else layers for layers in below], np.int64)

    def rows(self, node: Node) -> slice:
        """Rows of the node's outputs in a table of all values."""
        start = self.structure.value_offsets[node.id]
        return slice(start, start + len(node.outputs))

    def row(self, node: int, index: int) -> int:
        return self.structure.value_row(ValueRef(node, index))


def _reachable(roots: Iterable[int], following: list[list[int]]) -> set[int]:
    """Ids of the roots and of all nodes that lead on from them."""
    found = set(roots)
    waiting = list(found)
    while waiting:
        for number in following[waiting.pop()]:
            if number not in found:
                found.add(number)
                waiting.append(number)
    return found

"""The rules that a stored step keeps, so that whoever reads it can follow every reference without looking.

Each function raises `ValueError` with what is wrong.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Final

import numpy as np

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn.model.metrics import OF, MetricTable
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.steps import EventTable
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import ITEM_BYTES, TENSOR_KINDS, TensorKey

MOST_DIMENSIONS: Final = 64
"""What numpy can hold."""

MOST_ELEMENTS: Final = 2**58
"""In a tensor, and in one stride. Beyond this a size in bytes overflows 64 bits."""

ROWS_OF_EVENTS: Final = {
    "gradient": EventKind.GRADIENT,
    "parameter_gradient": EventKind.PARAMETER_GRADIENT,
    "update": EventKind.UPDATE,
}
"""The kind of event that has a row in each table of stats; "output" has one for each value instead."""

_OF_MODULES: Final = (EventKind.MODULE_ENTER, EventKind.MODULE_EXIT)
_OF_NODES: Final = (
    EventKind.CALL,
    EventKind.RETURN,
    EventKind.GRADIENT,
    EventKind.PARAMETER_GRADIENT,
    EventKind.UPDATE,
)


def check_structure(structure: Structure) -> None:
    """Every reference leads to something, and edges and parents go the way that keeps the graph free of cycles."""
    for position, node in enumerate(structure.nodes):
        _check_node(node, position, structure)
    for index, call in enumerate(structure.module_calls):
        if call.parent is not None and not 0 <= call.parent < index:
            raise ValueError(f"module call {index} was made in call {call.parent}, which is not before it")


def _check_node(node: Node, position: int, structure: Structure) -> None:
    if node.id != position:
        raise ValueError(f"node {position} says that its id is {node.id}")
    if node.parent is not None and not position < node.parent < len(structure.nodes):
        raise ValueError(f"node {position} stands inside node {node.parent}, which is not after it")
    if node.module_call is not None and not 0 <= node.module_call < len(structure.module_calls):
        raise ValueError(f"node {position} stands in module call {node.module_call}, which does not exist")
    for edge in node.inputs:
        if not 0 <= edge.node < position or not 0 <= edge.output < len(structure.nodes[edge.node].outputs):
            raise ValueError(f"node {position} reads output {edge.output} of node {edge.node}, which is not before it")
    for output in node.outputs:
        if output.bytes < 0 or any(size < -1 for size in output.shape):
            raise ValueError(f"node {position} has an output of shape {output.shape} and {output.bytes} bytes")


def check_events(events: EventTable, structure: Structure) -> None:
    """Every event is of a known kind and names a node, value or module call that the structure has."""
    kind, node, index = events["kind"], events["node"], events["index"]
    outputs = np.diff(np.asarray(structure.value_offsets, np.int64))
    limit = np.where(np.isin(kind, _OF_MODULES), len(structure.module_calls), len(structure.nodes))
    lowest = np.where(np.isin(kind, _OF_MODULES) | np.isin(kind, _OF_NODES), 0, -1)
    wrong = (kind > max(EventKind)) | (node < lowest) | (node >= limit) | (events["pass"] < -1) | (index < -1)
    gradients = np.flatnonzero((kind == EventKind.GRADIENT) & ~wrong)
    wrong[gradients] |= (index[gradients] < 0) | (index[gradients] >= outputs[node[gradients]])
    if wrong.any():
        place = int(wrong.argmax())
        raise ValueError(f"event {place} is {events[place]}, which names nothing in the step's structure")


def table_rows(name: str, structure: Structure, events: EventTable) -> int:
    """How many rows the table `name` of stats or histograms has in a step."""
    if name == "output":
        return structure.value_count
    if name not in ROWS_OF_EVENTS:
        raise ValueError(f"a table of stats named {name!r}")
    return int(np.count_nonzero(events["kind"] == ROWS_OF_EVENTS[name]))


def check_metric(table: MetricTable) -> None:
    """Its columns are of one length, and its rows divide its numbers among them."""
    columns = (table.nodes, table.outputs, table.passes, table.lengths)
    if table.of not in OF:
        raise ValueError(f"a metric of {table.of!r}")
    if any(column.ndim != 1 or len(column) != len(table) for column in columns) or table.numbers.ndim != 1:
        raise ValueError("the columns of a metric differ in length")
    if any(len(column) and column.min() < 0 for column in columns):
        raise ValueError("a metric of a value below 0")
    if int(table.lengths.sum(dtype=np.int64)) != len(table.numbers):
        raise ValueError(f"{len(table.numbers)} numbers of a metric, but its rows have {int(table.lengths.sum())}")


def check_places(table: MetricTable, structure: Structure) -> None:
    """Every row of a metric names a value of the structure."""
    outputs = np.diff(np.asarray(structure.value_offsets, np.int64))
    wrong = table.nodes >= len(outputs)
    wrong[~wrong] = table.outputs[~wrong] >= outputs[table.nodes[~wrong]]
    if wrong.any():
        place = int(wrong.argmax())
        raise ValueError(f"a metric of output {table.outputs[place]} of node {table.nodes[place]}, which is not there")


def check_finding(finding: Finding, nodes: int) -> None:
    """It is of a known severity, its node is one of the `nodes` of its step's structure or none, and its evidence is
    numbers, texts, or lists of them."""
    if finding.severity not in SEVERITIES:
        raise ValueError(f"a finding of severity {finding.severity!r}")
    if finding.node is not None and not 0 <= finding.node < nodes:
        raise ValueError(f"a finding at node {finding.node}, which is not there")
    for name, value in finding.evidence.items():
        if not all(isinstance(item, (str, Real)) for item in (value if isinstance(value, list) else [value])):
            raise ValueError(f"a finding whose evidence {name} is {value!r}")


def check_tensor_key(key: TensorKey) -> None:
    if key.kind not in TENSOR_KINDS or min(key.node, key.index, key.number) < 0:
        raise ValueError(f"a tensor with the key {tuple(key)}")


def tensor_bytes(dtype: str, shape: tuple[int, ...], strides: tuple[int, ...] | None) -> int:
    """How many bytes a tensor stores: its elements, or with strides its span from first to last element.

    This is what makes `TensorData.numpy` safe: strides that leave the stored bytes never get there.
    """
    if dtype not in ITEM_BYTES:
        raise ValueError(f"a tensor of dtype {dtype!r}")
    elements = math.prod(shape)
    if len(shape) > MOST_DIMENSIONS or elements > MOST_ELEMENTS or any(size < 0 for size in shape):
        raise ValueError(f"a tensor of shape {shape}")
    if strides is None:
        return elements * ITEM_BYTES[dtype]
    if len(strides) != len(shape) or any(not 0 <= stride <= MOST_ELEMENTS for stride in strides):
        raise ValueError(f"a tensor of shape {shape} with strides {strides}")
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if elements else 0
    return span * ITEM_BYTES[dtype]

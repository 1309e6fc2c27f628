"""The structure of a step as a `networkx.MultiDiGraph`."""

from __future__ import annotations

from typing import Any

import networkx as nx

from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.graph.parameters import count_parameters
from graphviz_nn.model.modules import Module, ModuleCall, Parameter
from graphviz_nn.model.nodes import Node, Output, Saved
from graphviz_nn.model.structure import Structure


@collector_paused()
def build_graph(structure: Structure) -> nx.MultiDiGraph:
    """Returns the graph of a step: one node a call or source, one edge a value that a call read.

    Nodes are keyed by id, in order of execution, and an edge always leads from a lower to a higher id, so the graph
    has no cycles. The key of an edge is its place among the inputs of the call that reads it. Every attribute is
    listed in `graphviz_nn.graph.schema.ATTRIBUTES`. The graph shares no mutable object with the structure.
    """
    counts = count_parameters(structure).total
    graph = nx.MultiDiGraph(
        view="recorded",
        digest=structure.digest,
        modules={module.path: _module(module, counts[module.path]) for module in structure.modules},
        module_calls=[_module_call(call) for call in structure.module_calls],
        parameters=[_parameter(parameter) for parameter in structure.parameters],
    )
    # networkx takes bare nodes, attributes and single edges faster than tuples that hold all of it.
    graph.add_nodes_from([node.id for node in structure.nodes])
    nx.set_node_attributes(graph, {node.id: _node(node) for node in structure.nodes})
    add_edge = graph.add_edge
    for node in structure.nodes:
        for key, edge in enumerate(node.inputs):
            add_edge(edge.node, node.id, key, output=edge.output, argument=edge.argument, kind=edge.kind)
    return graph


def _node(node: Node) -> dict[str, Any]:
    source = node.source
    described = {
        "kind": node.kind,
        "op": node.op,
        "name": node.name,
        "module": node.module,
        "call": node.call,
        "module_call": node.module_call,
        "source": None if source is None else (source.file, source.line, source.function),
        "phase": node.phase,
        "parent": node.parent,
        "attributes": _copy(node.attributes) if node.attributes else {},
        "outputs": [_output(output) for output in node.outputs],
    }
    if node.kind in ("parameter", "buffer"):
        described["names"] = node.names
    if node.aten or node.aten_backward:
        described |= {"aten": node.aten, "aten_backward": node.aten_backward}
    if node.saved is not None:
        described["saved"] = [_saved(saved) for saved in node.saved]
    return described


def _saved(saved: Saved) -> dict[str, Any]:
    return {"name": saved.name, "shape": saved.shape, "dtype": saved.dtype, "bytes": saved.bytes}


def _output(output: Output) -> dict[str, Any]:
    return {
        "shape": output.shape,
        "dtype": output.dtype,
        "device": output.device,
        "requires_grad": output.requires_grad,
        "bytes": output.bytes,
        "role": output.role,
    }


def _module(module: Module, parameter_count: int) -> dict[str, Any]:
    return {
        "type": module.type,
        "parameters": module.parameters,
        "parameter_count": parameter_count,
        "training": module.training,
        "attributes": _copy(module.attributes),
    }


def _module_call(call: ModuleCall) -> dict[str, Any]:
    return {
        "path": call.path,
        "call": call.call,
        "parent": call.parent,
        "phase": call.phase,
        "training": call.training,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "names": parameter.names,
        "shape": parameter.shape,
        "dtype": parameter.dtype,
        "requires_grad": parameter.requires_grad,
    }


def _copy(value: Any) -> Any:
    """A copy of nested lists and dicts; everything else in them is immutable."""
    if isinstance(value, dict):
        return {key: _copy(item) if isinstance(item, (dict, list)) else item for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value

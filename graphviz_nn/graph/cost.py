"""What a step costs: floating-point operations, parameters and bytes, by node and by module."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import networkx as nx

from graphviz_nn.graph.parameters import count_parameters, prefixes
from graphviz_nn.model.layer_types import LayerCall, LayerType
from graphviz_nn.model.nodes import SOURCE_KINDS, Node
from graphviz_nn.model.structure import Structure

_logger = logging.getLogger(__name__)


class LayerTypeLookup(Protocol):
    """Finds the layer type of a call; `graphviz_nn.plugin.manager.plugins().layer_types` is one."""

    def for_node(self, node: Node, structure: Structure) -> LayerType | None: ...


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of a step. A multiply-add counts 2, as in `torch.utils.flop_counter`.

    Numbers by module path include what was called inside the module's calls, whoever owns it, and for a container
    that is never called itself (`ModuleList`) the calls of what it holds. Parameters are those that the step read.

    Attributes:
        node_flops: operations by node id, in every phase; nodes that count none are left out.
        flops, module_flops: operations of the forward phase.
        module_bytes: bytes of the values made in the forward phase, whether or not they share memory.
        parameters, parameter_bytes: elements and bytes of all parameters; a tied one counts once.
        own_parameters, module_parameters: elements of the parameters that a module registered itself; and with those
            of the modules below it. A tied parameter counts once in each.
        module_parameter_bytes: bytes of `module_parameters`.
    """

    node_flops: Mapping[int, int]
    flops: int
    module_flops: Mapping[str, int]
    module_bytes: Mapping[str, int]
    parameters: int
    parameter_bytes: int
    own_parameters: Mapping[str, int]
    module_parameters: Mapping[str, int]
    module_parameter_bytes: Mapping[str, int]


def costs(structure: Structure, layer_types: LayerTypeLookup) -> Costs:
    """Returns the costs of a step. A call with an inside counts what the calls inside it count.

    A layer type whose `flops` raises is logged once and counts none.
    """
    node_flops = dict(_node_flops(structure, layer_types))
    paths = _paths_of_calls(structure)
    known = [module.path for module in structure.modules]
    module_flops, module_bytes = dict.fromkeys(known, 0), dict.fromkeys(known, 0)
    for node in structure.nodes:
        if node.phase != "forward" or node.module_call is None or node.kind in SOURCE_KINDS:
            continue
        flops, size = node_flops.get(node.id, 0), sum(output.bytes for output in node.outputs)
        for path in paths[node.module_call]:
            module_flops[path] = module_flops.get(path, 0) + flops
            module_bytes[path] = module_bytes.get(path, 0) + size
    counts = count_parameters(structure)
    return Costs(
        node_flops=node_flops,
        flops=sum(flops for node, flops in node_flops.items() if structure.nodes[node].phase == "forward"),
        module_flops=module_flops,
        module_bytes=module_bytes,
        parameters=counts.elements,
        parameter_bytes=counts.bytes,
        own_parameters=counts.own,
        module_parameters=counts.total,
        module_parameter_bytes=counts.total_bytes,
    )


def annotate(graph: nx.MultiDiGraph, counted: Costs) -> None:
    """Gives each node of a graph from `build_graph` that counts operations its `flops`; `collapse` adds them up."""
    nx.set_node_attributes(graph, dict(counted.node_flops), "flops")


def layer_call(node: Node, structure: Structure) -> LayerCall:
    """Returns the call as a layer type sees it."""
    module = None if node.module is None else structure.modules_by_path.get(node.module)
    arguments = {edge.argument: structure.nodes[edge.node].outputs[edge.output] for edge in node.inputs}
    return LayerCall(node, module, arguments)


def _node_flops(structure: Structure, layer_types: LayerTypeLookup) -> Iterator[tuple[int, int]]:
    opened = {node.parent for node in structure.nodes if node.parent is not None and node.kind not in SOURCE_KINDS}
    broken: set[str] = set()
    for node in structure.nodes:
        if node.kind in SOURCE_KINDS or node.kind in ("noop", "alias") or node.id in opened or not node.outputs:
            continue
        kind = layer_types.for_node(node, structure)
        if kind is None or kind.flops is None or kind.name in broken:
            continue
        call = layer_call(node, structure)
        if any(-1 in output.shape for output in (*node.outputs, *call.arguments.values())):
            continue  # a nested tensor: nobody knows the sizes of its parts
        try:
            flops = int(kind.flops(call))
        except Exception as error:  # a plugin's code may do anything
            broken.add(kind.name)
            _logger.warning("layer type %r cannot count the operations of %r: %s", kind.name, node.name, error)
            continue
        if flops:
            yield node.id, flops


def _paths_of_calls(structure: Structure) -> list[frozenset[str]]:
    """For each module call the paths of the modules that its costs belong to."""
    called = {call.path for call in structure.module_calls}
    containers = {module.path for module in structure.modules} - called
    found: list[frozenset[str]] = []
    for call in structure.module_calls:
        around = frozenset() if call.parent is None else found[call.parent]
        found.append(around | {call.path} | (containers & set(prefixes(call.path))))
    return found

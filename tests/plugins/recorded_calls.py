"""Records a few lines of PyTorch and looks at each call through the built-in layer types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

import graphviz_nn as gnn
from graphviz_nn.model.layer_types import LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin.builtin import register_layer_types
from graphviz_nn.plugin.layer_types import LayerTypes
from graphviz_nn.recording.module_table import base_names, describe_attributes

BUILTIN = LayerTypes(register_layer_types())


@dataclass(frozen=True)
class Recorded:
    """A call and its layer type."""

    call: LayerCall
    kind: LayerType | None

    @property
    def label(self) -> str | None:
        return self.kind.label(self.call) if self.kind is not None else None

    @property
    def flops(self) -> int:
        return self.kind.flops(self.call) if self.kind is not None and self.kind.flops is not None else 0


def structure_of(program: Callable[[], object]) -> Structure:
    """Returns the structure of one recorded call of `program`."""
    data = gnn.trace(program, keep="none").data
    return data.structure(data.steps()[0].structure)


def record(program: Callable[[], object]) -> list[Recorded]:
    """Returns the calls of `program` in order, sources left out."""
    structure = structure_of(program)
    found = []
    for node in structure.nodes:
        if node.kind not in ("parameter", "buffer", "input", "constant"):
            arguments = {edge.argument: structure.nodes[edge.node].outputs[edge.output] for edge in node.inputs}
            module = structure.modules_by_path.get(node.module) if node.module is not None else None
            found.append(Recorded(LayerCall(node, module, arguments), BUILTIN.for_node(node, structure)))
    return found


def describe(module: nn.Module) -> Module:
    """Returns the record of a module, without a run."""
    kind = type(module)
    return Module("layer", kind.__name__, base_names(kind), describe_attributes(module), (), training=True)

"""The built-in layer types, as a plugin like any other."""

from __future__ import annotations

from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_layer_types() -> list[LayerType]:
    return []

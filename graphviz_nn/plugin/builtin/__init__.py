"""The built-in layer types, as a plugin like any other: one file an area."""

from __future__ import annotations

from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.builtin import (
    activation,
    attention,
    convolution,
    elementwise,
    embedding,
    linear,
    loss,
    normalisation,
    pooling,
    recurrent,
    regularisation,
    shape,
    sources,
    structure,
)


@hookimpl
def register_layer_types() -> list[LayerType]:
    return [
        *sources.TYPES,
        *convolution.TYPES,
        *linear.TYPES,
        *normalisation.TYPES,
        *activation.TYPES,
        *pooling.TYPES,
        *attention.TYPES,
        *recurrent.TYPES,
        *embedding.TYPES,
        *elementwise.TYPES,
        *shape.TYPES,
        *loss.TYPES,
        *regularisation.TYPES,
        *structure.TYPES,
    ]

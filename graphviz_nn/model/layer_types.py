"""What a layer type tells the rest of the package about the calls and modules that it covers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node, Output


class Category(StrEnum):
    """What a call is, for its colour and its place in a legend."""

    INPUT = "input"
    PARAMETER = "parameter"
    CONVOLUTION = "convolution"
    LINEAR = "linear"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    POOLING = "pooling"
    ATTENTION = "attention"
    RECURRENT = "recurrent"
    EMBEDDING = "embedding"
    ELEMENTWISE = "elementwise"
    SHAPE = "shape"
    LOSS = "loss"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call as a layer type sees it.

    `module` is the module whose `forward` made the call (None outside any), `arguments` the values that it read by
    argument name ("input", "weight"), and `attributes` the node's own (`node.attributes`).
    """

    node: Node
    module: Module | None
    arguments: Mapping[str, Output]

    @property
    def attributes(self) -> Mapping[str, Any]:
        return self.node.attributes

    @property
    def outputs(self) -> tuple[Output, ...]:
        return self.node.outputs


def no_label(call: LayerCall | Module) -> str | None:
    """The default label: none, so that the operator's or the class's own name is shown."""
    del call
    return None


@dataclass(frozen=True, slots=True)
class Healthy:
    """What rules need to know of a layer type's outputs to tell a fault from its nature.

    Attributes:
        flat: outputs at or beyond these two lie where the derivative is under 5 % of its largest; None: no flat end.
        reach: the least and the greatest output that it can give; None: no bound.
        sparse: an output of exactly zero passes no gradient on: normal for some samples, a fault for all of them.
    """

    flat: tuple[float, float] | None = None
    sparse: bool = False
    reach: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class LayerType:
    """A kind of layer, registered through `register_layer_types`.

    Attributes:
        name: unique, as people write it: "Conv2d".
        category: its colour and legend entry.
        modules: importable class names that it covers, subclasses included: "torch.nn.modules.conv.Conv2d". A name
            with "*" is a pattern: "*RMSNorm" covers every class whose importable name ends so.
        functions: op names that it covers (`Node.op`): "conv2d". "relu" also covers "relu_" and "_relu".
        label: one short line for a node or a module ("Conv 3×3, 64"), or None for the plain name. It is to depend on
            nothing but what is told here, since a picture asks once for all that are alike: of a call on its kind,
            operator, function, arguments and attributes, on the argument names, shapes, dtypes and other fields of
            the `Output`s that it reads and makes, and on its module; of a module on its class and bases, its
            attributes and whether it trains. Not on names, paths, parameters' names or places in the program.
        flops: floating-point operations of one call (a multiply-add counts 2, as in `torch.utils.flop_counter`), or
            None where it counts none.
        opened: whether a picture shows its inside by default.
        bookkeeping: shape arithmetic and the like, hidden in a picture by default.
        healthy: what is normal in its outputs.
    """

    name: str
    category: Category
    modules: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    label: Callable[[LayerCall | Module], str | None] = field(default=no_label)
    flops: Callable[[LayerCall], int] | None = None
    opened: bool = True
    bookkeeping: bool = False
    healthy: Healthy = Healthy()

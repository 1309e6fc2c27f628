"""How gradients flow through the layers of a step, and of all steps: built-in views."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.series import Followed, norms
from graphviz_nn.model.steps import RunData, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, HeatMap, Table, ViewOptions
from graphviz_nn.plugin.layer_types import LayerTypes
from graphviz_nn.plugin.manager import plugins

BAND: Final = (1e-4, 1e2)
"""Gradients of layers that are normal, relative to that of the last layer: within the default limits of the rules
`vanishing_depth` and `exploding`."""

_NO_LAYERS: Final = "This step has no layer with a weight: there is no gradient flow to show."
_NO_GRADIENTS: Final = "No gradient was measured in this step: record a backward pass with keep='stats'."
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FlowLayer:
    """A layer with a weight, all its calls taken together.

    Attributes:
        name: its module's path, or the name of its first call. node: its first call.
        outputs, parameters: what is followed of it. output_elements, parameter_elements: how many numbers that is.
    """

    name: str
    node: int
    outputs: Followed
    output_elements: int
    parameters: Followed
    parameter_elements: int


def flow_layers(structure: Structure, layer_types: LayerTypes) -> tuple[FlowLayer, ...]:
    """Returns the layers of a structure in order of their first call; see `Lineage.weighted` for what is one."""
    lineage = Lineage(structure, layer_types)
    calls: dict[str, list[Node]] = {}
    for node in lineage.weighted:
        calls.setdefault(lineage.layer_key(node), []).append(node)
    modules = [nodes[0].module for nodes in calls.values()]
    return tuple(_layer(structure, nodes, modules.count(nodes[0].module) == 1) for nodes in calls.values())


def gradient_rms(
    data: RunData,
    layers: tuple[FlowLayer, ...],
    positions: range | None = None,
    check: Callable[[], object] = lambda: None,
) -> tuple[Numbers, Numbers]:
    """Returns the root mean square of the gradients of each layer's outputs, and of its parameters: [layers, steps].

    Per element, so that layers of different size compare; over all calls of the layer. NaN where none was measured.
    """
    followed = [layer.outputs for layer in layers] + [layer.parameters for layer in layers]
    found = norms(data, followed, positions, check)
    count = len(layers)
    elements = np.array([[layer.output_elements, layer.parameter_elements] for layer in layers], np.float64)
    elements = np.sqrt(np.maximum(elements.reshape(count, 2), 1))
    return found[:count] / elements[:, :1], found[count:] / elements[:, 1:]


def gradient_flow(subject: Subject, options: ViewOptions) -> Curves:
    """Returns the gradient of each layer in one step, from the first layer to the last.

    Raises:
        NotRecorded: the step has no layers, or measured no gradient.
    """
    del options
    layers = _layers(subject)
    outputs, parameters = gradient_rms(subject.data, layers, range(subject.position, subject.position + 1))
    return flow_curves(layers, outputs[:, 0], parameters[:, 0], subject.info)


def flow_curves(layers: tuple[FlowLayer, ...], outputs: Numbers, parameters: Numbers, info: StepInfo) -> Curves:
    """Returns what `gradient_rms` found in one step as bars by depth, with the band that is normal.

    Raises:
        NotRecorded: it found nothing.
    """
    if not np.isfinite(outputs).any() and not np.isfinite(parameters).any():
        raise NotRecorded(_NO_GRADIENTS)
    places = np.arange(len(layers), dtype=np.float64)
    measured = outputs[np.isfinite(outputs) & (outputs > 0)]
    last = float(measured[-1]) if measured.size else math.nan
    return Curves(
        title=f"Gradient flow · training step {info.index}",
        curves=(
            Curve("of the layer's output", places, outputs, "backward"),
            Curve("of its parameters", places, parameters, "update"),
        ),
        x_axis="layer, in order of execution",
        y_axis="gradient, RMS per element",
        note=f"band: {BAND[0]:g} to {BAND[1]:g} times the gradient of the last layer's output" if last > 0 else "",
        logarithmic=True,
        ticks=tuple(layer.name for layer in layers),
        bars=True,
        band=(last * BAND[0], last * BAND[1]) if last > 0 else None,
    )


def layer_table(subject: Subject, options: ViewOptions) -> Table:
    """Returns the layers of a step with their sizes and gradients.

    Raises:
        NotRecorded: the step has no layers.
    """
    del options
    layers = _layers(subject)
    outputs, parameters = gradient_rms(subject.data, layers, range(subject.position, subject.position + 1))
    return Table(
        title=f"Layers · training step {subject.info.index}",
        heading=("layer", "parameters", "outputs", "gradient of outputs (RMS)", "gradient of parameters (RMS)"),
        rows=tuple(
            (layer.name, layer.parameter_elements, layer.output_elements, float(of_outputs), float(of_parameters))
            for layer, of_outputs, of_parameters in zip(layers, outputs[:, 0], parameters[:, 0], strict=True)
        ),
    )


def gradient_history(subject: Subject, options: ViewOptions) -> HeatMap:
    """Returns the gradient of each layer's output over all steps.

    Raises:
        NotRecorded: as `gradient_flow`.
    """
    del options
    layers = _layers(subject)
    outputs, _ = gradient_rms(subject.data, layers)
    return history_map(layers, outputs, subject.data)


def history_map(layers: tuple[FlowLayer, ...], outputs: Numbers, data: RunData) -> HeatMap:
    """Returns gradients by layer and step as a heat map. Raises `NotRecorded` where there are none."""
    if not np.isfinite(outputs).any():
        raise NotRecorded(_NO_GRADIENTS)
    return HeatMap(
        title="Gradient flow over training",
        values=outputs,
        rows=tuple(layer.name for layer in layers),
        columns=tuple(str(info.index) for info in data.steps()[: outputs.shape[1]]),
        row_axis="layer",
        column_axis="training step",
        quantity="gradient of the output, RMS per element",
        logarithmic=True,
    )


def _layers(subject: Subject) -> tuple[FlowLayer, ...]:
    layers = flow_layers(subject.structure, plugins().layer_types)
    if not layers:
        raise NotRecorded(_NO_LAYERS)
    return layers


def _layer(structure: Structure, calls: list[Node], alone: bool) -> FlowLayer:
    first = calls[0]
    parameters = {
        read.node: structure.nodes[read.node]
        for call in calls
        for read in call.inputs
        if structure.nodes[read.node].kind == "parameter"
    }
    return FlowLayer(
        name=first.module if alone and first.module else first.name,
        node=first.id,
        outputs=Followed("gradient", tuple((call.name, index) for call in calls for index in range(len(call.outputs)))),
        output_elements=sum(math.prod(output.shape) for call in calls for output in call.outputs),
        parameters=Followed("parameter_gradient", tuple((node.name, 0) for node in parameters.values())),
        parameter_elements=sum(math.prod(node.outputs[0].shape) for node in parameters.values()),
    )

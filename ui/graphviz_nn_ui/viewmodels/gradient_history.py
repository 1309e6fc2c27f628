"""The gradients of layers in every step: what the gradient flow panel shows, worked out once and extended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.flow import FlowLayer, flow_curves, flow_layers, gradient_rms, history_map
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.views import Curves, HeatMap
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.scene.tiles import Indices, map_indices
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Selection, ValueSelection

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GradientHistory:
    """Root mean squares of the gradients of a structure's layers.

    Attributes:
        digest: of the structure that the layers are of. layers: in order of execution.
        start: position of the first step that is known.
        outputs, parameters: [layers, steps] of the layers' outputs and parameters.
    """

    digest: str
    layers: tuple[FlowLayer, ...]
    start: int
    outputs: Numbers
    parameters: Numbers

    @property
    def stop(self) -> int:
        """One more than the position of the last step that is known."""
        return self.start + int(self.outputs.shape[1])

    def covers(self, digest: str, position: int) -> bool:
        """Whether a step of that structure is known."""
        return digest == self.digest and self.start <= position < self.stop

    def curves(self, data: RunData, position: int) -> Curves:
        """Returns the gradients of one step by depth. Raises `NotRecorded` where it measured none."""
        column = position - self.start
        info = data.steps()[position]
        return flow_curves(self.layers, self.outputs[:, column], self.parameters[:, column], info)

    def layer_of(self, selection: Selection | None, structure: Structure) -> int:
        """Returns which layer is selected, or holds what is; -1 for none."""
        match selection:
            case ModuleSelection(path):
                found = [layer.name == path for layer in self.layers]
            case NodeSelection() | ValueSelection():
                found = [structure.nodes[selection.node].name in _names(layer) for layer in self.layers]
            case EdgeSelection():
                found = [structure.nodes[selection.source].name in _names(layer) for layer in self.layers]
            case _:
                return -1
        return found.index(True) if True in found else -1


def history_of_step(data: RunData, position: int) -> GradientHistory:
    """Returns what is known of one step. For a worker."""
    return _history(data, data.steps()[position].structure, range(position, position + 1), lambda: None)


def history_of_run(
    data: RunData, digest: str, former: GradientHistory | None, check: Callable[[], object]
) -> GradientHistory:
    """Returns what is known of all steps; those that `former` knows of the same structure are not read again."""
    count = len(data.steps())
    if former is None or former.digest != digest or former.start or former.stop > count:
        return _history(data, digest, range(count), check)
    later = range(former.stop, count)
    outputs, parameters = gradient_rms(data, former.layers, later, check)
    return GradientHistory(
        digest,
        former.layers,
        0,
        np.concatenate([former.outputs, outputs], axis=1),
        np.concatenate([former.parameters, parameters], axis=1),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ShownHistory:
    """A history with its heat map and that map's colours; or, in `error`, why there is no map."""

    history: GradientHistory
    shown: HeatMap | None = None
    indices: Indices | None = None
    error: str = ""


def shown_history(
    data: RunData, digest: str, former: GradientHistory | None, check: Callable[[], object]
) -> ShownHistory:
    """Returns `history_of_run` ready to be painted. For a worker."""
    history = history_of_run(data, digest, former, check)
    try:
        shown = history_map(history.layers, history.outputs, data)
    except NotRecorded as error:
        return ShownHistory(history, error=str(error))
    return ShownHistory(history, shown, map_indices(shown))


def _history(data: RunData, digest: str, positions: range, check: Callable[[], object]) -> GradientHistory:
    layers = flow_layers(data.structure(digest), plugins().layer_types)
    outputs, parameters = gradient_rms(data, layers, positions, check)
    return GradientHistory(digest, layers, positions.start, outputs, parameters)


def _names(layer: FlowLayer) -> set[str]:
    """Names of the layer's calls and parameters."""
    return {name for name, _ in (*layer.outputs.values, *layer.parameters.values)}

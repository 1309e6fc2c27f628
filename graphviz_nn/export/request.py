"""What an exporter needs of the step that it was asked for."""

from __future__ import annotations

from graphviz_nn.model.exporters import ExportRequest
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.compose import compose
from graphviz_nn.scene.overlay import Overlay, overlay
from graphviz_nn.scene.scene import Scene


def structure_of(request: ExportRequest) -> Structure:
    """The structure of the step."""
    return request.data.structure(request.data.steps()[request.position].structure)


def overlay_of(request: ExportRequest) -> Overlay | None:
    """The numbers that colour the picture, or None. Raises as `overlay` does."""
    return overlay(request.data, request.position, request.options.color_by)


def scene_of(request: ExportRequest) -> Scene:
    """The scene of the step. Raises as `compose` and `overlay` do."""
    return compose(structure_of(request), request.options, overlay_of(request))

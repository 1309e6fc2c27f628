"""The app as a plugin: its command and its panels. Light: imported whenever any command of `graphviz-nn` runs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from graphviz_nn.model.panels import Panel
from graphviz_nn.plugin import hookimpl
from graphviz_nn_ui.view import view


@hookimpl
def add_commands() -> list[click.Command]:
    return [view]


@hookimpl
def register_panels() -> list[Panel]:
    return [
        Panel("model_tree", "Model", "left", _panel("model_tree", "ModelTreePanel"), order=10),
        Panel("events", "Events", "left", _panel("events", "EventsPanel"), order=20, group="events"),
        Panel("timeline", "Timeline", "bottom", _panel("timeline", "Timeline"), order=10, group="bottom"),
        Panel("inspector", "Inspector", "right", _panel("inspector", "InspectorPanel"), order=10),
        Panel("feature_maps", "Feature maps", "right", _panel("feature_maps", "FeatureMapsPanel"), order=20),
        Panel(
            "breakpoints",
            "Breakpoints",
            "left",
            _panel("breakpoints", "BreakpointsPanel"),
            shown=False,
            order=30,
            group="events",
        ),
        Panel("findings", "Findings", "bottom", _panel("findings", "FindingsPanel"), order=20, group="bottom"),
        Panel(
            "gradient_flow",
            "Gradient flow",
            "bottom",
            _panel("gradient_flow", "GradientFlowPanel"),
            order=30,
            group="bottom",
        ),
        Panel("curves", "Curves", "bottom", _panel("curves", "CurvesPanel"), order=40, group="bottom"),
        Panel("log", "Log", "bottom", _panel("log", "LogPanel"), order=50, group="bottom"),
    ]


def _panel(module: str, name: str) -> Callable[[Any], Any]:
    """Makes the panel `name` of `panels/<module>.py`, which is imported when it is first wanted."""

    def create(workspace: Any) -> Any:
        return getattr(import_module(f"graphviz_nn_ui.panels.{module}"), name)(workspace)

    return create

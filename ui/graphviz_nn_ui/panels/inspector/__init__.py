"""Everything about what is selected: numbers, what flows in and out, parameters, the tensors themselves, source."""

from graphviz_nn_ui.panels.inspector.panel import InspectorPanel

__all__ = ["InspectorPanel"]

"""The events of the open step, in order of execution."""

from graphviz_nn_ui.panels.events.panel import EventsPanel

__all__ = ["EventsPanel"]

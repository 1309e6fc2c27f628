"""The timeline: the events of the open step in lanes, and the training steps below them."""

from graphviz_nn_ui.panels.timeline.panel import Timeline

__all__ = ["Timeline"]

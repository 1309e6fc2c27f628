"""Pictures and files of a run: SVG, DOT, PDF, PNG, GraphML, JSON, and what plugins register."""

from graphviz_nn.export.registry import export

__all__ = ["export"]

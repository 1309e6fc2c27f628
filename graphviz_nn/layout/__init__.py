"""Placing boxes and wires: a layered layout, one container at a time. Knows nothing of graphs, torch or Qt."""

from graphviz_nn.layout.cache import LayoutCache
from graphviz_nn.layout.geometry import Box, Placement, Rect, Wire, cubics
from graphviz_nn.layout.nested import layout
from graphviz_nn.layout.structure import structural_hash, structural_hashes

__all__ = [
    "Box",
    "LayoutCache",
    "Placement",
    "Rect",
    "Wire",
    "cubics",
    "layout",
    "structural_hash",
    "structural_hashes",
]

"""A run that somebody looks at: stepping, selection, breakpoints, search. Needs neither torch nor a window."""

from graphviz_nn.session.breakpoints import Breakpoint, Breakpoints
from graphviz_nn.session.conditions import GradientNorm, NonFinite, Shape, When
from graphviz_nn.session.cursor import Place
from graphviz_nn.session.selection import EdgeSelection, ModuleSelection, NodeSelection, Selection, ValueSelection
from graphviz_nn.session.session import Session
from graphviz_nn.session.state import State
from graphviz_nn.session.textbook import Reference, Textbook

__all__ = [
    "Breakpoint",
    "Breakpoints",
    "EdgeSelection",
    "GradientNorm",
    "ModuleSelection",
    "NodeSelection",
    "NonFinite",
    "Place",
    "Reference",
    "Selection",
    "Session",
    "Shape",
    "State",
    "Textbook",
    "ValueSelection",
    "When",
]

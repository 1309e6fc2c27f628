"""The model: its modules as a tree, with their gradients at the cursor and what is wrong with them."""

from graphviz_nn_ui.panels.model_tree.panel import ModelTreePanel

__all__ = ["ModelTreePanel"]

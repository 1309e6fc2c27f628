"""Views of the selected node: feature maps, filters, attention weights, and what plugins add."""

from graphviz_nn_ui.panels.feature_maps.panel import FeatureMapsPanel

__all__ = ["FeatureMapsPanel"]

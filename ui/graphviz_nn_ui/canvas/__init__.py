"""The graph on screen: one widget that paints numpy arrays."""

"""Placing boxes and wires: a layered layout, one container at a time. Knows nothing of graphs, torch or Qt."""

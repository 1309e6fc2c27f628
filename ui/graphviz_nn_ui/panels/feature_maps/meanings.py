"""What the colours of a side mean, in a bar below it."""

from __future__ import annotations

from graphviz_nn_ui.viewmodels.shown_views import Pane
from graphviz_nn_ui.widgets.colour_images import ColourBar


def show_range(bar: ColourBar, pane: Pane) -> str:
    """Shows what the colours of images mean, and returns it in words; hides the bar where there are none."""
    gallery = pane.gallery
    tiles = None if gallery is None else gallery.tiles
    bar.setVisible(tiles is not None)
    if gallery is None or tiles is None:
        return ""
    common = gallery.grid.scale == "common" and len(tiles.ranges) > 0
    low, high = tiles.ranges[0] if common else (float("nan"), float("nan"))
    bar.setAccessibleName(f"Colours of the {pane.which}")
    bar.show_range(gallery.grid.colours, float(low), float(high), tiles.counts)
    return f"{gallery.grid.colours} {bar.text}"

"""Where the images of a grid are in the room that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from graphviz_nn.scene.tiles import best_columns

MARGIN: Final = 6
_LEAST_LABELLED: Final = 34.0
"""Height on the screen from which an image has its label below it."""

_WHOLE_FROM: Final = 3.0
"""From this magnification on, pixels grow by whole steps, so that all are of one size."""


class Box(NamedTuple):
    """A rectangle in logical pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class GridGeometry:
    """Places of images.

    Attributes:
        count: of images. height, width: of each, in its own pixels. columns: in a row.
        below, beside: the gaps, in the images' pixels. scale: screen pixels to one of theirs. area: all images.
        labelled: whether there is room for a line of text below each.
    """

    count: int
    height: int
    width: int
    columns: int
    below: int
    beside: int
    scale: float
    area: Box
    labelled: bool

    def box(self, place: int) -> Box:
        """Where an image is."""
        row, column = divmod(place, self.columns)
        left = self.area.left + column * (self.width + self.beside) * self.scale
        top = self.area.top + row * (self.height + self.below) * self.scale
        return Box(left, top, self.width * self.scale, self.height * self.scale)

    def pixel_at(self, x: float, y: float) -> tuple[int, int, int] | None:
        """Returns image, row and column of what is at a position, or None between images and outside them."""
        across, down = (x - self.area.left) / self.scale, (y - self.area.top) / self.scale
        if across < 0 or down < 0:
            return None
        column, inner_x = divmod(int(across), self.width + self.beside)
        row, inner_y = divmod(int(down), self.height + self.below)
        place = row * self.columns + column
        if column >= self.columns or place >= self.count or inner_x >= self.width or inner_y >= self.height:
            return None
        return place, inner_y, inner_x


def grid_geometry(
    count: int, height: int, width: int, room: tuple[float, float], line: float, labels: bool
) -> GridGeometry:
    """Places images of one size as large as they fit.

    Args:
        room: width and height of the widget. line: height of a line of text. labels: whether images have any.
    """
    inner = max(room[0] - 2 * MARGIN, 1.0), max(room[1] - 2 * MARGIN, 1.0)
    beside = max(1, round(0.05 * max(height, width)))
    bare = _fit(count, height, width, beside, beside, inner, 0.0)
    labelled = labels and count > 1 and height * bare[1] >= _LEAST_LABELLED
    below, (columns, scale) = beside, bare
    if labelled:
        columns, scale = _fit(count, height, width, below, beside, inner, line)
    while labelled and below * scale < line + 2:  # a wider gap makes the images smaller, and itself with them
        below += 1
        columns, scale = _fit(count, height, width, below, beside, inner, line)
        labelled = height * scale >= _LEAST_LABELLED
    if not labelled:
        below, (columns, scale) = beside, bare
    rows = -(-count // columns)
    across = (columns * (width + beside) - beside) * scale
    down = (rows * (height + below) - below) * scale
    area = Box(float(int(MARGIN + (inner[0] - across) / 2)), float(MARGIN), max(across, 1.0), max(down, 1.0))
    return GridGeometry(count, height, width, columns, below, beside, scale, area, labelled)


def _fit(
    count: int, height: int, width: int, below: int, beside: int, room: tuple[float, float], last: float
) -> tuple[int, float]:
    """Columns, and the largest scale at which all images fit with `last` pixels left below the last row."""
    columns = best_columns(count, height + below - 1, width + beside - 1, room[0] / room[1])
    rows = -(-count // columns)
    across, down = columns * (width + beside) - beside, rows * (height + below) - below
    scale = max(min(room[0] / across, max(room[1] - last, 1.0) / down), 1e-3)
    return columns, float(int(scale)) if scale > _WHOLE_FROM else scale

"""An image grid with its colours worked out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from graphviz_nn.model.views import ImageGrid, finite_range
from graphviz_nn.scene.tiles import Tiles, tiles
from graphviz_nn_ui.viewmodels.numbers import number_text


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """An image grid with its colours worked out; `of` makes it, in any thread. `tiles` is None in true colour."""

    grid: ImageGrid
    tiles: Tiles | None

    @classmethod
    def of(cls, grid: ImageGrid) -> Gallery:
        return cls(grid, None if grid.in_colour else tiles(grid.images, grid.scale, grid.colours, grid.limits))

    @property
    def count(self) -> int:
        return len(self.grid.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of each image."""
        return self.grid.images.shape[1], self.grid.images.shape[2]

    def one(self, place: int) -> Gallery:
        """The image at a place alone, in the same colours."""
        grid = self.grid
        alone = ImageGrid(
            grid.title, grid.images[place : place + 1], grid.labels[place : place + 1], grid.note, grid.scale,
            grid.colours, grid.axes, first=grid.first + place, total=grid.total,
        )  # fmt: skip
        if self.tiles is None:
            return Gallery(alone, None)
        one = Tiles(self.tiles.indices[place : place + 1], self.tiles.ranges[place : place + 1], self.tiles.counts)
        return Gallery(alone, one)

    def text_at(self, place: int, row: int, column: int) -> str:
        """Returns what stands at a pixel: "channel 3 · row 4, column 7 · 0.0123"."""
        numbers = self.grid.images[place, row, column]
        values = [number_text(float(number)) for number in np.atleast_1d(numbers)]
        rows, columns = self.grid.axes
        return f"{self.label(place)} · {rows} {row}, {columns} {column} · {', '.join(values)}"

    def label(self, place: int) -> str:
        """Returns how an image is called: "map 3", or its own word."""
        label = self.grid.labels[place] if place < len(self.grid.labels) else str(self.grid.first + place)
        return f"map {label}" if label.isdecimal() else label

    def range_text(self, place: int) -> str:
        """Returns the lowest and highest number of an image: "−0.3 … 1.2"; "" in true colour, or without a number."""
        low, high = (float("nan"), float("nan")) if self.grid.in_colour else finite_range(self.grid.images[place])
        return "" if math.isnan(low) else f"{number_text(low, 3)} … {number_text(high, 3)}"

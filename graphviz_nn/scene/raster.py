"""A picture from far away: one byte a pixel, a palette entry, so that another colour or theme costs nearly nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.scene.tables import CATEGORIES, Integers, SceneTables

Codes = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]

CANVAS: Final = 0
CONTAINERS: Final = (1, 2)
WIRE: Final = 3
PENDING: Final = 4
"""A box that has no value yet."""

UNKNOWN: Final = 5
"""A box without a number, in a picture that is coloured by one."""

ALARM: Final = 6
FIRST_CATEGORY: Final = 8
FIRST_HEAT: Final = 32
HEAT_STEPS: Final = 256 - FIRST_HEAT
assert FIRST_CATEGORY + len(CATEGORIES) <= FIRST_HEAT

_FEW: Final = 2000
_SMALLEST_CONTAINER: Final = 2
_SHORT: Final = 8
"""Pixels up to which a wire is drawn as so many points."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A picture at a small scale.

    Attributes:
        scale_x, scale_y: pixels per pixel of the unscaled picture.
        pixels: palette entries, row by row. They are changed in place.
        corners: of each box its left, top, right and bottom pixel, the last two outside; at least one pixel each way.
    """

    scale_x: float
    scale_y: float
    pixels: Pixels
    corners: Integers

    def paint(self, codes: Codes, boxes: npt.NDArray[np.intp] | None = None) -> None:
        """Gives boxes (all of them, or some by place) their palette entries; `codes` is by place of all boxes."""
        corners = self.corners if boxes is None else self.corners[boxes]
        chosen = codes if boxes is None else codes[boxes]
        if len(corners) < _FEW:
            for (left, top, right, bottom), code in zip(corners.tolist(), chosen.tolist(), strict=True):
                self.pixels[top:bottom, left:right] = code
            return
        left, top = corners[:, 0], corners[:, 1]
        widths, heights = corners[:, 2] - left, corners[:, 3] - top
        for dy in range(int(heights.max())):
            for dx in range(int(widths.max())):
                here = (widths > dx) & (heights > dy)
                self.pixels[top[here] + dy, left[here] + dx] = chosen[here]


def rasterise(tables: SceneTables, scale_x: float, scale_y: float) -> Raster:
    """Returns a picture with its containers and wires drawn, and its boxes still to be painted."""
    width, height = max(1, round(tables.width * scale_x)), max(1, round(tables.height * scale_y))
    pixels = np.full((height, width), CANVAS, np.uint8)
    scale = np.array([scale_x, scale_y] * 2)
    limits = np.array([width, height] * 2)
    _draw_containers(pixels, tables, scale, limits)
    _draw_wires(pixels, tables, scale[:2], limits[:2])
    return Raster(scale_x, scale_y, pixels, _corners(tables.boxes.rects, scale, limits))


def _corners(rects: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], limits: npt.NDArray[np.int_]) -> Integers:
    edges = np.concatenate([rects[:, :2], rects[:, :2] + rects[:, 2:]], axis=1) * scale
    found = np.round(edges).astype(np.int32)
    found[:, :2] = np.clip(found[:, :2], 0, limits[:2] - 1)
    found[:, 2:] = np.clip(np.maximum(found[:, 2:], found[:, :2] + 1), 1, limits[2:])
    return found


def _draw_containers(
    pixels: Pixels, tables: SceneTables, scale: npt.NDArray[np.float64], limits: npt.NDArray[np.int_]
) -> None:
    corners = _corners(tables.containers.rects, scale, limits)
    extents = corners[:, 2:] - corners[:, :2]
    large = np.flatnonzero((extents >= _SMALLEST_CONTAINER).all(axis=1))
    depths = tables.containers.depths[large] % len(CONTAINERS)
    for (left, top, right, bottom), depth in zip(corners[large].tolist(), depths.tolist(), strict=True):
        pixels[top:bottom, left:right] = CONTAINERS[depth]


def _draw_wires(
    pixels: Pixels, tables: SceneTables, scale: npt.NDArray[np.float64], limits: npt.NDArray[np.int_]
) -> None:
    """Each piece as the straight line between its ends."""
    pieces = tables.wires.pieces
    starts, ends = pieces[:, :2] * scale, pieces[:, 2:] * scale
    lengths = np.abs(ends - starts).max(axis=1, initial=0.0)
    short = lengths < _SHORT
    for point in range(_SHORT):
        share = point / _SHORT
        _set(pixels, starts[short] * (1 - share) + ends[short] * share, limits)
    corners = np.clip(np.concatenate([starts, ends], axis=1).astype(np.int64), 0, np.tile(limits, 2) - 1)
    for left, top, right, bottom in corners[~short].tolist():
        if left == right:
            pixels[min(top, bottom) : max(top, bottom) + 1, left] = WIRE
        elif top == bottom:
            pixels[top, min(left, right) : max(left, right) + 1] = WIRE
        else:
            shares = np.linspace(0.0, 1.0, max(abs(right - left), abs(bottom - top)) + 1)[:, None]
            _set(pixels, np.array([left, top]) * (1 - shares) + np.array([right, bottom]) * shares, limits)


def _set(pixels: Pixels, points: npt.NDArray[np.float64], limits: npt.NDArray[np.int_]) -> None:
    places = np.clip(points.astype(np.int64), 0, limits - 1)
    pixels[places[:, 1], places[:, 0]] = WIRE

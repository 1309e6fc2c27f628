"""Numbers as indices of a colour table, and many images as one: what painters and exporters of views share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.views import HeatMap, ImageGrid
from graphviz_nn.scene.theme import heat_colour, mix

LEVELS: Final = 252
"""Indices 0 … 251 are colours from low to high."""

NAN, PLUS_INF, MINUS_INF, GAP = 252, 253, 254, 255
"""Indices of what has no place in the range, and of the room between images."""

NONFINITE_COLOURS: Final = {NAN: "#ff00c8", PLUS_INF: "#ff7a00", MINUS_INF: "#00e5ff"}
"""Loud, and in neither colour map."""

NONFINITE_WORDS: Final = {NAN: "NaN", PLUS_INF: "+Inf", MINUS_INF: "−Inf"}

_SIGNED: Final = (
    "#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b",
    "#67001f",
)  # fmt: skip
"""From negative over zero to positive: ColorBrewer's RdBu, reversed (https://colorbrewer2.org)."""

_LARGEST_SPAN: Final = 1e35

Indices = npt.NDArray[np.uint8]
Ranges = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Images as indices of a colour table.

    Attributes:
        indices: [n, height, width]. ranges: [n, 2] the numbers at the ends of each image's colours; NaN in an image
            without a finite number.
        counts: how many pixels are NaN, +Inf and −Inf.
    """

    indices: Indices
    ranges: Ranges
    counts: dict[int, int]


def tiles(images: npt.NDArray[Any], scale: str, colours: str, limits: tuple[float, float] | None = None) -> Tiles:
    """Turns numbers [n, height, width] into indices, each image over its own range ("each") or one for all ("common").

    "signed" makes the range symmetric, so that 0 is in the middle. An image of one number only is in the middle, too.
    With `limits` these are the range of every image; what lies outside gets the colour of the end.
    """
    own = _own_ranges(images)
    odd = np.flatnonzero(~np.isfinite(own).all(axis=1))
    if len(odd):
        own[odd] = _finite_ranges(images[odd])
    ranges = _shared(own, scale, colours) if limits is None else np.tile(np.array(limits, float), (len(own), 1))
    low, high = ranges[:, 0], ranges[:, 1]
    wide = high > low
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite gets its slot below
        span = np.where(wide, high - low, 1.0)
        kind = np.float32 if images.dtype == np.float32 and _fits_single(span, ranges) else np.float64
        scaled = np.subtract(images, np.where(wide, low, 0.0).astype(kind)[:, None, None], dtype=kind)
        scaled *= np.where(wide, (LEVELS - 1) / span, 0.0).astype(kind)[:, None, None]
        scaled += np.where(wide, 0.5, LEVELS / 2).astype(kind)[:, None, None]
        if limits is not None:
            np.clip(scaled, 0, LEVELS - 0.5, out=scaled)
        indices = scaled.astype(np.uint8)
    return Tiles(indices, ranges, _mark(indices, images, odd) if len(odd) else {})


def sheet(indices: Indices, columns: int, gap: tuple[int, int] = (1, 1)) -> Indices:
    """Lays images out in rows of `columns`, with `gap` pixels below and right of each but the outermost ones."""
    count, height, width = indices.shape
    rows = -(-count // columns)
    tall, wide = height + gap[0], width + gap[1]
    padded = np.full((rows * columns, tall, wide), GAP, np.uint8)
    padded[:count, :height, :width] = indices
    whole = padded.reshape(rows, columns, tall, wide).swapaxes(1, 2).reshape(rows * tall, columns * wide)
    return np.ascontiguousarray(whole[: max(whole.shape[0] - gap[0], 0), : max(whole.shape[1] - gap[1], 0)])


def best_columns(count: int, height: int, width: int, aspect: float) -> int:
    """Returns how many images stand in a row so that all are as large as can be in room of this width / height."""
    if not count:
        return 1
    tall = (height + 1) / (width + 1)
    guess = math.sqrt(count * aspect * tall)
    around = range(max(math.floor(guess) - 1, 1), min(math.ceil(guess) + 1, count) + 1) or range(1, 2)
    return min(around, key=lambda columns: max(columns / aspect, -(-count // columns) * tall))


@cache
def colour_table(colours: str, gap: str) -> tuple[str, ...]:
    """Returns 256 colours as "#rrggbb": the map "sequential" or "signed", then what is not finite, then the gap."""
    pick = heat_colour if colours == "sequential" else _signed_colour
    slots = [NONFINITE_COLOURS[slot] for slot in (NAN, PLUS_INF, MINUS_INF)]
    return (*(pick(level / (LEVELS - 1)) for level in range(LEVELS)), *slots, gap)


def map_indices(shown: HeatMap) -> Indices:
    """Returns a heat map as indices of its colour table: without a number the gap, 0 on a logarithm the lowest."""
    values = shown.values.astype(np.float64)
    if shown.logarithmic:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(values > 0, np.log(values), np.nan)
    indices: Indices = tiles(values[np.newaxis], "common", shown.colours).indices[0]
    indices[indices >= LEVELS] = GAP
    if shown.logarithmic:
        indices[shown.values == 0] = 0
    return indices


def true_colour(grid: ImageGrid) -> npt.NDArray[np.uint8]:
    """Returns a grid that is in colour as bytes [n, height, width, 3]; what is not finite becomes its loud colour."""
    finite = np.isfinite(grid.images)
    shown = (np.clip(np.where(finite, grid.images, 0), 0, 1) * 255 + 0.5).astype(np.uint8)
    shown[~finite.all(axis=-1)] = [int(NONFINITE_COLOURS[NAN][i : i + 2], 16) for i in (1, 3, 5)]
    return shown


def _own_ranges(images: npt.NDArray[Any]) -> Ranges:
    """Lowest and highest number of each image; NaN or infinite where one of its numbers is."""
    if not images.size:
        return np.full((len(images), 2), np.nan)
    flat = images.reshape(len(images), -1)
    return np.stack([flat.min(axis=1), flat.max(axis=1)], axis=1).astype(np.float64)


def _fits_single(span: npt.NDArray[np.float64], ranges: Ranges) -> bool:
    """Whether differences and factors stay within what 32 bits hold without losing digits."""
    known = span[np.isfinite(ranges).all(axis=1)]
    return not known.size or bool(known.max() < _LARGEST_SPAN and known.min() > 1 / _LARGEST_SPAN)


def _finite_ranges(images: npt.NDArray[Any]) -> Ranges:
    """Lowest and highest finite number of each image; NaN where it has none."""
    flat = images.reshape(len(images), -1)
    finite = np.isfinite(flat)
    low = np.where(finite, flat, np.inf).min(axis=1, initial=np.inf)
    high = np.where(finite, flat, -np.inf).max(axis=1, initial=-np.inf)
    ranges = np.stack([low, high], axis=1).astype(np.float64)
    ranges[~finite.any(axis=1)] = np.nan
    return ranges


def _shared(own: Ranges, scale: str, colours: str) -> Ranges:
    """The ranges that colours span."""
    if scale == "common" and len(own):
        own = np.tile([np.fmin.reduce(own[:, 0]), np.fmax.reduce(own[:, 1])], (len(own), 1))
    if colours == "signed":
        reach = np.abs(own).max(axis=1, initial=0.0)
        return np.stack([-reach, reach], axis=1)
    return own


def _mark(indices: Indices, images: npt.NDArray[Any], odd: npt.NDArray[np.intp]) -> dict[int, int]:
    """Puts what is not finite in the images at `odd` into its slots; returns how much of each there is."""
    numbers = images[odd]
    place, row, column = np.nonzero(~np.isfinite(numbers))
    found = numbers[place, row, column]
    slots = np.where(np.isnan(found), NAN, np.where(found > 0, PLUS_INF, MINUS_INF)).astype(np.uint8)
    indices[odd[place], row, column] = slots
    counted = np.bincount(slots, minlength=GAP + 1)
    return {slot: int(counted[slot]) for slot in NONFINITE_WORDS if counted[slot]}


def _signed_colour(fraction: float) -> str:
    place = fraction * (len(_SIGNED) - 1)
    index = min(int(place), len(_SIGNED) - 2)
    return mix(_SIGNED[index], _SIGNED[index + 1], place - index)

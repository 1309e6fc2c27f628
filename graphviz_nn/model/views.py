"""Views: what a plugin shows of a run, as plain data that the app paints and the exporters write."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.subject import Subject

OF: Final = ("value", "gradient")
SCALES: Final = ("each", "common")
"""Whether every image spans its own colours from lowest to highest number, or all share one range."""

COLOURS: Final = ("sequential", "signed")
"""From low to high (viridis), or from negative over zero to positive (blue, white, red), symmetric around 0."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What a person chose about a view. A view takes what makes sense for it and leaves the rest.

    Attributes:
        sample: which one of the batch.
        plane: which slice along the depth of volumes, or time step of what has one.
        first, count: which images of many, for paging; `count` None means all that are left.
        scale: one of `SCALES`, or "auto": the view decides.
        colours: one of `COLOURS`, or "auto": the view decides.
    """

    sample: int = 0
    plane: int = 0
    first: int = 0
    count: int | None = None
    scale: str = "auto"
    colours: str = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class ImageGrid:
    """Images of one size.

    Attributes:
        title: what they are of.
        images: [n, height, width] numbers that colours stand for, NaN and ±Inf included, or [n, height, width, 3]
            red, green and blue from 0 to 1.
        labels: one an image.
        note: one sentence that a reader must know ("first sample only, every 4th pixel"), or "".
        scale: one of `SCALES`. colours: one of `COLOURS`.
        axes: what a place in an image is called: of rows, of columns.
        sample_word: what `samples` counts ("sample", "filter").
        limits: the numbers at the ends of the colours, where these are known beforehand; else None: as `scale` says.
        samples, planes: how many of each can be chosen. total: how many images there are; those given are
            `first` to `first + n`.
    """

    title: str
    images: Numbers
    labels: tuple[str, ...]
    note: str = ""
    scale: str = "each"
    colours: str = "sequential"
    axes: tuple[str, str] = ("row", "column")
    sample_word: str = "sample"
    samples: int = 1
    planes: int = 1
    total: int = 0
    first: int = 0
    limits: tuple[float, float] | None = None

    @property
    def in_colour(self) -> bool:
        """Whether the images are red, green and blue."""
        return self.images.ndim == 4


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Numbers by row and column, as colours.

    Attributes:
        values: [rows, columns]; NaN where there is none.
        rows, columns: what each is called. row_axis, column_axis: what they are.
        quantity: what the numbers are, with their unit.
        logarithmic: colours follow the logarithm.
    """

    title: str
    values: Numbers
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_axis: str
    column_axis: str
    quantity: str
    note: str = ""
    logarithmic: bool = False
    colours: str = "sequential"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text and numbers under a heading."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str | float | int, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Numbers over something: `x` and `y` [n]; NaN in `y` is a gap. `hue` is "forward", "backward", "update" or ""."""

    label: str
    x: Numbers
    y: Numbers
    hue: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves over one axis.

    Attributes:
        ticks: names of the places 0, 1, … of the axis, where these are things and not numbers; else ().
        bars: drawn as bars rather than lines.
        band: the range of numbers that is normal, or None.
        cursor: the place on the axis that is looked at, or None.
    """

    title: str
    curves: tuple[Curve, ...]
    x_axis: str
    y_axis: str
    note: str = ""
    logarithmic: bool = False
    ticks: tuple[str, ...] = ()
    bars: bool = False
    band: tuple[float, float] | None = None
    cursor: float | None = None

    def fading(self, curve: Curve) -> float:
        """Returns how far a curve's colour fades, so that those of one hue differ: 0 for the first, below 0.8."""
        alike = [each for each in self.curves if each.hue == curve.hue]
        return 0.8 * alike.index(curve) / len(alike)


ViewData = ImageGrid | HeatMap | Table | Curves


def fits_anything(subject: Subject) -> bool:
    """The default `View.applies`."""
    del subject
    return True


@dataclass(frozen=True, slots=True)
class View:
    """A way to look at a node, or at a step, registered through `register_views`.

    Attributes:
        name: unique, in snake case: what `--view` takes.
        title: what the app's selector says.
        make: returns what is shown. It may raise any error of this package (`NotRecorded`, …), whose text is then shown
            in its place; an error of another kind is shown as the view's own fault.
        applies: whether it can show this subject. Must be quick: it is asked at each selection, and reads no tensor. A
            view that keeps the default is offered after those made for this kind of node.
        of_node: whether it is about one node; else about the whole step, and `Subject.node` is None.
        description: one line for `--help` and tooltips.
    """

    name: str
    title: str
    make: Callable[[Subject, ViewOptions], ViewData]
    applies: Callable[[Subject], bool] = fits_anything
    of_node: bool = True
    description: str = ""


def signed(numbers: Numbers) -> bool:
    """Whether the numbers lie on both sides of 0, the smaller side at least a tenth as far out as the other."""
    low, high = finite_range(numbers)
    return low < 0 < high and min(-low, high) >= 0.1 * max(-low, high)


def finite_range(numbers: Numbers) -> tuple[float, float]:
    """Returns the lowest and the highest finite number, or two NaN where there is none."""
    finite = numbers[np.isfinite(numbers)]
    return (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)

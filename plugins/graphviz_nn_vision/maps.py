"""Feature maps: the channels of a value or gradient, each as an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.slices import part_bytes
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, ViewOptions, signed
from graphviz_nn_vision.arrangement import Arrangement, arrangement

MOST_BYTES: Final = 256 * 2**20
"""What one view reads of a tensor; of more channels than fit, the first are shown."""


def has_maps(subject: Subject) -> bool:
    """Whether the value has rows and columns of more than one number in all, and is no parameter."""
    found = _arrangement(subject)
    if subject.node is None or subject.node.kind == "parameter":
        return False
    return found is not None and subject.shape[found.row] * subject.shape[found.column] > 1


def feature_maps(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns the channels of one sample, out of the kept tensor or else of its thumbnail.

    Raises:
        NotRecorded: neither was kept.
    """
    placed = _arrangement(subject)
    if placed is None:
        raise NotRecorded(f"A value of shape {list(subject.shape)} has no rows and columns to show.")
    if subject.described is None and subject.has_thumbnail:
        return _from_thumbnail(subject, options)
    page = read_page(subject, placed, options)
    return ImageGrid(
        title=title(subject, "feature maps"),
        images=page.images,
        labels=tuple(str(page.first + place) for place in range(len(page.images))),
        note=page.note,
        scale=_or_auto(options.scale, "each"),
        colours=colours_of(page.images, options),
        axes=placed.axes,
        samples=size(subject.shape, placed.sample),
        planes=size(subject.shape, placed.plane),
        total=page.total,
        first=page.first,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Some of the channels of a sample, [n, rows, columns] from channel `first`, of `total`; and what to say of it."""

    images: npt.NDArray[Any]
    first: int
    total: int
    note: str


def read_page(subject: Subject, placed: Arrangement, options: ViewOptions) -> Page:
    """Reads the channels that the options ask for, or as many of them as may be read at once.

    Raises:
        NotRecorded: the tensor was not kept.
    """
    described = subject.described
    shape = subject.shape if described is None else described.shape
    total = size(shape, placed.channel)
    first = min(max(options.first, 0), max(total - 1, 0))
    count = total - first if options.count is None else min(options.count, total - first)
    sample = _within(options.sample, size(shape, placed.sample))
    plane = _within(options.plane, size(shape, placed.plane))
    note = ""
    if described is not None:
        wanted = part_bytes(described, *placed.index(sample, plane, slice(first, first + count)))
        count, asked = max(min(count, count * MOST_BYTES // max(wanted, 1)), 1), count
        note = "" if count == asked else f"channels {first} to {first + count - 1} of {total}: more are too large"
    part = subject.read(*placed.index(sample, plane, slice(first, first + count)))
    images, said = as_real(placed.images(part))
    return Page(images, first, total, ", ".join(filter(None, (note, said))))


def as_real(numbers: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], str]:
    """Returns the numbers in floating point, complex ones as magnitudes, and what to say of that."""
    if np.iscomplexobj(numbers):
        return np.abs(numbers).astype(np.float32), "magnitudes of complex numbers"
    if numbers.dtype == np.float64:
        return numbers, ""
    return numbers.astype(np.float32), ""


def title(subject: Subject, what: str) -> str:
    """Returns "conv1 · gradient · feature maps", or without "gradient" for a value."""
    name = subject.node.name if subject.node is not None else "step"
    which = f"{name}[{subject.index}]" if subject.index else name
    return " · ".join([which, *(["gradient"] if subject.of == "gradient" else []), what])


def colours_of(images: npt.NDArray[Any], options: ViewOptions) -> str:
    """Returns the colours that were asked for, or those that fit: signed where numbers lie on both sides of 0."""
    return _or_auto(options.colours, "signed" if signed(images) else "sequential")


def size(shape: tuple[int, ...], place: int | None) -> int:
    """Returns the extent of a dimension, 1 where there is none."""
    return 1 if place is None else shape[place]


def _from_thumbnail(subject: Subject, options: ViewOptions) -> ImageGrid:
    small = subject.thumbnail()
    if small is None:
        raise NotRecorded("The thumbnail is gone.")
    images = small[options.first :][: options.count]
    return ImageGrid(
        title=title(subject, "feature maps"),
        images=images,
        labels=tuple(str(options.first + place) for place in range(len(images))),
        note=_thumbnail_note(subject.shape, small.shape),
        scale=_or_auto(options.scale, "each"),
        colours=colours_of(images, options),
        total=len(small),
        first=options.first,
    )


def _thumbnail_note(shape: tuple[int, ...], small: tuple[int, ...]) -> str:
    """What a thumbnail [channels, rows, columns] leaves out of a value [samples, channels, rows, columns]."""
    steps = [-(-whole // kept) for whole, kept in zip(shape[2:], small[1:], strict=True)]
    left_out = [f"{what} by {step}" for what, step in zip(("rows", "columns"), steps, strict=True) if step > 1]
    parts = ["thumbnail of the first sample"]
    if left_out:
        parts.append(f"taken {' and '.join(left_out)}")
    if small[0] < shape[1]:
        parts.append(f"first {small[0]} of {shape[1]} channels")
    return ", ".join(parts) + "; record with keep='all' for the rest"


def _arrangement(subject: Subject) -> Arrangement | None:
    node = subject.node
    if node is None or subject.output is None:
        return None
    return arrangement(subject.shape, node.op)


def _or_auto(chosen: str, fitting: str) -> str:
    return fitting if chosen == "auto" else chosen


def _within(chosen: int, count: int) -> int:
    return min(max(chosen, 0), count - 1)

"""Images that a program read."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, ViewOptions, finite_range
from graphviz_nn_vision.maps import as_real, title

MOST_IMAGES: Final = 64
_LEAST_SIDE: Final = 4
_CHANNELS: Final = (1, 3)


def has_pictures(subject: Subject) -> bool:
    """Whether it is an input of one or three channels and of at least 4 × 4 pixels a sample."""
    return subject.of == "value" and _channel_place(subject) is not None


def input_image(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns the images of a batch from `options.first` on, at most 64: grey ones as numbers, others in colour.

    Programs normalise their images, and how is not recorded: each channel of an image in colour is scaled from its
    lowest to its highest number, and the note says so.

    Raises:
        NotRecorded: the input was not kept.
    """
    place = _channel_place(subject)
    if place is None:
        raise NotRecorded("This value is not an image of one or three channels.")
    batched = len(subject.shape) == 4
    total = subject.shape[0] if batched else 1
    first = min(max(options.first, 0), total - 1)
    count = min(options.count or MOST_IMAGES, MOST_IMAGES, total - first)
    numbers = subject.read(slice(first, first + count)) if batched else subject.read()[np.newaxis]
    images, _ = as_real(np.moveaxis(numbers, place + (not batched), -1))
    grey = images.shape[-1] == 1
    return ImageGrid(
        title=title(subject, "as images"),
        images=images[..., 0] if grey else _full_range(images),
        labels=tuple(f"sample {first + number}" for number in range(count)),
        note="" if grey else _range_note(numbers),
        scale="each" if options.scale == "auto" else options.scale,
        colours="sequential" if options.colours == "auto" else options.colours,
        total=total,
        first=first,
    )


def _channel_place(subject: Subject) -> int | None:
    """The dimension with the colours, or None where it is no image."""
    node, shape = subject.node, subject.shape
    if node is None or node.kind != "input" or len(shape) not in (3, 4) or 0 in shape:
        return None
    first = len(shape) - 3
    if shape[first] in _CHANNELS and min(shape[first + 1 :]) >= _LEAST_SIDE:
        return first
    if shape[-1] in _CHANNELS and min(shape[first:-1]) >= _LEAST_SIDE:
        return len(shape) - 1
    return None


def _full_range(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns each image's channels from 0 to 1."""
    finite = np.where(np.isfinite(images), images, np.nan)
    with np.errstate(invalid="ignore"):
        low = np.nanmin(finite, axis=(1, 2), keepdims=True, initial=np.inf)
        high = np.nanmax(finite, axis=(1, 2), keepdims=True, initial=-np.inf)
        scaled: npt.NDArray[Any] = (images - low) / np.where(high > low, high - low, 1)
    return scaled


def _range_note(numbers: npt.NDArray[Any]) -> str:
    low, high = finite_range(numbers)
    return f"each channel scaled from its lowest to its highest number; as the program read it: {low:.3g} … {high:.3g}"

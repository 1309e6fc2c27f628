"""Convolution weights as images."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, ViewOptions
from graphviz_nn_vision.arrangement import Arrangement
from graphviz_nn_vision.maps import as_real, colours_of, read_page, title

RED_GREEN_BLUE: Final = 3
_PARAMETER: Final = "parameter"


def has_filters(subject: Subject) -> bool:
    """Whether it is a convolution, or a parameter with the dimensions of a convolution's weight."""
    return _weight(subject) is not None


def filters(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns the weights of a convolution.

    With three input channels each filter is one image in red, green and blue, grey being 0. With one, each filter is
    one image. Otherwise `options.sample` chooses the filter, and each image is one of its input channels.

    Raises:
        NotRecorded: the weight was not kept.
    """
    weight = _weight(subject)
    if weight is None:
        raise NotRecorded("This node is no convolution: it has no filters to show.")
    transposed = _is_transposed(subject)
    per_filter = weight.shape[0 if transposed else 1]
    if per_filter == RED_GREEN_BLUE and len(weight.shape) == 4:
        return _in_colour(weight, transposed, options)
    if per_filter == 1 or len(weight.shape) == 3:
        return _one_image_each(weight, transposed, options)
    return _one_filter(weight, transposed, options)


def _in_colour(weight: Subject, transposed: bool, options: ViewOptions) -> ImageGrid:
    numbers, note = as_real(weight.read())
    if transposed:
        numbers = numbers.swapaxes(0, 1)
    total = len(numbers)
    numbers = np.moveaxis(numbers[options.first :][: options.count], 1, -1)
    common = options.scale == "common"
    return ImageGrid(
        title=title(weight, "filters"),
        images=_around_grey(numbers, common),
        labels=_numbered(options.first, len(numbers)),
        note=", ".join(filter(None, ("input channels as red, green and blue; grey is 0", note))),
        scale="common" if common else "each",
        total=total,
        first=options.first,
    )


def _one_image_each(weight: Subject, transposed: bool, options: ViewOptions) -> ImageGrid:
    """Each filter is one image: of its only input channel, or, of a 1-D convolution, of channels × positions."""
    match len(weight.shape):
        case 3:
            placed = Arrangement(None, 0, None, 1, 2, ("input channel", "position"))
        case 5:
            placed = Arrangement(*((0, 1) if transposed else (1, 0)), 2, 3, 4)
        case _:
            placed = Arrangement(*((0, 1) if transposed else (1, 0)), None, 2, 3)
    return _grid(weight, placed, options, samples=1, note="")


def _one_filter(weight: Subject, transposed: bool, options: ViewOptions) -> ImageGrid:
    filter_place, channel_place = (1, 0) if transposed else (0, 1)
    plane = 2 if len(weight.shape) == 5 else None
    placed = Arrangement(filter_place, channel_place, plane, len(weight.shape) - 2, len(weight.shape) - 1)
    count = weight.shape[filter_place]
    chosen = min(max(options.sample, 0), count - 1)
    return _grid(weight, placed, options, samples=count, note=f"input channels of filter {chosen} of {count}")


def _grid(weight: Subject, placed: Arrangement, options: ViewOptions, samples: int, note: str) -> ImageGrid:
    page = read_page(weight, placed, options)
    return ImageGrid(
        title=title(weight, "filters"),
        images=page.images,
        labels=_numbered(page.first, len(page.images)),
        note="; ".join(filter(None, (note, page.note))),
        scale="common" if options.scale == "auto" else options.scale,
        colours=colours_of(page.images, options),
        axes=placed.axes,
        sample_word="filter",
        samples=samples,
        planes=weight.shape[2] if placed.plane is not None else 1,
        total=page.total,
        first=page.first,
    )


def _around_grey(numbers: npt.NDArray[Any], common: bool) -> npt.NDArray[Any]:
    """Returns the numbers with 0 at 0.5 and the furthest of each image, or of all of them, at 0 or 1."""
    reach = np.abs(np.where(np.isfinite(numbers), numbers, 0))
    furthest = reach.max(axis=None if common else (1, 2, 3), keepdims=True) if numbers.size else np.ones(1)
    return 0.5 + 0.5 * numbers / np.where(furthest > 0, furthest, 1)


def _numbered(first: int, count: int) -> tuple[str, ...]:
    return tuple(str(first + place) for place in range(count))


def _weight(subject: Subject) -> Subject | None:
    """The weight that is meant, or its gradient where that of the subject is asked for."""
    node = subject.node
    if node is None:
        return None
    if node.op.startswith("conv"):
        found = subject.argument("weight")
        if found is not None and subject.of == "gradient":
            found = found.gradient()
    else:
        found = subject if node.kind == _PARAMETER and _reader_op(subject).startswith("conv") else None
    return found if found is not None and 3 <= len(found.shape) <= 5 else None


def _is_transposed(subject: Subject) -> bool:
    """Whether filters are along the second dimension of the weight, as in `conv_transpose2d`."""
    node = subject.node
    op = node.op if node is not None and node.kind != _PARAMETER else _reader_op(subject)
    return op.startswith("conv_transpose")


def _reader_op(subject: Subject) -> str:
    """The operator that reads a parameter as its weight, or "" where none does."""
    readers = subject.structure.parameter_readers
    for node in readers.get(subject.node_id, ()) if subject.node_id is not None else ():
        if any(read.node == subject.node_id and read.argument == "weight" for read in node.inputs):
            return node.op
    return ""

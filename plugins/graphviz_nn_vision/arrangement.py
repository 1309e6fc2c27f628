"""Which dimension of a tensor is which: sample, channel, depth, row, column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.slices import Index

CHANNELS_LAST_OPS: Final = frozenset({"linear", "layer_norm", "rms_norm"})
"""They treat the last dimension as channels, so that of a 4-D output [N, H, W, C] is the likely reading."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Places of the dimensions of a tensor; None where it has none of that kind. Rows and columns it always has."""

    sample: int | None
    channel: int | None
    plane: int | None
    row: int
    column: int
    axes: tuple[str, str] = ("row", "column")

    def index(self, sample: int, plane: int, channels: slice) -> tuple[Index, ...]:
        """What to read for these images: one entry a dimension."""
        chosen: dict[int | None, Index] = {self.sample: sample, self.plane: plane, self.channel: channels}
        return tuple(chosen.get(place, slice(None)) for place in range(self._dimensions))

    def images(self, part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns what was read with `index` as [channels, rows, columns]."""
        taken = [place for place in (self.sample, self.plane) if place is not None]
        left = [place for place in range(self._dimensions) if place not in taken]
        order = [left.index(place) for place in (self.channel, self.row, self.column) if place is not None]
        turned = part.transpose(order)
        return turned if self.channel is not None else turned[np.newaxis]

    @property
    def _dimensions(self) -> int:
        return sum(place is not None for place in (self.sample, self.channel, self.plane)) + 2


def arrangement(shape: tuple[int, ...], op: str) -> Arrangement | None:
    """Returns how a value of this shape, made by `op`, is looked at as images, or None where it is not.

    2-D operators without a batch give [C, H, W], 3-D ones [C, D, H, W]. Other 3-D values are one image a sample.
    """
    if 0 in shape:
        return None
    match len(shape):
        case 5:
            return Arrangement(0, 1, 2, 3, 4)
        case 4 if op.endswith("3d"):
            return Arrangement(None, 0, 1, 2, 3)
        case 4 if op in CHANNELS_LAST_OPS:
            return Arrangement(0, 3, None, 1, 2)
        case 4:
            return Arrangement(0, 1, None, 2, 3)
        case 3 if op.endswith("2d"):
            return Arrangement(None, 0, None, 1, 2)
        case 3 if op.endswith("1d"):
            return Arrangement(0, None, None, 1, 2, ("channel", "position"))
        case 3:
            return Arrangement(0, None, None, 1, 2, ("position", "feature"))
    return None

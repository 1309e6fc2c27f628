"""The recorded training steps on one line: which there are, and the loss of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.steps import StepInfo

Floats = npt.NDArray[np.float64]


class TrainingSteps:
    """The steps of a run by position.

    Attributes:
        index: numbers of the training steps; steps that were not recorded leave gaps.
        loss: NaN where there was none. failed: whether an exception ended the step.
    """

    def __init__(self, steps: Sequence[StepInfo]) -> None:
        self.index: npt.NDArray[np.int64] = np.array([step.index for step in steps], np.int64)
        self.loss: Floats = np.array([np.nan if step.loss is None else step.loss for step in steps], np.float64)
        self.failed: npt.NDArray[np.bool_] = np.array([step.error is not None for step in steps], np.bool_)

    def __len__(self) -> int:
        return len(self.index)

    def places(self, width: float) -> Floats:
        """Returns by position where on a line of `width` the step stands, by its number: gaps stay gaps."""
        if len(self) < 2 or self.index[-1] <= self.index[0]:
            return np.full(len(self), width / 2)
        return np.asarray((self.index - self.index[0]) / (self.index[-1] - self.index[0]) * width)

    def nearest(self, place: float, width: float) -> int:
        """Returns the position of the step that stands nearest to a place on the line, or -1 where there is none."""
        return int(np.abs(self.places(width) - place).argmin()) if len(self) else -1

    def curve(self, width: int) -> tuple[Floats, Floats, Floats]:
        """Returns the loss as (places, least, greatest) a column of pixels; empty where no step has a finite one."""
        finite = np.isfinite(self.loss)
        places, loss = self.places(width - 1)[finite], self.loss[finite]
        column, starts = np.unique(places.astype(np.int64), return_index=True)
        if not len(column):
            return np.empty(0), np.empty(0), np.empty(0)
        least, greatest = np.minimum.reduceat(loss, starts), np.maximum.reduceat(loss, starts)
        return places[starts], least, greatest

"""The end of a run that is being recorded, as the checks look at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from graphviz_nn.analysis.context import WINDOW
from graphviz_nn.model.steps import MemoryRun, StepRecord
from graphviz_nn.model.structure import Structure

_EMPTY: Final = Structure((), (), (), ())


class RecentSteps(MemoryRun):
    """A run in memory of which the first step and the last `WINDOW` can be read, at their own positions.

    Of the others one line each is kept, and of none the tensors and histograms: a long training must not fill memory.
    """

    def write(self, step: StepRecord) -> None:
        super().write(replace(step, tensors={}, histograms={}))
        past = len(self._steps) - 1 - WINDOW
        if past > 0:
            forgotten = self._steps[past]
            self._steps[past] = StepRecord(forgotten.info, _EMPTY, forgotten.events[:0].copy())

    def structure(self, digest: str) -> Structure:
        """Raises `KeyError` for a structure that only forgotten steps had."""
        for step in self._steps[:1] + self._steps[-WINDOW:]:
            if step.info.structure == digest:
                return step.structure
        raise KeyError(digest)

"""Where the values of a tape stand in the structure: which call made each, and its place among that call's outputs."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

from graphviz_nn.recording.tape import WRITES, Op, Tape


class ValuePlaces:
    """The place of each value, (call, output), by the value's number. Flat arrays: a long program has many values."""

    def __init__(self, tape: Tape, ops: list[Op]) -> None:
        self._versions = tape.versions
        self._calls = array("i", [-1]) * len(tape.values)
        self._outputs = array("i", [-1]) * len(tape.values)
        for index, op in enumerate(ops):
            for position, value in enumerate(self.made_by(op)):
                self._calls[value] = index
                self._outputs[value] = position

    def __getitem__(self, value: int) -> tuple[int, int]:
        return self._calls[value], self._outputs[value]

    def call(self, value: int) -> int:
        """Returns the call that made the value."""
        return self._calls[value]

    def made_by(self, op: Op) -> list[int]:
        """Returns the values of a call: what it returned first, then what it wrote in place."""
        made = list(range(op.first_value, op.first_value + op.value_count))
        if op.flags & WRITES:
            made.sort(key=lambda value: value in self._versions)
        return made

    def rows(self, offsets: tuple[int, ...]) -> npt.NDArray[np.int64]:
        """Returns each value's row in a table of all outputs, where those of each call begin at its offset."""
        calls, outputs = np.array(self._calls, np.int64), np.array(self._outputs, np.int64)
        rows: npt.NDArray[np.int64] = np.array(offsets)[calls] + outputs
        return rows

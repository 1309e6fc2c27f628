"""The steps of a run are a sequence that makes each step when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from graphviz_nn.model.steps import MemoryRun, StepInfo
from graphviz_nn.run import Run


class Counted(list[StepInfo]):
    """A list that may not be walked through and counts what is taken from it."""

    taken = 0

    def __getitem__(self, index: Any) -> Any:
        self.taken += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[StepInfo]:
        raise AssertionError("somebody walks through every step")


class ManySteps(MemoryRun):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.infos = Counted(StepInfo(index, "", 0.0, 0.0, float(index)) for index in range(count))

    def steps(self) -> Counted:
        return self.infos


def test_one_step_of_ten_thousand_looks_at_one():
    data = ManySteps(10_000)
    steps = Run(data).steps
    assert (len(steps), steps[-1].index, steps[-1].position) == (10_000, 9_999, 9_999)
    assert data.infos.taken == 2


def test_it_is_a_sequence():
    steps = Run(ManySteps(5)).steps
    assert [step.loss for step in steps] == [0, 1, 2, 3, 4]
    assert [step.index for step in steps[-2:]] == [3, 4]
    assert [step.position for step in steps[::-2]] == [4, 2, 0]
    assert [step.index for step in reversed(steps)] == [4, 3, 2, 1, 0]
    for index in (5, -6):
        with pytest.raises(IndexError):
            steps[index]


def test_steps_that_come_later_are_not_in_it():
    data = ManySteps(3)
    steps = Run(data).steps
    data.infos.append(StepInfo(3, "", 0.0, 0.0))
    assert (len(steps), steps[-1].index) == (3, 2)
    assert len(Run(data).steps) == 4

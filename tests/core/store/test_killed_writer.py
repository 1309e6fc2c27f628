"""A writer that is killed leaves every finished step, and the place free for the next."""

from __future__ import annotations

import numpy as np
import pytest

from graphviz_nn.store import RunWriter, open_run
from tests.core.store.killing import check_left_behind, kill_writer, step_of

KILLS = 5
LONGEST = 0.4
"""Seconds: some tens of steps."""


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_every_finished_step_survives(tmp_path, journal):
    random = np.random.default_rng(7)
    held = []
    for number, after in enumerate(random.uniform(0, LONGEST, KILLS)):
        path = tmp_path / f"{number}.gvnn"
        held.append(check_left_behind(path, kill_writer(path, after, journal)))
    assert max(held) > 3, "no writer lived long enough to show anything"


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_the_next_writer_replaces_what_a_killed_one_left(tmp_path, journal):
    path = tmp_path / "run.gvnn"
    finished = kill_writer(path, 0.2, journal)
    writer = RunWriter(path)
    check_left_behind_while_written(path, finished)
    writer.write(step_of(100))
    writer.close()
    with open_run(path) as run:
        assert [info.index for info in run.steps()] == [100]
    assert [file.name for file in tmp_path.iterdir()] == ["run.gvnn"]


def check_left_behind_while_written(path, finished):
    """The older run stays readable until the new one has a step."""
    with open_run(path) as run:
        assert len(run.steps()) >= finished


def test_a_killed_writer_under_an_older_run_leaves_the_older_run(tmp_path):
    path = tmp_path / "run.gvnn"
    writer = RunWriter(path)
    writer.write(step_of(100))
    writer.close()
    finished = kill_writer(path, 0.0, "wal")
    with open_run(path) as run:
        older = [info.index for info in run.steps()] == [100]
    if not older:
        check_left_behind(path, finished)
    else:
        assert finished == 0

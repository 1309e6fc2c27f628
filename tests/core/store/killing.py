"""Kills a process that writes a run, and looks at what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

from graphviz_nn.store import RunWriter, database, open_run
from tests.core.store.samples import assert_same_step, make_step, make_structure

ROOT = Path(__file__).parents[3]
STRUCTURES = [make_structure(40 + i) for i in range(3)]
READY_SECONDS = 60.0


def step_of(index: int):
    """Step `index` of every run that is written here; structures alternate, and now and then there is a tensor."""
    return make_step(index, STRUCTURES[index // 7 % 3], histograms=True, tensors=1_500_000 * (index % 5 == 0))


def write_for_ever(path: str, journal: str) -> None:
    """Writes steps until it is killed; prints the number of each when it is finished, after a 0 at the start.

    `journal`: "wal", or "rollback" as on a file system that has no shared memory.
    """
    if journal == "rollback":
        database.use_wal = lambda connection, path: False
    writer = RunWriter(path)
    print(0, flush=True)
    for index in count():
        writer.write(step_of(index))
        writer.flush()
        print(index + 1, flush=True)


def kill_writer(path: Path, after: float, journal: str) -> int:
    """Starts a writer and kills it `after` seconds from when it is ready; returns how many steps it had finished."""
    code = "import sys; from tests.core.store.killing import write_for_ever; write_for_ever(*sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), journal], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n", "the writer did not start"
        time.sleep(after)
        os.kill(process.pid, signal.SIGKILL)
        finished = process.stdout.read().split("\n")[:-1]  # A number without an end of line was cut off.
    return int(finished[-1]) if finished else 0


def check_left_behind(path: Path, finished: int) -> int:
    """Fails unless the file opens and holds every finished step, bit for bit; returns how many it holds."""
    with open_run(path) as run:
        steps = len(run.steps())
        assert run.damage == ()
        assert finished <= steps <= finished + 1
        assert not run.live
        for position in range(steps):
            assert_same_step(step_of(position), run, position)
    return steps

"""The run file: how fast it opens, how small it is, what it costs the writer, and what survives kills and damage.

    python -m benchmarks.store [--quick]

`--quick` measures a tenth of everything. The full run writes a file of 1.2 GB to the folder for temporary files.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

import msgspec
import numpy as np

from graphviz_nn.model.steps import StepRecord
from graphviz_nn.store import RunWriter
from tests.core.store.damage import damaged_files, read_all, write_base
from tests.core.store.killing import check_left_behind, kill_writer
from tests.core.store.samples import make_step, make_structure

NODES = 1_500
STEPS = 10_000
OPENINGS = 9
KILLS = 200
DAMAGED = 1_000
LONGEST_LIFE = 0.5
"""Seconds until a writer is killed, at most."""

OPEN = """
import sys, time
from graphviz_nn.store import open_run
started = time.perf_counter()
run = open_run(sys.argv[1])
table = run.stats(0, "output")
print(time.perf_counter() - started, len(run.steps()), len(table), "torch" in sys.modules)
"""


def show(figure: str, target: str, seen: str, ok: bool | None) -> None:
    """Prints a row; without a target there is nothing to be ok."""
    print(f"{figure} | {target} | {seen} | {'-' if ok is None else 'yes' if ok else 'NO'}", flush=True)


def make_steps(distinct: int = 20) -> list[StepRecord]:
    """Steps of 1,500 nodes with the stats of each value and gradient; the run repeats their numbers."""
    structure = make_structure(NODES)
    steps = [make_step(i, structure) for i in range(distinct)]
    return [
        StepRecord(step.info, structure, step.events, {name: step.stats[name] for name in ("output", "gradient")})
        for step in steps
    ]


def write_run(path: Path, steps: int) -> None:
    """Writes the run as fast as the file takes it, and shows what that costs the thread that records."""
    records = make_steps()
    writer = RunWriter(path)
    waits = []
    started, busy = time.perf_counter(), time.process_time()
    for index in range(steps):
        record = records[index % len(records)]
        info = msgspec.structs.replace(record.info, index=index)
        if index % 100 == 0:
            writer.flush()  # Else the queue fills, and its back-pressure would be measured.
        before = time.perf_counter()
        writer.write(StepRecord(info, record.structure, record.events, record.stats))
        waits.append(time.perf_counter() - before)
    writer.close()
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    show(
        f"`write` of a step of {NODES} nodes, in the training thread: median, 99 %",
        "-",
        f"{median(waits) * 1e6:.0f} µs, {quantiles(waits, n=100)[98] * 1e6:.0f} µs",
        None,
    )
    show(
        "the same, in all threads: processor time; wall time",
        "-",
        f"{busy / steps * 1e3:.2f} ms; {seconds / steps * 1e3:.2f} ms",
        None,
    )


def measure_size(path: Path, steps: int) -> None:
    seen = path.stat().st_size / NODES / steps
    show("bytes per node and step (stats of value and gradient, events)", "≤ 100", f"{seen:.1f}", seen <= 100)


def measure_opening(path: Path, steps: int) -> None:
    for name, prepare in (("", lambda: None), (", file not in memory", lambda: evict(path))):
        opened, total = [], []
        for _ in range(OPENINGS):
            prepare()
            started = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", OPEN, path], capture_output=True, text=True, check=True)
            total.append(time.perf_counter() - started)
            seconds, *facts = done.stdout.split()
            assert facts == [str(steps), str(NODES), "False"], facts
            opened.append(float(seconds))
        show(
            f"open a run of {NODES} nodes and {steps} steps, first step's stats in hand{name}",
            "≤ 300 ms",
            f"{median(opened) * 1e3:.0f} ms (with the start of Python: {median(total) * 1e3:.0f} ms)",
            median(opened) <= 0.3,
        )


def evict(path: Path) -> None:
    """Asks the system to forget the file's pages."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_kills(folder: Path, kills: int) -> None:
    random = np.random.default_rng()
    for journal in ("wal", "rollback"):
        opened, finished_steps, failures = 0, 0, []
        for number, after in enumerate(random.uniform(0, LONGEST_LIFE, kills // 2)):
            path = folder / f"{journal}.{number}.gvnn"
            finished = kill_writer(path, after, journal)
            try:
                finished_steps += check_left_behind(path, finished)
                opened += 1
            except Exception as error:
                failures.append(f"after {after:.4f} s: {error!r}")
        show(
            f"writer killed at {kills // 2} random moments ({journal}): opens, every finished step is there",
            f"{kills // 2}",
            f"{opened} ({finished_steps} steps compared bit for bit)",
            opened == kills // 2,
        )
        print(*failures, sep="\n", end="\n" if failures else "")


def measure_damage(folder: Path, count: int) -> None:
    seed = int(np.random.default_rng().integers(2**32))
    figure = f"{count} damaged files (seed {seed}) that gave a clear error or the intact part"
    try:
        outcomes = read_all(damaged_files(write_base(folder), count, seed))
    except AssertionError as error:  # A crash, a hang, a wrong number, or code that ran.
        show(figure, f"{count}", str(error), False)
        return
    kinds = Counter(outcome.error or ("whole" if not outcome.parts_lost else "intact part") for outcome in outcomes)
    seen = ", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()))
    longest = max(outcome.seconds for outcome in outcomes)
    show(figure, f"{count}", f"{len(outcomes)} ({seen}; longest {longest:.2f} s)", len(outcomes) == count)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the run file against its targets.")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    share = 10 if parser.parse_args().quick else 1
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.platform()}")
    print("figure | target | seen | ok")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "long.gvnn"
        write_run(path, STEPS // share)
        measure_size(path, STEPS // share)
        measure_opening(path, STEPS // share)
        path.unlink()
        measure_damage(folder, DAMAGED // share)
        measure_kills(folder, KILLS // share)


if __name__ == "__main__":
    main()

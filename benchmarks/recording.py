"""What recording costs: time as a ratio to the plain step, memory for each recorded call, and how both grow.

    python -m benchmarks.recording [--quick] [--only PART]

Parts: structure, stats, auto, idle, size, cuda. `--quick` takes a tenth of the steps where there are many.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Final

import numpy as np
import torch

from benchmarks.models import Case, case, cuda_cases
from benchmarks.timing import WARM_UP, Variant, interleave, show, show_machine, show_ratio, timed
from graphviz_nn.model.steps import RunMeta, StepRecord
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.module_entrance import RESTS_AFTER
from graphviz_nn.recording.policy import Budget, EveryNth
from graphviz_nn.recording.recorder import Recorder

STRUCTURE_LIMITS: Final = {"cnn": 1.45, "gpt_s": 1.75, "gpt_l": 1.03, "lstm": 1.25, "mlstm": 1.9}
STATS_LIMITS: Final = {"gpt_768": 1.15, "gpt_s": 3.0}
AUTO_LIMITS: Final = {"cnn": 1.06, "gpt_l": 1.06, "mlstm": 1.06}
IDLE_LIMIT: Final = 1.01
AUTO_STEPS: Final = 1_000
BYTES_PER_CALL: Final = 700
LARGEST: Final = 200_000
CHAIN: Final = 500
"""Calls that follow one another in the long programs; there are as many chains side by side as it takes."""
NEVER: Final = sys.maxsize


class Discard:
    """A sink that keeps nothing: what a run file costs is measured elsewhere."""

    def write(self, step: StepRecord) -> None: ...

    def add_source(self, file: str, text: str) -> None: ...

    def set_meta(self, meta: RunMeta) -> None: ...

    def close(self) -> None: ...


class Recorded:
    """A variant that records each step in full, from its first call to its finished record.

    Attributes:
        inside: of each run, the seconds until the step's last call had ended; the rest made the record.
    """

    def __init__(self, work: Case, keep: str) -> None:
        self._work = work
        self._recorder = Recorder(Discard(), work.model, keep=KeepPolicy.parse(keep))
        self.inside: list[float] = []

    def __call__(self) -> float:
        self._work.model.zero_grad()
        with self._recorder:
            started = time.perf_counter()
            with self._recorder.step():
                self._work.step()
                self.inside.append(time.perf_counter() - started)
            return time.perf_counter() - started


def show_full_recording(figure: str, name: str, keep: str, limit: float) -> None:
    """Prints the ratio of the recorded to the plain step, its finished record included."""
    work = case(name)
    recorded = Recorded(work, keep)
    seconds = interleave({"plain": timed(work.step, work.model.zero_grad), "recorded": recorded})
    plain, inside = seconds["plain"], median(recorded.inside[WARM_UP:])
    note = f"{inside / plain:.3f} until the step's last call"
    show_ratio(f"{figure}, {name}", limit, seconds["recorded"] / plain, plain, note)


def structure() -> None:
    for name, limit in STRUCTURE_LIMITS.items():
        show_full_recording("structure and gradients", name, "none", limit)


def stats() -> None:
    for name, limit in STATS_LIMITS.items():
        show_full_recording("with stats of every value and gradient", name, "stats", limit)


def training_loop(work: Case, steps: int) -> Callable[[], None]:
    """Returns a plain training loop; no step is marked by hand."""
    optimizer = torch.optim.SGD(work.model.parameters(), lr=1e-4)

    def run() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            work.step()
            optimizer.step()

    return run


def auto(steps: int) -> None:
    """Runs the loop in turns of 20 steps, plain and recorded; the recorder lives through all of them."""
    for name, limit in AUTO_LIMITS.items():
        loop = training_loop(case(name), 20)
        torch.set_num_threads(1)
        recorder = Recorder(Discard(), keep=KeepPolicy.parse("stats"), policy=Budget())
        plain = watched = 0.0
        loop()
        for _ in range(max(steps // 20, 1)):
            plain += timed(loop)()
            with recorder:
                watched += timed(loop)()
        show_ratio(f'every="auto" over {steps:,} steps, {name}', limit, watched / plain, plain / steps)


def idle() -> None:
    """Unrecorded steps soon after a recorded one, and once the recorder rests."""
    for name in ("cnn", "mlstm"):
        for when, turns in (("soon after a recorded step", 1), ("at rest", RESTS_AFTER // 5 + 1)):
            _idle(name, when, turns)


def _idle(name: str, when: str, turns: int) -> None:
    """Measures five unrecorded steps that follow `turns` times five others in the same recording."""
    loop = training_loop(case(name), 5)
    recorder = Recorder(Discard(), keep=KeepPolicy.parse("stats"), policy=EveryNth(NEVER))
    with recorder:
        loop()  # the first step is always recorded

    def watched() -> float:
        with recorder:
            for _ in range(turns):  # after a class is patched Python has to learn its methods anew, once
                loop()
            return timed(loop)()

    def plain() -> float:
        loop()
        return timed(loop)()

    seconds = interleave({"plain": plain, "watched": watched}, repeats=21)
    ratio = seconds["watched"] / seconds["plain"]
    show_ratio(f"recorder entered, nothing recorded, {when}, {name}", IDLE_LIMIT, ratio, seconds["plain"] / 5)


def size(largest: int) -> None:
    """Long programs, each in a process of its own: the process's peak memory, and seconds."""
    calls = [largest // 8, largest // 4, largest // 2, largest]
    plain = np.array([_long_program("plain", count) for count in calls])
    watched = np.array([_long_program("recorded", count) for count in calls])
    seconds, during, peak = (watched - plain)[-1] / largest
    show(f"memory per recorded call, structure only, {largest:,} calls", f"≤ {BYTES_PER_CALL} bytes",
         f"{peak:.0f} bytes at the peak ({during:.0f} when the last call ended)", peak <= BYTES_PER_CALL)  # fmt: skip
    seen = f"{watched[-1][0]:.2f} ({seconds * 1e6:.1f} µs a call more than without)"
    show(f"seconds for {largest:,} calls in one recorded step", "none", seen)
    for column, figure in ((0, "seconds"), (2, "memory")):
        slope, offset = np.polyfit(calls, watched[:, column], 1)
        residual = np.abs(watched[:, column] - (slope * np.array(calls) + offset)).max() / watched[-1, column]
        seen = f"{slope:.3g} a call, largest residual {residual:.1%} of the last"
        points = ", ".join(f"{count:,}" for count in calls)
        show(f"linear fit of {figure} over {points} calls", "residual ≤ 10%", seen, residual <= 0.1)
    ended = _run_long_program("recorded", largest, chain=largest).returncode
    show(f"one chain of {largest:,} calls recorded and released", "ends well", f"exit code {ended}", ended == 0)


def _long_program(kind: str, calls: int) -> tuple[float, float, float]:
    result = _run_long_program(kind, calls, chain=CHAIN)
    result.check_returncode()
    seconds, during, peak = map(float, result.stdout.split())
    return seconds, during, peak


def _run_long_program(kind: str, calls: int, chain: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.recording", "--long-program", kind, str(calls), str(chain)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def long_program(kind: str, calls: int, chain: int) -> None:
    """Runs chains of elementwise calls, forward and backward; prints seconds and peak bytes (of the step, of all)."""
    torch.set_num_threads(1)
    x = torch.ones(4, requires_grad=True)
    during = 0.0

    def step() -> None:
        nonlocal during
        ends = []
        for _ in range(calls // chain):
            y = x
            for _ in range(chain // 2):
                y = (y * 0.999) + 0.001
            ends.append(y)
        torch.stack(ends).sum().backward()
        during = _peak_bytes()

    started = time.perf_counter()
    if kind == "plain":
        step()
    else:
        recorder = Recorder(Discard(), keep=KeepPolicy.parse("none"))
        with recorder, recorder.step():
            step()
    print(time.perf_counter() - started, during, _peak_bytes())


def _peak_bytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def cuda() -> None:
    if not torch.cuda.is_available():
        for figure in ("structure and gradients ≤ 1.10 / 1.15", "with stats ≤ 1.25", "no synchronisation in the step"):
            show(f"CUDA: {figure}", "see figure", "not measured: no GPU")
        return
    for work, limit in zip(cuda_cases(), (1.10, 1.15), strict=True):
        variants = {"plain": _synchronised(timed(work.step, work.model.zero_grad))}
        variants |= {keep: _synchronised(Recorded(work, keep)) for keep in ("none", "stats")}
        seconds = interleave(variants)
        plain = seconds["plain"]
        show_ratio(f"CUDA: structure and gradients, {work.name}", limit, seconds["none"] / plain, plain)
        show_ratio(f"CUDA: with stats, {work.name}", 1.25, seconds["stats"] / plain, plain)
        show(f"CUDA: synchronisations in the step, {work.name}", "0", *_synchronisations(work))


def _synchronised(run: Variant) -> Variant:
    """Returns the variant with the GPU's own work counted."""

    def measured() -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        inside = run()
        ended = time.perf_counter()
        torch.cuda.synchronize()
        return inside + time.perf_counter() - ended if ended > started else inside

    return measured


def _synchronisations(work: Case) -> tuple[str, bool]:
    recorder = Recorder(Discard(), work.model, keep=KeepPolicy.parse("stats"))
    with recorder, recorder.step():
        torch.cuda.set_sync_debug_mode("error")
        try:
            work.step()
        except RuntimeError as error:
            return f"raised: {error}", False
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return "0", True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("structure", "stats", "auto", "idle", "size", "cuda"))
    parser.add_argument("--long-program", nargs=3, metavar=("KIND", "CALLS", "CHAIN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.long_program:
        kind, calls, chain = options.long_program
        long_program(kind, int(calls), int(chain))
        return
    share = 10 if options.quick else 1
    parts = {
        "structure": structure, "stats": stats, "idle": idle, "auto": lambda: auto(AUTO_STEPS // share),
        "size": lambda: size(LARGEST // share), "cuda": cuda,
    }  # fmt: skip
    show_machine()
    for name, part in parts.items():
        if options.only in (None, name):
            part()


if __name__ == "__main__":
    main()

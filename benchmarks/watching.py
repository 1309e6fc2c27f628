"""What it costs to check a program while it runs: ratio to the plain training, `every="auto"` and a budget of 5 %.

python -m benchmarks.watching [--quick]

`--quick` takes a tenth of the steps.
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.models import case
from benchmarks.recording import Discard, training_loop
from benchmarks.timing import show_ratio, timed
from graphviz_nn.analysis.watch import Watch
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import StepRecord
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.metrics import choose_metrics
from graphviz_nn.recording.policy import Budget
from graphviz_nn.recording.recorder import Recorder

STEPS = 1_000
TURN = 20
LIMIT = 1.06


class WatchedTime:
    """Seconds that have passed in the turns that are watched; those of the plain turns between them do not count."""

    def __init__(self) -> None:
        self._before = 0.0
        self._began = time.perf_counter()

    def begin(self) -> None:
        self._began = time.perf_counter()

    def end(self) -> None:
        self._before = self()

    def __call__(self) -> float:
        return self._before + time.perf_counter() - self._began


def ignore(finding: Finding) -> None:
    """What is found does not matter here."""
    del finding


def watch_over(name: str, steps: int) -> None:
    """Runs the loop in turns of 20 steps, plain and watched; the recorder and its checks live through all of them."""
    torch.set_num_threads(1)
    loop, policy, clock = training_loop(case(name), TURN), Budget(), WatchedTime()
    watch = Watch(ignore, ignore, share=policy.share / 2, allowance=0, clock=clock)
    recorded = 0

    def on_step(record: StepRecord) -> None:
        nonlocal recorded
        recorded += 1
        watch.step(record)

    recorder = Recorder(
        Discard(), keep=KeepPolicy.parse("stats"), policy=policy, on_step=on_step, metrics=choose_metrics("auto")
    )
    plain = watched = 0.0
    loop()
    for _ in range(max(steps // TURN, 1)):
        plain += timed(loop)()
        clock.begin()
        with recorder:
            watched += timed(loop)()
        clock.end()
    figure = f'checked while it runs, every="auto" over {steps:,} steps, {name}'
    show_ratio(figure, LIMIT, watched / plain, plain / steps, f"{recorded} recorded, {watch.looks} looks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    steps = STEPS // 10 if parser.parse_args().quick else STEPS
    print("figure | target | seen | ok")
    for name in ("cnn", "gpt_s", "gpt_l"):
        watch_over(name, steps)


if __name__ == "__main__":
    main()

"""How figures are measured and printed: interleaved repeats, ratios of medians, rows against targets."""

from __future__ import annotations

import gc
import platform
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Final

import torch

REPEATS: Final = 9
WARM_UP: Final = 3

Variant = Callable[[], float]
"""Runs once and returns the seconds that count; what it does before and after is not measured."""


def timed(work: Callable[[], object], before: Callable[[], object] | None = None) -> Variant:
    """Returns a variant that runs `before` unmeasured and `work` measured."""

    def run() -> float:
        if before is not None:
            before()
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run


def interleave(variants: Mapping[str, Variant], repeats: int = REPEATS, warm_up: int = WARM_UP) -> dict[str, float]:
    """Runs the variants in turn (A B C A B C …) and returns the median seconds of each.

    Single-threaded; on a machine that others use too, turns spread its noise evenly over the variants.
    """
    torch.set_num_threads(1)
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(warm_up + repeats):
        for name, run in variants.items():
            gc.collect()
            took = run()
            if turn >= warm_up:
                seconds[name].append(took)
    return {name: median(times) for name, times in seconds.items()}


def show(figure: str, target: str, seen: str, ok: bool | None = None) -> None:
    """Prints a row; without a target there is nothing to be ok."""
    print(f"{figure} | {target} | {seen} | {'-' if ok is None else 'yes' if ok else 'NO'}", flush=True)


def show_ratio(figure: str, limit: float, ratio: float, plain: float, note: str = "") -> None:
    """Prints a row for a ratio to the plain step, whose seconds are shown too."""
    seen = "; ".join(part for part in (note, f"plain {plain * 1e3:.1f} ms") if part)
    show(figure, f"≤ {limit:.2f}", f"{ratio:.3f} ({seen})", ratio <= limit)


def show_machine() -> None:
    """Prints what the figures were measured on."""
    device = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}{device}")
    print("figure | target | seen | ok")

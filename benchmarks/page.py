"""How large an exported page is, how long it takes to write, and how soon a browser shows it.

    python -m benchmarks.page

Structures are made by hand, with statistics of every output and gradient. Times in the browser are the least of several
fresh starts of headless chromium: from the start of the navigation until the picture's elements stand and are laid
out, and for opening every module at once. Where no chromium is found, only the file is measured.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from graphviz_nn.export.html import write_html
from tests.support.pages import drive, find_chromium, request
from tests.support.runs import with_gradients
from tests.support.structures import transformer

CALLS_PER_LAYER = 28
CASES = ((2_000, 1.0, 1.5, 1.0, 1.0), (10_000, 4.0, 6.0, 1.0, 2.0))
"""Calls; targets: seconds to write, megabytes, seconds to load, seconds to open all."""

REPEATS = 3

SCRIPT = """
const settled = () => document.getElementById("stage").getBBox();
settled();
seen.load = performance.now() / 1000;
const began = performance.now();
for (let level = 0; level < 6; level++) document.getElementById("deeper").click();
document.getElementById("fit").click();
settled();
seen.open = (performance.now() - began) / 1000;
"""


def row(figure: str, target: float, seen: float, unit: str) -> None:
    print(f"{figure} | ≤ {target:g} {unit} | {seen:.2f} {unit} | {'yes' if seen <= target else 'NO'}", flush=True)


def main() -> None:
    print("figure | target | seen | ok")
    for calls, *targets in CASES:
        run = with_gradients(transformer(calls // CALLS_PER_LAYER))
        seconds = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            page = write_html(request(run))
            seconds.append(time.perf_counter() - started)
        row(f"page of a transformer, {calls:,} calls, written", targets[0], min(seconds), "s")
        row("its size", targets[1], len(page) / 1e6, "MB")
        if find_chromium() is None:
            continue
        seen = []
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as folder:
                seen.append(drive(page.decode(), SCRIPT, Path(folder), real_time=True))
        row("until it stands in the browser", targets[2], min(each["load"] for each in seen), "s")
        row("every module opened, one level after the other", targets[3], min(each["open"] for each in seen), "s")


if __name__ == "__main__":
    main()

"""How quickly the canvas opens, expands and paints.

    python -m benchmarks.canvas             # all figures
    python -m benchmarks.canvas frames 2    # frames of the large picture alone, at two pixels per unit

Structures are made by hand; the canvas stands in no window, paints off screen, and shows 1400 × 900 units. Times are by
the clock: other work on the machine counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PyQt6.QtCore import QEventLoop, QRectF, QTimer
from PyQt6.QtWidgets import QApplication

from benchmarks.timing import show
from graphviz_nn.model.structure import Structure
from graphviz_nn.run import Run, load
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.view import Canvas
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.workspace import Workspace
from tests.support.runs import with_gradients
from tests.support.structures import StructureBuilder, transformer

CALLS_PER_LAYER: Final = 28
FRAME_TARGET: Final = {1: 8.0, 2: 12.0}
"""Milliseconds by pixels per unit."""

PATIENCE: Final = 300.0


class Window:
    """A canvas, and the longest time that its event loop was away."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.canvas = Canvas(self.workspace)
        self.canvas.resize(1400, 900)
        self.canvas.show()
        self.longest_gap = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(1)

    def wait(self, done: Callable[[], bool]) -> float:
        """Runs the event loop until something holds; returns the seconds that it took."""
        started = self._last = time.perf_counter()
        self.longest_gap = 0.0
        while not done():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.perf_counter() - started > PATIENCE:
                raise TimeoutError("The canvas did not come to rest.")
        return time.perf_counter() - started

    def settle(self) -> float:
        """Waits until nothing is being worked on, nothing moves and all is painted; returns the seconds it took."""
        seconds = self.wait(self._rests)
        QApplication.processEvents()
        return seconds

    def _rests(self) -> bool:
        canvas = self.canvas
        moves = canvas.change is not None or canvas.pulse_clock.runs
        return canvas.drawing is not None and not self.workspace.jobs.tags and not moves

    def wait_for_another(self, former: Drawing | None) -> float:
        """Waits until another picture is there; returns the seconds that it took."""
        return self.wait(lambda: self.canvas.drawing is not former)

    def boxes(self) -> int:
        return 0 if self.canvas.drawing is None else len(self.canvas.drawing.tables.boxes)

    def open(self, run: Run) -> None:
        self.workspace.show(Document(run))
        self.settle()

    def expand_all(self) -> float:
        """Expands everything; returns the seconds until the picture is painted."""
        former = self.canvas.drawing
        self.canvas.expanding.open_all()
        seconds = self.wait_for_another(former)
        self.canvas.repaint()
        return seconds

    def close(self) -> None:
        self._timer.stop()
        self.workspace.show(None)
        self.workspace.jobs.wait()
        self.canvas.close()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest_gap, self._last = max(self.longest_gap, now - self._last), now


def wide(modules: int = 40, children: int = 60) -> Structure:
    """Modules of so many calls each, one after the other."""
    builder = StructureBuilder()
    x = builder.input("x", (4, 64))
    with builder.module("", "Wide"):
        for number in range(modules):
            with builder.module(f"stage{number}", f"Stage{number}"):
                for _ in range(children):
                    x = builder.op("add", x, x)
    return builder.build()


def opening() -> None:
    """From a run file to a painted picture."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gpt.gvnn"
        Run(with_gradients(transformer(2_000 // CALLS_PER_LAYER + 1))).save(path)
        for _ in range(6):
            window = Window()
            started = time.perf_counter()
            window.workspace.show(Document(load(path)))
            window.wait_for_another(None)
            window.canvas.repaint()
            seconds.append(time.perf_counter() - started)
            window.settle()
            window.close()
    seen = float(np.median(seconds))
    show("open a GPT-2-like run of 2,000 calls, collapsed", "≤ 400 ms", f"{seen * 1e3:.0f} ms", seen <= 0.4)


def expanding_one() -> None:
    """From the wish to the picture with one more module open, painted as it begins to change; then frames of that."""
    window = Window()
    window.open(Run(with_gradients(wide())))
    session = window.canvas.source.session
    assert session is not None
    session.set_expanded({"m0"})
    window.settle()
    times, changing = [], []
    for number in range(1, 31):
        former = window.canvas.drawing
        started = time.perf_counter()
        session.expand(f"m{number}")
        window.wait_for_another(former)
        window.canvas.repaint()
        times.append((time.perf_counter() - started) * 1e3)
        for share in (0.2, 0.4, 0.6, 0.8):
            window.canvas.change_clock.share = share
            started = time.perf_counter()
            window.canvas.repaint()
            changing.append((time.perf_counter() - started) * 1e3)
        window.settle()
        session.collapse(f"m{number}")
        window.settle()
    seen = float(np.quantile(times, 0.95))
    show("expand a module of 60 children, 95 %", "≤ 16 ms", f"{seen:.1f} (median {np.median(times):.1f})", seen <= 16)
    seen = float(np.quantile(changing, 0.95))
    show("frame while it opens, 95 %", "≤ 16 ms", f"{seen:.1f} (median {np.median(changing):.1f})", seen <= 16)
    window.close()


def expanding_all(calls: int, target: float) -> None:
    """Everything open, the process warm as it is once the first picture was looked at."""
    window = Window()
    window.open(Run(with_gradients(transformer(calls // CALLS_PER_LAYER))))
    window.wait(lambda: not window.workspace.jobs.tags)
    before = _memory()
    seconds = window.expand_all()
    gap = window.longest_gap
    window.settle()
    gap, count = max(gap, window.longest_gap), window.boxes()
    per_node = (_memory() - before) / count
    name = f"{calls:,} calls, {count:,} boxes"
    show(f"expand all of {name}", f"≤ {target:g} s", f"{seconds:.2f} s", seconds <= target)
    show(f"longest gap in the event loop, {name}", "≤ 50 ms", f"{gap * 1e3:.0f} ms", gap <= 0.05)
    if calls >= 100_000:
        show(f"memory of the canvas per box, {name}", "≤ 1 KB", f"{per_node:.0f} bytes", per_node <= 1024)
    window.close()


def recolouring() -> None:
    """What a step costs the canvas where every box gets another colour."""
    window = Window()
    window.open(Run(with_gradients(transformer(1_000 // CALLS_PER_LAYER + 1))))
    window.canvas.animated = False
    window.expand_all()
    window.settle()
    session = window.canvas.source.session
    assert session is not None
    times = []
    for fraction in np.linspace(0.1, 0.9, 40):
        started = time.perf_counter()
        session.scrub(int(fraction * len(session.step.order)))
        window.canvas.repaint()
        times.append((time.perf_counter() - started) * 1e3)
    seen = float(np.quantile(times, 0.95))
    show(f"cursor moved, {window.boxes():,} boxes, canvas alone, 95 %", "≤ 8 ms", f"{seen:.1f} ms", seen <= 8)
    window.close()


def frames(ratio: int) -> None:
    """Every frame of a way through the picture, moving and magnifying."""
    window = Window()
    window.open(Run(with_gradients(transformer(100_000 // CALLS_PER_LAYER))))
    window.expand_all()
    window.settle()
    canvas, camera = window.canvas, window.canvas.camera
    assert canvas.devicePixelRatioF() == ratio
    times, scale = [], 2.0
    while scale >= camera.smallest:
        for step in range(4):
            camera.scale = scale * (1 - 0.02 * step)
            centre = QRectF(0, 0, *camera.world).center()
            camera.x = centre.x() - 700 / camera.scale + 5 * step / camera.scale
            camera.y = centre.y() + 9 * step / camera.scale
            started = time.perf_counter()
            canvas.repaint()
            times.append((time.perf_counter() - started) * 1e3)
        scale *= 0.82
    target, seen = FRAME_TARGET[ratio], float(np.quantile(times, 0.95))
    name = f"frame at {window.boxes():,} boxes, moving and magnifying, {ratio}×, 95 %"
    show(name, f"≤ {target:g} ms", f"{seen:.1f} ms (median {np.median(times):.1f})", seen <= target)
    window.close()


def _memory() -> int:
    """Bytes of this process that are its own, files that it looks at included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    application = QApplication([])
    if sys.argv[1:2] == ["frames"]:
        frames(int(sys.argv[2]))
        return
    print("figure | target | seen | ok")
    opening()
    expanding_one()
    recolouring()
    expanding_all(10_000, 1.0)
    expanding_all(100_000, 10.0)
    for ratio in FRAME_TARGET:
        environment = {**os.environ, "QT_SCALE_FACTOR": str(ratio)}
        command = [sys.executable, "-m", "benchmarks.canvas", "frames", str(ratio)]
        subprocess.run(command, check=True, env=environment)
    del application


if __name__ == "__main__":
    main()

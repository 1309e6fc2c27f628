"""The app as a whole, offscreen: start, opening a run, a step with every panel up to date. Each in a fresh process.

Colours and text are painted by Qt's raster engine, as on a screen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

LAYERS: Final = 32
"""Of the GPT-2 that is opened: about 2,000 calls."""

STARTS: Final = 5
STEPS: Final = 200
FRAMES: Final = 200
SIZE: Final = (1600, 960)


def record(path: Path) -> None:
    """Two training steps of a GPT-2 that is small but deep, with statistics."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    import graphviz_nn as gnn

    config = GPT2Config(
        n_layer=LAYERS, n_head=2, n_embd=16, n_positions=16, vocab_size=64, bos_token_id=0, eos_token_id=0
    )
    model = GPT2LMHeadModel(config)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    tokens = torch.randint(64, (1, 8))
    with gnn.record(path, model, every=1, keep="stats"):
        for _ in range(2):
            optimizer.zero_grad()
            model(tokens, labels=tokens).loss.backward()
            optimizer.step()


# In a process of its own, without torch


def typed(began: float) -> None:
    """Runs `graphviz-nn view`, prints the seconds until its window is painted as JSON, and leaves."""
    from graphviz_nn.cli.main import main as command_line
    from graphviz_nn_ui import app

    def painted(window: Any) -> None:
        from PyQt6.QtCore import QTimer
        from PyQt6.QtWidgets import QApplication

        QApplication.processEvents()
        print(json.dumps({"start": time.time() - began, "torch": "torch" in sys.modules}), flush=True)
        QTimer.singleShot(0, QApplication.quit)

    app.prepare = painted  # what follows the first paint
    command_line(["view"])


def child(path: str | None, began: float) -> None:
    """Makes the window, opens a run if there is one, and prints what it measured as JSON."""
    from graphviz_nn_ui.app import make_application, make_window, prepare, private_settings
    from graphviz_nn_ui.leaving import end

    application = make_application()
    with tempfile.TemporaryDirectory() as folder:
        window = make_window(application, private_settings(folder))
        window.resize(*SIZE)
        window.show()
        application.processEvents()
        seen: dict[str, Any] = {}
        prepare(window)
        while window.workspace.jobs.tags:
            application.processEvents()
        seen["prepared"] = time.time() - began
        if path is not None:
            seen |= _opened(window, path)
            seen["steps"] = _stepped(window)
        seen["torch"] = "torch" in sys.modules
        end(window)
    print(json.dumps(seen))


def _opened(window: Any, path: str) -> dict[str, Any]:
    """Seconds until the run is drawn in every panel in sight, and until nothing is under way any more."""
    from PyQt6.QtWidgets import QApplication

    from graphviz_nn_ui.widgets.docks import TAG as PANELS

    workspace, started = window.workspace, time.perf_counter()
    window.opener.open(path)
    drawn = None
    while workspace.document is None or workspace.jobs.tags or drawn is None:
        QApplication.processEvents()
        there = window.canvas is not None and window.canvas.drawing is not None
        if drawn is None and there and PANELS not in workspace.jobs.tags:
            drawn = time.perf_counter() - started
    QApplication.processEvents()
    rest = time.perf_counter() - started
    return {"drawn": drawn, "rest": rest, "nodes": len(workspace.document.session.structure.nodes)}


def _stepped(window: Any) -> list[float]:
    """Seconds of each step into, until everything that changed is painted."""
    from PyQt6.QtTest import QTest
    from PyQt6.QtWidgets import QApplication

    QTest.qWait(500)
    session, found = window.workspace.document.session, []
    session.scrub(100)
    QTest.qWait(500)
    for _ in range(STEPS):
        started = time.perf_counter()
        session.into()
        QApplication.processEvents()
        found.append(time.perf_counter() - started)
    return found


def lanes() -> None:
    """Prints how long the timeline takes to paint a step of 100,000 events with many marks, zooming all the while."""
    from types import SimpleNamespace

    import numpy as np

    from graphviz_nn.model.nodes import PHASES
    from graphviz_nn_ui.app import make_application
    from graphviz_nn_ui.panels.timeline.lanes import Lanes
    from graphviz_nn_ui.viewmodels.timeline import EventLanes

    application = make_application()
    phases = [PHASES.index(name) for name in ("forward", "backward", "optimizer")]
    order: Any = SimpleNamespace(phase=np.repeat(phases, [50_000, 45_000, 5_000]))
    widget = Lanes()
    widget.resize(1200, 140)
    widget.show_events(EventLanes(order), 0)
    widget.set_marks(np.arange(0, 100_000, 7), np.arange(0, 100_000, 977), np.arange(0, 100_000, 31))
    widget.show()
    application.processEvents()
    seconds = []
    for frame in range(FRAMES):
        started = time.perf_counter()
        widget.set_cursor(frame * 400)
        widget.zoom(0.999)
        widget.repaint()
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"lanes": seconds}))


def measured(path: Path | None = None, part: str = "--child") -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.app", part, *([str(path)] if path is not None else [])]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "BENCHMARK_BEGAN": repr(time.time())}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as anybody starts it
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    from statistics import median, quantiles

    from benchmarks.timing import show

    measured(part="--typed")  # compiles what is not compiled yet
    starts = [measured(part="--typed") for _ in range(STARTS)]
    start = median(each["start"] for each in starts)
    what = f"graphviz-nn view: start to first paint, median of {STARTS}"
    show(what, "≤ 500 ms", f"{start * 1e3:.0f} ms", start <= 0.5)
    ready = median(measured()["prepared"] for _ in range(STARTS))
    show("until a run can be opened without loading anything", "-", f"{ready * 1e3:.0f} ms")
    show("torch imported by then", "no", "yes" if starts[0]["torch"] else "no", not starts[0]["torch"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gpt2.gvnn"
        record(path)
        seen = measured(path)
    what = f"open a GPT-2 run of {seen['nodes']:,} nodes"
    show(f"{what}, collapsed, drawn", "≤ 400 ms", f"{seen['drawn'] * 1e3:.0f} ms", seen["drawn"] <= 0.4)
    show(f"{what}, nothing under way any more", "-", f"{seen['rest'] * 1e3:.0f} ms")
    step = quantiles(seen["steps"], n=20)[-1]
    show(f"step into, all panels, 95 % of {STEPS}", "≤ 33 ms", f"{step * 1e3:.1f} ms", step <= 0.033)
    frame = quantiles(measured(part="--lanes")["lanes"], n=20)[-1]
    show(f"timeline of 100,000 events, 95 % of {FRAMES} frames", "≤ 8 ms", f"{frame * 1e3:.1f} ms", frame <= 0.008)
    show("torch imported after opening and stepping", "no", "yes" if seen["torch"] else "no", not seen["torch"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2] if len(sys.argv) > 2 else None, float(os.environ["BENCHMARK_BEGAN"]))
    elif sys.argv[1:2] == ["--typed"]:
        typed(float(os.environ["BENCHMARK_BEGAN"]))
    elif sys.argv[1:2] == ["--lanes"]:
        lanes()
    else:
        main()

"""How long panels take to follow a step of 100,000 nodes: opening the run, and each move of cursor and step."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from benchmarks.session import large_run
from benchmarks.timing import show
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import MemoryRun
from graphviz_nn.run import Run
from graphviz_nn.session import NodeSelection

STEP_LIMIT: Final = 33e-3
MOVES: Final = 60


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this thread: what the window waits for on a machine that nobody else uses."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


@contextmanager
def application() -> Iterator[Any]:
    """A window system without a screen."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PyQt6.QtWidgets import QApplication

    yield QApplication.instance() or QApplication([])


def make_panels(workspace: Any) -> dict[str, Any]:
    """The panels that follow the session, at the size that they have in the window."""
    from graphviz_nn_ui.panels.events import EventsPanel
    from graphviz_nn_ui.panels.findings import FindingsPanel
    from graphviz_nn_ui.panels.inspector import InspectorPanel
    from graphviz_nn_ui.panels.model_tree import ModelTreePanel

    kinds = {
        "model tree": ModelTreePanel,
        "events": EventsPanel,
        "inspector": InspectorPanel,
        "findings": FindingsPanel,
    }
    panels = {}
    for name, kind in kinds.items():
        panels[name] = kind(workspace)
        panels[name].resize(340, 480)
        panels[name].show()
    return panels


def two_steps(run: MemoryRun) -> MemoryRun:
    """The run with its step twice, so that there is one to go to."""
    run.write(run.record(0))
    return run


def main() -> None:
    from graphviz_nn_ui.viewmodels.document import Document

    with application() as app:
        from graphviz_nn_ui.workspace import Workspace

        workspace = Workspace()
        panels = make_panels(workspace)
        document = Document(Run(two_steps(large_run())))
        structure, events = document.session.structure, len(document.session.step.order)
        size = f"{len(structure.nodes):,} nodes, {events:,} events, {len(structure.modules):,} modules"

        opening = seconds(lambda: (workspace.show(document), app.processEvents()))
        show(f"{len(panels)} panels open", size, f"{opening * 1e3:.0f} ms")
        workspace.jobs.wait()
        app.processEvents()
        _show_moves(document, app.processEvents)
        findings = [Finding("r", "warning", 0, node, None, {}, "c", "r") for node in range(0, 100_000, 200)]
        took = seconds(lambda: (document.set_findings(findings), app.processEvents()))
        show("500 findings shown", "-", f"{took * 1e3:.1f} ms")
        workspace.show(None)
        workspace.jobs.forget_all()
        workspace.jobs.wait()


def _show_moves(document: Any, repaint: Callable[[], None]) -> None:
    session, pick = document.session, random.Random(0)
    calls = np.flatnonzero(session.step.order.kind == EventKind.CALL)
    session.select(NodeSelection(50_000))
    repaint()
    moves: dict[str, Callable[[], object]] = {
        "cursor to the next event": session.into_back,
        "cursor anywhere": lambda: session.scrub(pick.randrange(len(session.step.order))),
        "selection anywhere": lambda: session.select(NodeSelection(int(session.step.order.node[pick.choice(calls)]))),
        "another training step": lambda: session.go_to_step(1 - session.position),
    }
    for name, move in moves.items():
        took = [cpu_seconds(lambda move=move: (move(), repaint())) for _ in range(MOVES)]  # type: ignore[misc]
        late = float(np.quantile(took, 0.95))
        show(
            f"every panel up to date: {name}, 95 %",
            f"≤ {STEP_LIMIT * 1e3:g} ms",
            f"{late * 1e3:.1f} ms (median {np.median(took) * 1e3:.1f})",
            late <= STEP_LIMIT,
        )


if __name__ == "__main__":
    main()

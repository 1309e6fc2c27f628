"""How long it takes to show feature maps, curves and heat maps: from numbers to painted pixels."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import numpy as np
import torch
from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QApplication, QWidget

import graphviz_nn as gnn
from benchmarks.timing import show, show_machine
from graphviz_nn.export.views import find_view
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, HeatMap, ImageGrid, View
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.scene.tiles import map_indices
from graphviz_nn.store.reader import open_run
from graphviz_nn_ui.viewmodels.gallery import Gallery
from graphviz_nn_ui.viewmodels.shown_views import Choice, show_view
from graphviz_nn_ui.widgets.heat_map import HeatMapView
from graphviz_nn_ui.widgets.image_grid import ImageGridView
from graphviz_nn_ui.widgets.plot import Plot

CHANNELS, SIDE = 512, 56
STEPS, LAYERS = 10_000, 100
SIZE = QSize(800, 800)
REPEATS = 60
WARM_UP = 5
FRAME = 16.0
"""Milliseconds."""


def main() -> None:
    application = QApplication.instance() or QApplication([])
    torch.set_num_threads(1)
    show_machine()
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(CHANNELS, SIDE, SIDE)).astype(np.float32)
    _report(f"feature maps {CHANNELS} × {SIDE} × {SIDE}, numbers to pixels", _gallery(maps), FRAME)
    maps[::7, :3] = np.nan
    _report("the same with NaN in every seventh map", _gallery(maps), FRAME)
    _report(f"three curves of {STEPS} steps, all noise", _plot(generator.random((3, STEPS))), FRAME)
    _report(f"heat map of {LAYERS} layers × {STEPS} steps", _heat_map(generator.random((LAYERS, STEPS))), None)
    with tempfile.TemporaryDirectory() as folder:
        _report(f"value and gradient {CHANNELS} × {SIDE} × {SIDE} of a sample, out of a run file", _read(folder), None)
    del application


def _gallery(maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Callable[[], object]:
    widget = ImageGridView("maps")
    labels = tuple(map(str, range(len(maps))))

    def frame() -> None:
        widget.show_gallery(Gallery.of(ImageGrid("maps", maps, labels, colours="signed")))
        _paint(widget)

    return frame


def _plot(numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Callable[[], object]:
    widget = Plot("curves")
    steps = np.arange(numbers.shape[1], dtype=np.float64)
    curves = tuple(Curve(str(place), steps, row, "forward") for place, row in enumerate(numbers))

    def frame() -> None:
        widget.show_curves(Curves("curves", curves, "step", "norm", logarithmic=True))
        _paint(widget)

    return frame


def _heat_map(numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Callable[[], object]:
    widget = HeatMapView("flow")
    rows, columns = (tuple(map(str, range(count))) for count in numbers.shape)
    shown = HeatMap("flow", numbers, rows, columns, "layer", "step", "norm", logarithmic=True)
    indices = map_indices(shown)  # by a worker, once

    def frame() -> None:
        widget.show_map(shown, indices)
        _paint(widget)

    return frame


def _read(folder: str) -> Callable[[], object]:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, CHANNELS, 1))
    run = gnn.trace(model, torch.randn(4, 3, SIDE, SIDE), loss=torch.sum)
    data = open_run(run.save(Path(folder) / "maps.gvnn"))
    node = next(node.id for node in run.structure().nodes if node.op == "conv2d")
    views = plugins().views
    view: View = find_view("feature_maps", views)
    return lambda: show_view(view, Subject(data, 0, node), Choice(), views)


def _paint(widget: QWidget) -> None:
    widget.resize(SIZE)
    widget.grab()


def _report(figure: str, frame: Callable[[], object], limit: float | None) -> None:
    """Prints milliseconds: the 95th percentile is what counts; CPU time tells what other programs took of it."""
    taken: list[tuple[float, float]] = []
    for turn in range(WARM_UP + REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        frame()
        if turn >= WARM_UP:
            taken.append(((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3))
    wall_cuts, cpu_cuts = (quantiles(column, n=20) for column in zip(*taken, strict=True))
    target = "-" if limit is None else f"95 % ≤ {limit:g} ms"
    seen = f"median {wall_cuts[9]:.1f} ms, 95 % {wall_cuts[-1]:.1f} ms (of CPU time {cpu_cuts[-1]:.1f} ms)"
    show(figure, target, seen, None if limit is None else wall_cuts[-1] <= limit)


if __name__ == "__main__":
    main()

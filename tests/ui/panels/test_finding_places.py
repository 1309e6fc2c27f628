"""Where findings show: at which box of the picture, on which axis, and of which of several processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pytestqt.qtbot import QtBot
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn.model.ranks import Place
from graphviz_nn.model.stats import HISTOGRAM_BINS, HISTOGRAM_LOWEST, Stats
from graphviz_nn.model.steps import RunMeta
from graphviz_nn.model.views import Curve, Curves
from graphviz_nn.session import NodeSelection
from graphviz_nn.store.rank_files import prepare
from graphviz_nn.store.writer import RunWriter
from graphviz_nn_ui.background import checking
from graphviz_nn_ui.canvas.view import Canvas
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_state import findings_of, standing_for
from graphviz_nn_ui.viewmodels.magnitudes import magnitudes
from graphviz_nn_ui.viewmodels.ticks import linear_ticks
from graphviz_nn_ui.widgets.plot import Plot
from graphviz_nn_ui.workers.jobs import Ticket
from graphviz_nn_ui.workspace import Workspace
from tests.core.store.samples import make_step, make_structure
from tests.support.panels import settle


class Detached(nn.Module):
    """Adds two layers, one of which gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) + self.second(x).detach()


@pytest.fixture
def detached(workspace: Workspace, qtbot: QtBot) -> Iterator[tuple[Canvas, Document]]:
    """A picture in which `detach` is not drawn."""
    canvas = Canvas(workspace)
    qtbot.addWidget(canvas)
    canvas.resize(600, 500)
    canvas.show()
    document = Document(gnn.trace(Detached(), torch.rand(2, 4), loss=torch.sum))
    workspace.show(document)
    settle(workspace, qtbot)
    yield canvas, document
    canvas.close()


def test_a_call_that_is_not_drawn_shows_at_the_box_that_it_reads(detached: tuple[Canvas, Document]) -> None:
    canvas, document = detached
    assert canvas.drawing is not None
    tables, structure = canvas.drawing.tables, document.session.structure
    detach, add = structure.by_name["detach"].id, structure.by_name["add"].id
    second = list(tables.boxes.titles).index("second")
    assert tables.home[detach] == -1
    assert standing_for(tables, structure, detach) == second
    assert standing_for(tables, structure, add) == tables.home[add]
    assert standing_for(tables, structure, len(structure.nodes)) == -1
    found = Finding("cut_off", "warning", document.session.position, detach, "", {}, "It cuts.", "Remove it.")
    document.set_findings([found])
    assert SEVERITIES[canvas.drawing.severities[second]] == "warning"
    assert (canvas.drawing.severities >= 0).sum() == 1
    assert findings_of(tables, structure, second, [found], found.step) == [found]
    assert findings_of(tables, structure, int(tables.home[add]), [found], found.step) == []
    document.session.select(NodeSelection(detach))
    assert canvas.highlight.boxes == {second}


def write_rank(folder: Path, rank: int) -> None:
    """Writes the file of one of two ranks."""
    writer = RunWriter(prepare(folder, Place(rank, 2)))
    for index in range(4):
        writer.write(make_step(index, make_structure()))
    writer.set_meta(RunMeta(created=1_700_000_000.0, complete=True, rank=rank, world_size=2))
    writer.close()


def test_what_only_all_ranks_show_is_told_at_the_steps_of_the_open_one(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "run.gvnn"
    for rank in (0, 1):
        write_rank(folder, rank)
    asked = []

    def found(data, rules=None, thresholds=None):
        asked.append((Path(data.path), rules))
        of_ranks = Finding("ranks_disagree", "error", len(data.steps()) - 1, 0, "", {}, "They differ.", "Average.")
        return [of_ranks] if rules == ("ranks_disagree",) else []

    monkeypatch.setattr("graphviz_nn.analysis.check.findings", found)
    with gnn.load(folder) as run:
        (finding,) = checking._findings(Document(run), Ticket("checks", lambda fraction, text: None))
    assert finding.step == 3
    assert asked == [(folder / "rank0.gvnn", None), (folder, ("ranks_disagree",))]


def test_a_run_of_one_process_is_checked_once(digits_run: Path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("graphviz_nn.analysis.check.findings", lambda data, rules=None: asked.append(rules) or [])
    with gnn.load(digits_run) as run:
        assert checking._findings(Document(run), Ticket("checks", lambda fraction, text: None)) == []
    assert asked == [None]


def bars(numbers: list[float], *, logarithmic: bool = False) -> Curves:
    curve = Curve("size", np.arange(float(len(numbers))), np.array(numbers), "forward")
    names = tuple("abcdef"[: len(numbers)])
    return Curves("Sizes", (curve,), "name", "size", ticks=names, bars=True, logarithmic=logarithmic)


def filled(plot: Plot) -> list[int]:
    """By bar, how many pixels of a column through its middle have its colour."""
    image, curves = plot.grab().toImage(), plot.curves
    assert curves is not None
    area = plot._area()
    slot = area.width() / len(curves.ticks)
    columns = [round(area.left() + (place + 0.5) * slot) for place in range(len(curves.ticks))]
    rows = range(round(area.top()) + 1, round(area.bottom()))
    return [sum(image.pixelColor(x, y).hslSaturation() > 100 for y in rows) for x in columns]


def test_bars_begin_at_zero(qtbot: QtBot) -> None:
    plot = Plot("Sizes")
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show_curves(bars([0.178, 0.146]))
    higher, lower = filled(plot)
    assert lower / higher == pytest.approx(0.146 / 0.178, abs=0.03)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_bar_of_zero_is_seen_and_a_missing_one_is_not(qtbot: QtBot, logarithmic: bool) -> None:
    plot = Plot("Sizes")
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show_curves(bars([1.0, 0.0, float("nan"), 50.0], logarithmic=logarithmic))
    _, zero, missing, high = filled(plot)
    assert 0 < zero < 5 < high
    assert missing == 0


@pytest.mark.parametrize(("low", "high"), [(19.02, 19.04), (1.1645, 1.1661), (0.0, 1e-9), (-3.0, 7.0)])
def test_no_two_ticks_read_alike(low: float, high: float) -> None:
    texts = [tick.text for tick in linear_ticks(low, high, 5)]
    assert len(set(texts)) == len(texts) > 1


def test_the_lowest_bar_that_is_counted_holds_what_is_smaller() -> None:
    counts = np.zeros(HISTOGRAM_BINS, np.uint16)
    counts[0] = 4
    tiny = magnitudes(counts, Stats(0, 0, 0, 0, 0, 0, 0, 0, 0), elements=4)
    assert tiny is not None
    assert tiny.open_below
    assert tiny.bar_text(0) == "0 < |x| < 1.14e-13: 100 % (estimated from a sample)"
    counts[[0, -HISTOGRAM_LOWEST]] = 0, 4
    usual = magnitudes(counts, Stats(0, 0, 0, 0, 0, 0, 0, 0, 0), elements=4)
    assert usual is not None
    assert not usual.open_below

"""Runs that are poor, odd or broken, each opened in the whole window with every panel and the canvas."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QLabel
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.tensors import TensorData
from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.app import _make_canvas
from graphviz_nn_ui.background import checking
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.panels.timeline.steps import StepsStrip
from graphviz_nn_ui.plugin import register_panels
from graphviz_nn_ui.viewmodels.tensor_pages import TensorPages
from graphviz_nn_ui.widgets.report import ErrorView
from graphviz_nn_ui.widgets.stat_table import StatTable

PRIME = 8191
Whole = Callable[[Path], MainWindow]


@pytest.fixture
def whole(qtbot, workspace, tmp_path, monkeypatch) -> Whole:
    """Opens a run in the window with all that belongs to it, and waits until nothing is under way."""
    monkeypatch.setattr(checking, "_findings", lambda document, ticket: [])
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(workspace, register_panels, _make_canvas, settings)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()

    def open_run(path: Path) -> MainWindow:
        window.opener.open(path)
        rest(qtbot, workspace)
        return window

    return open_run


def rest(qtbot, workspace) -> None:
    qtbot.waitUntil(lambda: not workspace.jobs.tags, timeout=30_000)
    qtbot.wait(20)


def walk(window: MainWindow) -> None:
    """Goes through the step, selecting on the way, with everything painted."""
    session = window.workspace.document.session
    for seq in range(-1, len(session.step.order), max(len(session.step.order) // 6, 1)):
        session.scrub(seq)
        if session.place.nodes:
            session.select(NodeSelection(session.place.nodes[0]))
        assert not window.grab().isNull()


def said(window: MainWindow) -> str:
    """Every sentence that can be read."""
    return "\n".join(label.text() for label in window.findChildren(QLabel) if label.isVisible())


def test_a_run_of_one_node(whole, tmp_path, workspace, qtbot):
    window = whole(gnn.trace(torch.relu, torch.randn(3)).save(tmp_path / "one.gvnn"))
    walk(window)
    rest(qtbot, workspace)
    assert "relu" in window.statusBar().place
    assert window.problem_text == ""


def test_a_run_without_tensors_says_how_to_record_them(whole, plain_run, workspace, qtbot):
    window = whole(plain_run)
    walk(window)
    document = workspace.document
    document.session.select(NodeSelection(document.session.structure.by_name["stem"].id))
    rest(qtbot, workspace)
    assert "keep=" in said(window)


def test_values_that_are_all_nan(whole, tmp_path, workspace, qtbot):
    path = gnn.trace(nn.Conv2d(1, 2, 3), torch.full((1, 1, 6, 6), math.nan), loss=torch.sum).save(tmp_path / "nan.gvnn")
    window = whole(path)
    walk(window)
    session = workspace.document.session
    session.select(NodeSelection(next(node.id for node in session.structure.nodes if node.op == "conv2d")))
    rest(qtbot, workspace)
    window.grab()
    assert "✖ 32 NaN" in _inspector_cells(window)


def _inspector_cells(window: MainWindow) -> list[str]:
    table = window.docks["inspector"].findChild(StatTable)
    return [table.item(row, column).text() for row in range(table.rowCount()) for column in range(table.columnCount())]


class Changing(nn.Module):
    """One layer more at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
        self.depth = 0

    def forward(self, x: Tensor) -> Tensor:
        self.depth += 1
        for layer in self.layers[: self.depth]:
            x = layer(x)
        return x


def test_a_structure_that_changes_each_step(whole, tmp_path, workspace, qtbot):
    model = Changing()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gnn.record(tmp_path / "changing.gvnn", model, every=1, keep="all"):
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(2, 3)).sum().backward()
            optimizer.step()
    window = whole(tmp_path / "changing.gvnn")
    session = workspace.document.session
    counts = [len(session.structure.nodes)]
    while session.previous_step():
        walk(window)
        rest(qtbot, workspace)
        counts.append(len(session.structure.nodes))
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 3
    assert window.problem_text == ""


@pytest.mark.parametrize("name", ["broken_run", "forward_run", "lstm_run"])
def test_a_partial_run_and_one_without_gradients(whole, name, request, workspace, qtbot):
    window = whole(request.getfixturevalue(name))
    walk(window)
    rest(qtbot, workspace)
    assert window.problem_text == ""


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_damage_in_the_middle_is_said_and_the_window_lives_on(whole, digits_run, tmp_path, share, workspace, qtbot):
    path = tmp_path / "damaged.gvnn"
    shutil.copy(digits_run, path)
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share))
        file.write(b"\xff" * 20_000)
    window = whole(path)
    if workspace.document is None:
        assert "damaged" in window.problem_text
    else:
        walk(window)
        rest(qtbot, workspace)
    whole(digits_run)
    assert workspace.document is not None
    assert window.problem_text == ""  # what was said of the former run is gone


def test_damaged_statistics_of_the_open_step_leave_the_rest_of_it(whole, digits_run, tmp_path, workspace, qtbot):
    path = tmp_path / "damaged.gvnn"
    shutil.copy(digits_run, path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE stats SET crc = crc + 1 WHERE step = (SELECT max(position) FROM step) AND name = 'output'")
    window = whole(path)
    session = workspace.document.session
    assert "damaged" in window.problem_text
    walk(window)
    rest(qtbot, workspace)
    assert window.docks["timeline"].findChild(StepsStrip).isVisible()
    assert session.previous_step()
    rest(qtbot, workspace)
    assert session.step.readings.outputs is not None
    assert not window.findChildren(ErrorView)


def test_a_huge_tensor_is_read_a_page_at_a_time():
    """2 GB: nothing reads it whole."""
    shape = (1024, 1024, 512)

    class Huge:
        read_so_far = 0

        def read(self, start: int, stop: int) -> TensorData:
            self.read_so_far += stop - start
            numbers = (np.arange(start, stop) % PRIME).astype(np.float32)
            return TensorData("float32", (stop - start,), numbers.view(np.uint8))

    huge = Huge()
    page = TensorPages("float32", shape, None, huge).page((1000,), 900, 500)
    assert page.numbers[0, 0] == (1000 * 1024 * 512 + 900 * 512 + 500) % PRIME
    assert huge.read_so_far < 2**20


def test_a_run_without_a_step_is_waited_for_by_every_panel_and_command(whole, qtbot, tmp_path):
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gnn.record(tmp_path / "early.gvnn", model, every=1):
        window = whole(tmp_path / "early.gvnn")
        session = window.workspace.document.session
        assert not session.has_step
        for dock in window.docks:
            dock.show()
            dock.raise_()
            qtbot.wait(20)
        for command in list(window.workspace.commands):
            if command.enabled() and command.name.partition(".")[0] in ("step", "run", "to", "play", "graph", "view"):
                command.run()
        assert not window.findChildren(ErrorView)
        for _ in range(3):  # a step is in the file once the next has begun
            model(torch.ones(1, 4)).sum().backward()
            optimizer.step()
        qtbot.waitUntil(lambda: session.has_step, timeout=10_000)
        session.scrub(-1)
        session.into()
        rest(qtbot, window.workspace)
        assert window.problem_text == ""


def test_a_loss_that_is_not_a_number_is_written_as_everywhere(show, tmp_path):
    path = gnn.trace(nn.Linear(2, 1), torch.full((1, 2), math.nan), loss=torch.sum).save(tmp_path / "nan.gvnn")
    assert "loss NaN" in show(path).summary()

"""What is true of every panel."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import torch
from PyQt6.QtWidgets import QComboBox, QLabel, QTableView, QTreeView, QWidget
from pytestqt.qtbot import QtBot
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.session import ModuleSelection, NodeSelection
from graphviz_nn_ui.panels.events import EventsPanel
from graphviz_nn_ui.panels.findings import FindingsPanel
from graphviz_nn_ui.panels.inspector import InspectorPanel
from graphviz_nn_ui.panels.model_tree import ModelTreePanel
from graphviz_nn_ui.widgets.stat_table import StatTable
from graphviz_nn_ui.workspace import Workspace
from tests.support.panels import Show, node_id, sentence, settle

PANELS = (ModelTreePanel, EventsPanel, InspectorPanel, FindingsPanel)


@pytest.fixture(params=PANELS, ids=lambda kind: kind.__name__)
def panel(request: pytest.FixtureRequest, workspace: Workspace, qtbot: QtBot) -> QWidget:
    made = request.param(workspace)
    qtbot.addWidget(made)
    made.resize(360, 640)
    made.show()
    return made


class TestEveryPanel:
    def test_says_that_nothing_is_open(self, panel: QWidget) -> None:
        assert "No run is open" in sentence(panel)

    @pytest.mark.parametrize("name", ["digits_run", "plain_run", "lstm_run", "broken_run", "forward_run"])
    def test_shows_any_run_at_any_place(
        self, panel: QWidget, name: str, show: Show, workspace: Workspace, qtbot: QtBot, request: pytest.FixtureRequest
    ) -> None:
        document = show(request.getfixturevalue(name))
        session = document.session
        document.set_findings(document.run.findings())
        session.scrub(-1)
        for seq in range(0, len(session.step.order), 7):
            session.scrub(seq)
            nodes = session.place.nodes
            session.select(NodeSelection(nodes[0]) if nodes else ModuleSelection(""))
            panel.grab()
        session.previous_step()
        settle(workspace, qtbot)
        assert not panel.grab().isNull()
        workspace.show(None)
        assert "No run is open" in sentence(panel)

    def test_every_control_has_a_name(self, panel: QWidget, digits_run: Path, show: Show) -> None:
        show(digits_run)
        unnamed = [
            each
            for kind in (QTreeView, QTableView, QComboBox)
            for each in panel.findChildren(kind)
            if not each.accessibleName() and not each.objectName().startswith("qt_") and each.parent() is not None
        ]
        assert [type(each).__name__ for each in unnamed] == []

    def test_lets_go_of_the_session(self, panel: QWidget, digits_run: Path, show: Show, workspace: Workspace) -> None:
        session = show(digits_run).session
        workspace.show(None)
        signals = (session.cursor_moved, session.step_changed, session.selection_changed)
        assert [len(signal) for signal in signals] == [0, 0, 0]


class Changing(nn.Module):
    """Another structure at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
        self.depth = 0

    def forward(self, x: Tensor) -> Tensor:
        self.depth += 1
        for layer in self.layers[: self.depth]:
            x = layer(x)
        return x


def changing_step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()


def steps_in(path: Path) -> int:
    with gnn.load(path) as run:
        return len(run.steps)


def test_every_panel_follows_a_run_that_changes_and_grows(
    tmp_path: Path, workspace: Workspace, show: Show, qtbot: QtBot
) -> None:
    model = Changing()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    path = tmp_path / "changing.gvnn"
    panels = [kind(workspace) for kind in PANELS]
    for each in panels:
        qtbot.addWidget(each)
        each.show()
    with gnn.record(path, model, every=1, keep="all"):
        changing_step(model, optimizer)
        changing_step(model, optimizer)
        qtbot.waitUntil(lambda: steps_in(path) == 2)
        document = show(path)
        session = document.session
        session.select(NodeSelection(node_id(document, "layers.1")))
        assert session.previous_step()
        assert session.selection is None
        assert panels[2].inspection.subtitle.endswith("nothing is selected")
        session.select(ModuleSelection("layers.0"))
        session.next_step()
        changing_step(model, optimizer)
        qtbot.waitUntil(lambda: session.refresh() == 1)
    settle(workspace, qtbot)
    assert session.position == 2
    assert "layers.2" in panels[0]._model.tree.by_path
    assert panels[1].findChild(QTableView).model().rowCount() == len(session.step.order)
    assert panels[2].inspection.title == "layers.0"


def test_damaged_numbers_are_said_and_the_rest_is_shown(
    tmp_path: Path, digits_run: Path, workspace: Workspace, show: Show, qtbot: QtBot
) -> None:
    damaged = tmp_path / "damaged.gvnn"
    shutil.copy(digits_run, damaged)
    with closing(sqlite3.connect(damaged)) as connection, connection:
        connection.execute("UPDATE stats SET data = x'00' WHERE name IN ('gradient', 'parameter_gradient')")
    document = show(damaged)
    panels = [kind(workspace) for kind in PANELS]
    for each in panels:
        qtbot.addWidget(each)
        each.show()
    document.session.select(NodeSelection(node_id(document, "stem")))
    settle(workspace, qtbot)
    table = panels[2].findChild(StatTable)
    assert table.item(4, 0).text() != "–"
    assert table.item(4, 1).text() == "–"
    said = [label.text() for label in panels[2].findChildren(QLabel) if label.isVisible()]
    assert any("damaged" in text and "✖" in text for text in said)


def test_torch_is_never_imported(digits_run: Path) -> None:
    """Every panel is drawn and used in a fresh process."""
    program = f"""
import sys
from PyQt6 import sip
from PyQt6.QtWidgets import QApplication
import graphviz_nn
from graphviz_nn.run import load
from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.workspace import Workspace
from graphviz_nn_ui.panels import events, findings, inspector, model_tree
application = QApplication([])
workspace = Workspace()
document = Document(load({str(digits_run)!r}))
workspace.show(document)
document.set_findings(document.run.findings())
panels = [events.EventsPanel(workspace), findings.FindingsPanel(workspace), inspector.InspectorPanel(workspace),
          model_tree.ModelTreePanel(workspace)]
document.session.select(NodeSelection(document.session.structure.by_name["stem"].id))
for panel in panels:
    panel.show()
    panel.grab()
for _ in range(5):
    workspace.jobs.wait()
    application.processEvents()
workspace.show(None)
for panel in panels:
    sip.delete(panel)  # while there is an application, as Qt wants it
assert "torch" not in sys.modules, "torch was imported"
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert found.returncode == 0, found.stderr

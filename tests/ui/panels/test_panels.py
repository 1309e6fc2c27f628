"""The panels themselves: what the session tells, what a person does."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QApplication, QComboBox, QLabel, QTableView, QTabWidget, QTreeView, QTreeWidget, QWidget
from pytestqt.qtbot import QtBot
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session import ModuleSelection, NodeSelection, ValueSelection
from graphviz_nn_ui.panels.events import EventsPanel
from graphviz_nn_ui.panels.findings import FindingsPanel
from graphviz_nn_ui.panels.inspector import InspectorPanel
from graphviz_nn_ui.panels.model_tree import ModelTreePanel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.histogram import HistogramView
from graphviz_nn_ui.widgets.source_view import SourceView
from graphviz_nn_ui.widgets.stat_table import StatTable
from graphviz_nn_ui.widgets.tensor_table import TensorTable
from graphviz_nn_ui.workspace import Workspace

Show = Callable[[Path], Document]
PANELS = (ModelTreePanel, EventsPanel, InspectorPanel, FindingsPanel)


def settle(workspace: Workspace, qtbot: QtBot) -> None:
    """Waits until no work is under way and its results have arrived."""
    qtbot.waitUntil(lambda: not workspace.jobs.tags, timeout=10_000)


def node_id(document: Document, name: str) -> int:
    return document.session.structure.by_name[name].id


def sentence(panel: QWidget) -> str:
    return " ".join(each.sentence for each in panel.findChildren(Emptiable) if each.isVisibleTo(panel))


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
        assert "Click a node" in sentence(panels[2])
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


class TestModelTree:
    @pytest.fixture
    def tree(self, workspace: Workspace, show: Show, digits_run: Path, qtbot: QtBot) -> ModelTreePanel:
        show(digits_run)
        panel = ModelTreePanel(workspace)
        qtbot.addWidget(panel)
        panel.show()
        return panel

    @staticmethod
    def cell(panel: ModelTreePanel, path: str, column: int) -> str:
        view = panel.findChild(QTreeView)
        model = panel._model
        index = model.index_of(model.tree.by_path[path]).siblingAtColumn(column)
        assert view.model() is model
        return str(index.data())

    def test_numbers_follow_cursor_and_step(self, tree: ModelTreePanel, workspace: Workspace, digits_run: Path) -> None:
        session = workspace.document.session
        at_the_end = self.cell(tree, "stem", 1)
        with gnn.load(digits_run) as run:
            norms = [run.stats(f"stem.{name}", "parameter_gradient", step=-1).l2 for name in ("weight", "bias")]
        assert float(at_the_end) == pytest.approx(float(np.hypot(*norms)), rel=0.06)
        session.scrub(0)
        assert self.cell(tree, "stem", 1) == ""
        session.scrub(10**9)
        session.go_to_step(0)
        assert self.cell(tree, "stem", 1) != at_the_end

    def test_selection_goes_both_ways(self, tree: ModelTreePanel, workspace: Workspace) -> None:
        document, view = workspace.document, tree.findChild(QTreeView)
        document.session.select(NodeSelection(node_id(document, "block.conv")))
        assert view.currentIndex().data() == "conv"
        assert document.session.selection == NodeSelection(node_id(document, "block.conv"))
        view.setCurrentIndex(tree._model.index_of(tree._model.tree.by_path["stem"]))
        assert document.session.selection == ModuleSelection("stem")

    def test_filter_narrows_and_selection_survives(self, tree: ModelTreePanel, workspace: Workspace) -> None:
        tree._filter.setText("norm")
        assert [row.path for row in tree._model.tree] == ["", "block", "block.norm"]
        workspace.document.session.select(ModuleSelection("stem"))
        assert tree.findChild(QTreeView).currentIndex().data().startswith("DigitNet")
        tree._filter.clear()
        assert "stem" in tree._model.tree.by_path

    def test_menu_expands_on_the_canvas(self, tree: ModelTreePanel, workspace: Workspace) -> None:
        session = workspace.document.session
        menu = tree.menu_of(tree._model.tree.by_path["block"])
        actions = {action.text(): action for action in menu.actions()}
        actions["Expand on the canvas"].trigger()
        calls = [call.path for call in session.structure.module_calls]
        assert session.expanded == {f"m{calls.index('')}", f"m{calls.index('block')}"}
        actions["Collapse on the canvas"].trigger()
        assert session.expanded == {f"m{calls.index('')}"}
        actions["Set breakpoint"].trigger()
        assert [(each.on, each.pattern) for each in session.breakpoints] == [("module", "block")]
        menu.deleteLater()

    def test_findings_have_a_sign(self, tree: ModelTreePanel, workspace: Workspace) -> None:
        workspace.document.set_findings([Finding("r", "error", 0, None, "block.conv", {}, "Bad.", "")])
        assert self.cell(tree, "block.conv", 0) == "conv  ✖"
        assert self.cell(tree, "block", 0) == "block  ✖"
        assert self.cell(tree, "stem", 0) == "stem"


class TestEvents:
    @pytest.fixture
    def events(self, workspace: Workspace, show: Show, digits_run: Path, qtbot: QtBot) -> EventsPanel:
        show(digits_run)
        panel = EventsPanel(workspace)
        qtbot.addWidget(panel)
        panel.resize(360, 300)
        panel.show()
        return panel

    def test_the_cursor_has_a_pointer_and_is_in_view(self, events: EventsPanel, workspace: Workspace) -> None:
        session, view = workspace.document.session, events.findChild(QTableView)
        for seq in (3, len(session.step.order) // 2, len(session.step.order) - 1):
            session.scrub(seq)
            assert view.model().index(seq, 0).data() == f"▶ {seq}"
            assert view.viewport().rect().contains(view.visualRect(view.model().index(seq, 0)).center())

    def test_what_has_not_happened_is_faint(self, events: EventsPanel, workspace: Workspace) -> None:
        session, model = workspace.document.session, events.findChild(QTableView).model()
        session.scrub(10)
        role = Qt.ItemDataRole.ForegroundRole
        assert model.index(11, 2).data(role) is not None
        assert model.index(10, 2).data(role) is None
        assert "not yet happened" in model.index(11, 2).data(Qt.ItemDataRole.ToolTipRole)

    def test_not_following_stays_where_it_is(self, events: EventsPanel, workspace: Workspace) -> None:
        session, view = workspace.document.session, events.findChild(QTableView)
        session.scrub(0)
        events._follow.setChecked(False)
        session.scrub(len(session.step.order) - 1)
        assert view.rowAt(5) == 0

    def test_click_selects_and_double_click_moves(
        self, events: EventsPanel, workspace: Workspace, qtbot: QtBot
    ) -> None:
        session, view = workspace.document.session, events.findChild(QTableView)
        stem = node_id(workspace.document, "stem")
        row = int(session.step.order.events_of(stem)[0])
        session.scrub(0)
        view.scrollTo(view.model().index(row, 0))
        before = session.cursor
        place = view.visualRect(view.model().index(row, 2)).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert session.selection == NodeSelection(stem)
        assert session.cursor == before
        view.activated.emit(view.model().index(row, 2))
        assert session.cursor == row

    def test_selection_from_elsewhere_is_shown(self, events: EventsPanel, workspace: Workspace) -> None:
        session, view = workspace.document.session, events.findChild(QTableView)
        session.scrub(0)
        stem = node_id(workspace.document, "stem")
        session.select(NodeSelection(stem))
        assert view.currentIndex().row() == int(session.step.order.events_of(stem)[0])
        assert session.cursor == 0

    def test_filter(self, events: EventsPanel, workspace: Workspace) -> None:
        events._kinds.setCurrentText("Updates")
        order = workspace.document.session.step.order
        assert events.findChild(QTableView).model().rowCount() == int((order.kind == EventKind.UPDATE).sum())
        events._phase.setCurrentText("Forward")
        assert "All events" in sentence(events)


class TestInspector:
    @pytest.fixture
    def inspector(self, workspace: Workspace, show: Show, digits_run: Path, qtbot: QtBot) -> InspectorPanel:
        show(digits_run)
        panel = InspectorPanel(workspace)
        qtbot.addWidget(panel)
        panel.resize(360, 700)
        panel.show()
        settle(workspace, qtbot)
        return panel

    @staticmethod
    def open_page(panel: InspectorPanel, title: str) -> None:
        tabs = panel.findChild(QTabWidget)
        tabs.setCurrentIndex([tabs.tabText(place) for place in range(tabs.count())].index(title))

    def test_nothing_selected_says_what_to_do(self, inspector: InspectorPanel) -> None:
        assert "Click a node" in sentence(inspector)

    def test_statistics_of_value_and_gradient(
        self, inspector: InspectorPanel, workspace: Workspace, digits_run: Path
    ) -> None:
        document = workspace.document
        document.session.select(NodeSelection(node_id(document, "stem")))
        table = inspector.findChild(StatTable)
        assert [table.horizontalHeaderItem(place).text() for place in range(2)] == ["→ value", "← gradient"]
        with gnn.load(digits_run) as run:
            for column, of in enumerate(("output", "gradient")):
                assert float(table.item(4, column).text()) == pytest.approx(run.stats("stem", of).l2, rel=1e-2)
                assert float(table.item(0, column).text()) == pytest.approx(run.stats("stem", of).min, rel=1e-2)
        before = table.item(4, 1).text()
        document.session.go_to_step(0)
        assert table.item(4, 1).text() != before

    def test_histograms_tell_their_bars(self, inspector: InspectorPanel, workspace: Workspace) -> None:
        document = workspace.document
        document.session.select(NodeSelection(node_id(document, "relu")))
        drawn = [view for view in inspector.findChildren(HistogramView) if view.isVisibleTo(inspector)]
        assert len(drawn) == 2
        assert drawn[0].text_at(QPoint(4, 50).toPointF()).startswith("exactly zero")
        assert "≤ |x| <" in drawn[0].text_at(QPoint(drawn[0].width() // 2, 50).toPointF())
        plain = drawn[0].grab().toImage()
        drawn[0].set_logarithmic(True)
        assert drawn[0].grab().toImage() != plain

    def test_flow_opens_tensors_and_selects_nodes(
        self, inspector: InspectorPanel, workspace: Workspace, qtbot: QtBot
    ) -> None:
        document = workspace.document
        document.session.select(NodeSelection(node_id(document, "block.conv")))
        self.open_page(inspector, "Flow")
        flow = next(each for each in inspector.findChildren(QTreeWidget) if each.columnCount() == 4)
        groups = [flow.topLevelItem(place).text(0) for place in range(flow.topLevelItemCount())]
        assert len(groups) == 6
        weight = flow.topLevelItem(1).child(0)
        flow.setCurrentItem(weight)
        flow.itemActivated.emit(weight, 0)
        settle(workspace, qtbot)
        table = inspector.findChild(TensorTable)
        assert table.isVisible()
        assert table.page is not None
        assert table.page.numbers.shape == (3, 3)
        self.open_page(inspector, "Flow")
        next(action for action in flow.actions() if action.text() == "Select its node").trigger()
        assert document.session.selection == ValueSelection(node_id(document, "block.conv.weight"), 0)

    def test_parameters_have_four_columns(self, inspector: InspectorPanel, workspace: Workspace) -> None:
        document = workspace.document
        document.session.select(NodeSelection(node_id(document, "stem.weight")))
        table = inspector.findChild(StatTable)
        titles = [table.horizontalHeaderItem(place).text() for place in range(table.columnCount())]
        assert titles == ["→ value", "← pass 0", "← .grad", "↻ update"]

    def test_numbers_of_the_tensor_are_paged_and_copied(
        self, inspector: InspectorPanel, workspace: Workspace, qtbot: QtBot, digits_run: Path
    ) -> None:
        document = workspace.document
        document.session.select(NodeSelection(node_id(document, "stem")))
        self.open_page(inspector, "Tensor")
        settle(workspace, qtbot)
        table = inspector.findChild(TensorTable)
        table._leading[0].setValue(2)
        table._leading[1].setValue(1)
        settle(workspace, qtbot)
        with gnn.load(digits_run) as run:
            assert np.array_equal(table.page.numbers, run.value("stem")[2, 1].numpy())
        copy = next(action for action in table.findChildren(QAction) if action.text() == "Copy page as CSV")
        copy.trigger()
        assert QApplication.clipboard().text().count("\n") == 7

    def test_not_kept_says_how_to_keep(
        self, inspector: InspectorPanel, workspace: Workspace, show: Show, lstm_run: Path, qtbot: QtBot
    ) -> None:
        document = show(lstm_run)
        document.session.select(NodeSelection(len(document.session.structure.nodes) - 1))
        self.open_page(inspector, "Tensor")
        settle(workspace, qtbot)
        assert "keep='all'" in inspector.findChild(TensorTable).sentence

    def test_source_is_scrolled_to_its_line(
        self, inspector: InspectorPanel, workspace: Workspace, qtbot: QtBot
    ) -> None:
        document = workspace.document
        node = document.session.structure.by_name["block.conv"]
        document.session.select(NodeSelection(node.id))
        self.open_page(inspector, "Source")
        settle(workspace, qtbot)
        view = inspector.findChild(SourceView)
        assert view.line == node.source.line
        assert "self.conv(x)" in view.textCursor().block().text()

    def test_source_that_is_not_there(self, inspector: InspectorPanel, workspace: Workspace, qtbot: QtBot) -> None:
        document = workspace.document
        document.data.sources = dict  # type: ignore[method-assign]
        document.session.select(NodeSelection(node_id(document, "block.conv")))
        self.open_page(inspector, "Source")
        settle(workspace, qtbot)
        assert "not in the run file" in sentence(inspector)

    def test_a_module_has_costs(self, inspector: InspectorPanel, workspace: Workspace, qtbot: QtBot) -> None:
        workspace.document.session.select(ModuleSelection("block"))
        settle(workspace, qtbot)
        facts = {fact.name: fact.text for section in inspector.inspection.sections for fact in section.facts}
        assert facts["parameters"].startswith("152")
        assert "FLOPs" in facts["operations, forward"]

    def test_error_of_the_program_is_shown(
        self, inspector: InspectorPanel, workspace: Workspace, show: Show, broken_run: Path
    ) -> None:
        document = show(broken_run)
        failed = next(node for node in document.session.structure.nodes if "error" in node.attributes)
        document.session.select(NodeSelection(failed.id))
        texts = [label.text() for label in inspector.findChildren(QLabel) if label.isVisibleTo(inspector)]
        assert any(text.startswith("✖") and "shapes" in text for text in texts)


class TestFindings:
    @pytest.fixture
    def findings(self, workspace: Workspace, show: Show, digits_run: Path, qtbot: QtBot) -> FindingsPanel:
        document = show(digits_run)
        stem = node_id(document, "stem")
        panel = FindingsPanel(workspace)
        qtbot.addWidget(panel)
        panel.resize(900, 400)
        panel.show()
        evidence = {"by_layer": [1.0, 1e-3, 1e-6], "names": ["a", "b", "c"], "ratio": 1e-6}
        document.set_findings(
            [
                Finding("vanishing_depth", "warning", 4, stem, "stem", evidence, "It shrinks.", "Normalise."),
                Finding("nonfinite_forward", "error", 7, stem, "stem", {"nan": 3.0}, "It is NaN.", "Clamp."),
            ]
        )
        return panel

    def test_the_worst_first_with_sign_and_word(self, findings: FindingsPanel) -> None:
        model = findings.findChild(QTableView).model()
        assert [model.index(row, 0).data() for row in range(2)] == ["✖ error", "▲ warning"]
        assert [model.index(row, 2).data() for row in range(2)] == ["stem", "stem"]
        assert [model.index(row, 3).data() for row in range(2)] == ["7", "4"]
        assert findings.windowTitle() == "Findings (2)"

    def test_click_goes_to_where_it_began(self, findings: FindingsPanel, workspace: Workspace, qtbot: QtBot) -> None:
        session, view = workspace.document.session, findings.findChild(QTableView)
        revealed = []
        workspace.reveal.connect(revealed.append)
        place = view.visualRect(view.model().index(1, 1)).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        stem = node_id(workspace.document, "stem")
        assert (session.position, session.place.kind) == (4, EventKind.GRADIENT)
        assert session.selection == NodeSelection(stem)
        assert revealed == [stem]
        settle(workspace, qtbot)
        assert {drawing.accessibleName() for drawing in findings._detail.drawings} == {
            "by layer", "Histogram: gradient of stem, by magnitude", "L2 norm over training"
        }  # fmt: skip
        assert "Normalise." in findings._detail._text.text()

    def test_rule_is_explained(self, findings: FindingsPanel) -> None:
        findings.findChild(QTableView).selectRow(1)
        findings._detail._about.setChecked(True)
        assert "Remedy" in findings._detail._rule.toPlainText()
        assert findings._detail._rule.isVisible()

    def test_filter_hides_and_says_so(self, findings: FindingsPanel) -> None:
        findings._severities["warning"].setChecked(False)
        assert findings.findChild(QTableView).model().rowCount() == 1
        findings._severities["error"].setChecked(False)
        assert "2 findings are hidden" in sentence(findings)

    def test_no_findings_without_statistics(self, findings: FindingsPanel, show: Show, plain_run: Path) -> None:
        show(plain_run)
        assert "keep='stats'" in sentence(findings)


class TestTensorTable:
    def test_damage_is_said_in_place(self, workspace: Workspace, show: Show, digits_run: Path, qtbot: QtBot) -> None:
        document = show(digits_run)
        table = TensorTable(workspace.jobs)
        qtbot.addWidget(table)
        table.show_tensor(document.data, 0, TensorKey("value", node_id(document, "stem"), 0))
        settle(workspace, qtbot)
        assert table.page is not None
        document.close()
        table._leading[0].setValue(1)
        settle(workspace, qtbot)
        assert table.page is None
        assert table.sentence


def test_torch_is_never_imported(digits_run: Path) -> None:
    """Every panel is drawn and used in a fresh process."""
    program = f"""
import sys
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
assert "torch" not in sys.modules, "torch was imported"
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert found.returncode == 0, found.stderr

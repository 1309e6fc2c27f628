"""The inspector: what the session tells, what a person does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QApplication, QComboBox, QLabel, QTableView, QTabWidget, QTreeWidget
from pytestqt.qtbot import QtBot

import graphviz_nn as gnn
from graphviz_nn.session import ModuleSelection, NodeSelection, ValueSelection
from graphviz_nn_ui.panels.inspector import InspectorPanel
from graphviz_nn_ui.widgets.histogram import HistogramView
from graphviz_nn_ui.widgets.source_view import SourceView
from graphviz_nn_ui.widgets.stat_table import StatTable
from graphviz_nn_ui.widgets.tensor_table import TensorTable
from graphviz_nn_ui.workspace import Workspace
from tests.support.panels import Show, node_id, sentence, settle


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

    def test_a_run_opens_with_its_model(self, inspector: InspectorPanel) -> None:
        assert inspector.inspection.title == "DigitNet"
        assert inspector.inspection.subtitle == "DigitNet · nothing is selected"

    def test_a_parameter_is_selected_in_its_row(self, inspector: InspectorPanel, workspace: Workspace) -> None:
        table = next(each for each in inspector.findChildren(QTableView) if each.accessibleName() == "Parameters")
        rows = table.model()
        names = [rows.index(row, 0).data() for row in range(rows.rowCount())]
        assert names[:3] == ["stem.weight", "stem.bias", "block.conv.weight"]
        assert "shape: 4×1×3×3" in rows.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
        table.activated.emit(rows.index(2, 0))
        assert workspace.document.session.selection == NodeSelection(
            next(node.id for node in workspace.document.session.structure.nodes if "block.conv.weight" in node.names)
        )

    def test_the_cursor_is_followed_while_nothing_is_selected(
        self, inspector: InspectorPanel, workspace: Workspace
    ) -> None:
        session = workspace.document.session
        session.scrub(-1)
        assert "Click a node" in sentence(inspector)
        for _ in range(6):
            session.into()
        assert session.place.nodes == (node_id(workspace.document, "stem"),)
        assert inspector.inspection.title == "stem"
        assert inspector.inspection.subtitle.endswith("at the cursor")
        session.select(NodeSelection(node_id(workspace.document, "relu")))
        session.into()
        assert inspector.inspection.title == "relu"
        assert not inspector.inspection.subtitle.endswith("at the cursor")
        session.select(None)
        session.scrub(len(session.step.order) - 1)
        assert inspector.inspection.title == "DigitNet"

    def test_a_run_without_statistics_says_what_to_record(
        self, inspector: InspectorPanel, workspace: Workspace, show: Show, plain_run: Path, qtbot: QtBot
    ) -> None:
        document = show(plain_run)
        document.session.select(NodeSelection(node_id(document, "stem")))
        value, gradient = inspector.inspection.cards
        assert value.state.endswith("Not measured: record with keep='stats'.")
        assert gradient.state.endswith("Not measured: record with keep='stats'.")

    def test_a_chosen_page_comes_back_after_one_that_lacks_it(
        self, inspector: InspectorPanel, workspace: Workspace
    ) -> None:
        session, tabs = workspace.document.session, inspector.findChild(QTabWidget)
        session.select(NodeSelection(node_id(workspace.document, "stem")))
        self.open_page(inspector, "Flow")
        session.select(ModuleSelection("head"))
        assert tabs.tabText(tabs.currentIndex()) != "Flow"
        session.select(NodeSelection(node_id(workspace.document, "relu")))
        assert tabs.tabText(tabs.currentIndex()) == "Flow"

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
        self.open_page(inspector, "Details")
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

    def test_each_backward_pass_has_its_gradients(
        self, inspector: InspectorPanel, workspace: Workspace, show: Show, tmp_path: Path
    ) -> None:
        weight = torch.ones(2, requires_grad=True)

        def two_passes() -> None:
            loss = (weight * 3).sum()
            loss.backward(retain_graph=True)
            loss.backward(torch.tensor(10.0))

        path = gnn.trace(two_passes).save(tmp_path / "passes.gvnn")
        document = show(path)
        document.session.select(NodeSelection(next(n.id for n in document.session.structure.nodes if n.op == "mul")))
        passes = next(box for box in inspector.findChildren(QComboBox) if box.accessibleName() == "Backward pass")
        largest = inspector.findChild(StatTable)
        assert passes.isVisible()
        seen = []
        for place in range(passes.count()):
            passes.setCurrentIndex(place)
            seen.append(largest.item(1, 1).text())
        assert seen == ["10", "1", "10"]
        document.session.scrub(6)
        passes.setCurrentIndex(0)
        assert largest.item(1, 1).text() == "1"

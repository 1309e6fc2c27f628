"""The modules as a tree: rows, and the panel that shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtWidgets import QTreeView
from pytestqt.qtbot import QtBot

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.run import Run
from graphviz_nn.session import ModuleSelection, NodeSelection
from graphviz_nn_ui.panels.model_tree import ModelTreePanel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.module_rows import ModuleOverview, Modules, worst_findings
from graphviz_nn_ui.workspace import Workspace
from tests.support.panels import Opened, Show, node_id, numbers_of, sentence, settle
from tests.support.runs import one_step_run
from tests.support.structures import StructureBuilder


class TestModules:
    def test_tree_follows_the_paths(self, digits_run: Path, opened: Opened) -> None:
        tree = Modules(opened(digits_run).structure).tree
        (root,) = tree.roots
        assert [child.name for child in root.children] == ["stem", "block", "head"]
        assert tree.by_path["block.conv"].parent is tree.by_path["block"]
        assert tree.by_path["block.conv"].parameters == 4 * 4 * 9
        assert root.parameters == 40 + 144 + 8 + 650

    def test_gradient_of_a_module_is_that_of_its_parameters(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        overview = ModuleOverview(Modules(session.structure), numbers_of(session))
        norms = overview.norms_at(session.cursor)
        with gnn.load(digits_run) as run:
            weight, bias = (run.stats(f"stem.{name}", "parameter_gradient").l2 for name in ("weight", "bias"))
        stem = overview.tree.by_path["stem"]
        assert norms[stem.number] == pytest.approx(np.hypot(weight, bias))
        assert np.isnan(norms[overview.tree.by_path["block.pool"].number])

    def test_gradients_come_with_the_cursor(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        overview = ModuleOverview(Modules(session.structure), numbers_of(session))
        order = session.step.order
        bias = node_id(session, "head.1.bias")
        events = order.events_of(bias)
        first = int(events[order.kind[events] == EventKind.GRADIENT][0])
        head, stem = (overview.tree.by_path[path].number for path in ("head", "stem"))
        assert np.isnan(overview.norms_at(first - 1)[stem])
        known = overview.norms_at(first)
        assert known[head] > 0
        assert np.isnan(known[stem])

    def test_filter_keeps_what_is_around(self, digits_run: Path, opened: Opened) -> None:
        tree = Modules(opened(digits_run).structure).tree
        narrowed = tree.matching("BatchNorm")
        assert [row.path for row in narrowed] == ["", "block", "block.norm"]
        assert tree.matching("  ") is tree
        assert not len(tree.matching("nothing like it"))

    def test_findings_show_on_the_modules_around(self, digits_run: Path, opened: Opened) -> None:
        tree = Modules(opened(digits_run).structure).tree
        warning = Finding("a", "warning", 0, None, "block.conv", {}, "", "")
        error = Finding("b", "error", 0, None, "block", {}, "", "")
        worst = worst_findings([warning, error], tree)
        assert worst["block.conv"] is warning
        assert worst["block"] is worst[""] is error


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

    def test_thousands_of_modules_are_sorted_by_a_worker(self, workspace: Workspace, qtbot: QtBot) -> None:
        b = StructureBuilder()
        x = b.input("x", (2, 2))
        with b.module("", "Net"):
            for block in range(1_500):
                x = b.layer(f"block{block}", "ReLU", "relu", x)
        structure = b.build()
        document = Document(Run(one_step_run(structure, [(EventKind.CALL, node.id, 0) for node in structure.nodes])))
        panel = ModelTreePanel(workspace)
        qtbot.addWidget(panel)
        panel.show()
        workspace.show(document)
        assert "Sorting" in sentence(panel)
        document.session.select(ModuleSelection("block1234"))
        settle(workspace, qtbot)
        assert sentence(panel) == ""
        assert panel.findChild(QTreeView).currentIndex().data() == "block1234"

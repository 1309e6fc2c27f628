"""Findings: rows, and the panel that shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.panels.findings import FindingsPanel
from graphviz_nn_ui.viewmodels.finding_curves import curves
from graphviz_nn_ui.viewmodels.finding_rows import (
    begins_at,
    count_text,
    evidence_rows,
    go_to,
    next_finding,
    rule_text,
    worst_first,
)
from graphviz_nn_ui.viewmodels.norms_over_steps import norms_over_steps
from graphviz_nn_ui.workspace import Workspace
from tests.support.panels import Opened, Show, node_id, sentence, settle


class TestRows:
    FOUND = Finding(
        "vanishing_depth", "warning", 11, None, "stem",
        {"ratio": 1e-6, "by_layer": [1.0, 1e-3, 1e-6], "names": ["head.1", "block.conv", "stem"]},
        "It shrinks.", "Do something.",
    )  # fmt: skip

    def test_the_worst_comes_first(self) -> None:
        info = Finding("a", "info", 0, None, None, {}, "", "")
        error = Finding("b", "error", 0, None, None, {}, "", "")
        assert worst_first([info, self.FOUND, error]) == [error, self.FOUND, info]
        assert worst_first([info, error], ["info"]) == [info]
        assert count_text([error, info, error]) == "✖ 2 errors · ● 1 info"
        assert count_text([]) == "no findings"

    def test_lists_are_drawn_and_the_rest_is_written(self) -> None:
        (curve,) = curves(self.FOUND)
        assert curve.ticks == ("head.1", "block.conv", "stem")
        assert curve.logarithmic
        assert curve.band is not None
        assert curve.band[0] == 1e-4
        assert evidence_rows(self.FOUND) == [("ratio", "1e-6")]

    def test_rules_explain_themselves(self) -> None:
        assert "**Remedy.**" in rule_text("vanishing_depth")
        assert rule_text("no_such_rule") == ""

    def test_trouble_begins_where_it_shows(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        order, states, stem = session.step.order, session.step.states, node_id(session, "stem")
        forward = Finding("nonfinite_forward", "error", 11, stem, "stem", {}, "", "")
        backward = Finding("nonfinite_backward", "error", 11, stem, "stem", {}, "", "")
        assert order.kind[begins_at(forward, order, states)] == EventKind.CALL
        assert order.kind[begins_at(backward, order, states)] == EventKind.GRADIENT
        assert begins_at(self.FOUND, order, states) == len(order) - 1

    def test_going_there(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        stem = node_id(session, "stem")
        finding = Finding("nonfinite_forward", "error", 2, stem, "stem", {}, "", "")
        go_to(session, finding)
        assert session.position == 2
        assert session.place.nodes[0] == stem
        assert session.selection == NodeSelection(stem)

    def test_next_and_former(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        stem, head = node_id(session, "stem"), node_id(session, "head.1")
        position = session.position
        found = [Finding("nonfinite_forward", "error", position, node, None, {}, "", "") for node in (head, stem)]
        earlier = Finding("nonfinite_forward", "error", 3, stem, None, {}, "", "")
        session.scrub(-1)
        assert next_finding(session, [*found, earlier]) is found[1]
        go_to(session, found[1])
        assert next_finding(session, [*found, earlier]) is found[0]
        assert next_finding(session, [*found, earlier], back=True) is earlier
        go_to(session, found[0])
        assert next_finding(session, found) is None

    def test_norms_over_steps(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        drawn = norms_over_steps(session.data, session.position, node_id(session, "stem"), lambda: None)
        assert drawn is not None
        assert [curve.label for curve in drawn.curves] == ["output", "gradient"]
        with gnn.load(digits_run) as run:
            assert drawn.curves[1].y[-1] == pytest.approx(run.stats("stem", "gradient").l2)
        assert len(drawn.curves[0].x) == 12

    def test_norms_of_a_run_without_numbers(self, plain_run: Path, opened: Opened) -> None:
        session = opened(plain_run)
        assert norms_over_steps(session.data, session.position, 0, lambda: None) is None


class TestPanel:
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
            "Gradient over that at the output",
            "Histogram: Gradient of stem, by magnitude",
            "L2 norm over training",
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

    def test_one_can_be_asked_for(self, findings: FindingsPanel, workspace: Workspace) -> None:
        view, (vanishing, _) = findings.findChild(QTableView), workspace.document.findings
        findings._severities["warning"].setChecked(False)
        go_to(workspace.document.session, vanishing)
        workspace.ask_for(vanishing)
        assert findings._severities["warning"].isChecked()
        assert view.currentIndex().row() == 1
        assert "Normalise." in findings._detail._text.text()
        assert "Histogram: Gradient of stem, by magnitude" in {
            drawing.accessibleName() for drawing in findings._detail.drawings
        }

    def test_what_is_chosen_stays_chosen_when_the_run_is_checked_again(
        self, findings: FindingsPanel, workspace: Workspace
    ) -> None:
        view, found = findings.findChild(QTableView), workspace.document.findings
        view.selectRow(1)
        later = [replace(each, step=each.step + 1, cause="It shrinks more.") for each in found]
        workspace.document.set_findings(later)
        assert view.currentIndex().row() == 1
        assert "It shrinks more." in findings._detail._text.text()
        workspace.document.set_findings(later[1:])
        assert not findings._detail.isVisible()

    def test_one_that_was_asked_for_before_the_panel_was_made(
        self, findings: FindingsPanel, workspace: Workspace, qtbot: QtBot
    ) -> None:
        workspace.ask_for(workspace.document.findings[0])
        late = FindingsPanel(workspace)
        qtbot.addWidget(late)
        assert late.findChild(QTableView).currentIndex().row() == 1
        assert "Normalise." in late._detail._text.text()

    def test_one_that_the_list_has_not_been_told_of_yet(self, findings: FindingsPanel, workspace: Workspace) -> None:
        document = workspace.document
        new = replace(document.findings[0], rule="exploding", cause="It grows.")
        document.set_findings([*document.findings, new], origin=findings)
        workspace.ask_for(new)
        assert "It grows." in findings._detail._text.text()

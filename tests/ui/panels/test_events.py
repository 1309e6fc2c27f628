"""The events in order: rows, and the panel that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from graphviz_nn.model.events import EventKind
from graphviz_nn.session import ModuleSelection, NodeSelection
from graphviz_nn_ui.panels.events import EventsPanel
from graphviz_nn_ui.viewmodels.event_rows import EventRows
from graphviz_nn_ui.workspace import Workspace
from tests.support.panels import Opened, Show, node_id, numbers_of, sentence


class TestRows:
    def test_every_event_has_words(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        rows = EventRows(numbers_of(session))
        assert len(rows) == len(session.step.order)
        assert all(rows[place].what for place in range(len(rows)))
        conv = node_id(session, "stem")
        call = rows[rows.row_of_node(conv, 0)]
        assert (call.kind, call.what, call.module, call.phase) == (EventKind.CALL, "conv2d", "stem", "forward")

    def test_filters(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        numbers = numbers_of(session)
        updates = EventRows(numbers, "Updates")
        assert {updates[place].phase for place in range(len(updates))} == {"optimizer"}
        backward = EventRows(numbers, phase="Backward")
        assert {backward[place].phase for place in range(len(backward))} == {"backward"}
        assert not len(EventRows(numbers, "Updates", "Forward"))

    def test_the_row_at_a_cursor_is_the_last_that_happened(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        rows = EventRows(numbers_of(session), "Gradients")
        first = int(rows.shown[0])
        assert rows.row_at(first - 1) == -1
        assert rows.row_at(first) == 0
        assert rows.row_at(session.cursor) == len(rows) - 1

    def test_a_row_says_what_it_is_about(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        rows = EventRows(numbers_of(session))
        assert rows.selection(0) == ModuleSelection("", 1)
        place = rows.row_of_node(node_id(session, "stem"), 0)
        assert rows.selection(place) == NodeSelection(node_id(session, "stem"))


class TestPanel:
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

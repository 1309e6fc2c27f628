"""Growth of the open file, checks, jobs, and what follows a document."""

from __future__ import annotations

import os
import shutil
import threading

import pytest
import torch
from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QLabel, QStackedWidget

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.findings import Finding
from graphviz_nn.store import open_run
from graphviz_nn_ui.background import checking
from graphviz_nn_ui.background.awaiting import AwaitedFinding
from graphviz_nn_ui.background.checking import Checking
from graphviz_nn_ui.background.growth import Growth
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workers.jobs import Ticket


@pytest.fixture
def growth(workspace):
    problems = []
    workspace.problem.connect(lambda title, remedy: problems.append(title))
    growth = Growth(workspace)
    growth.problems = problems
    return growth


def test_follows_a_file_that_is_being_written(qtbot, workspace, show, growth, tmp_path):
    path, model = tmp_path / "live.gvnn", torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gnn.record(path, model, every=1) as recording:
        for _ in range(3):
            with recording.step():
                model(torch.ones(1, 2)).sum().backward()
                optimizer.step()
        qtbot.waitUntil(lambda: path.exists() and _steps(path) > 0)
        session = show(path).session
    growth.look()
    assert session.position == 2
    assert growth.problems == []


def _steps(path) -> int:
    with gnn.load(path) as run:
        return len(run.steps)


def test_says_once_that_the_file_is_gone(show, growth, digits_run, tmp_path):
    path = tmp_path / "run.gvnn"
    shutil.copy(digits_run, path)
    document = show(path)
    os.unlink(path)
    growth.look()
    growth.look()
    assert growth.problems == ["run.gvnn was deleted or moved"]
    assert document.session.previous_step()


def test_takes_in_another_recording_in_its_place(show, growth, digits_run, lstm_run, tmp_path):
    path = tmp_path / "run.gvnn"
    shutil.copy(digits_run, path)
    document = show(path)
    shutil.copy(lstm_run, tmp_path / "new.gvnn")
    os.replace(tmp_path / "new.gvnn", path)
    growth.look()
    assert growth.problems == ["run.gvnn was replaced"]
    assert document.session.structure.modules_by_path[""].type == "LSTMTagger"


def test_a_document_that_was_closed_is_looked_at_no_more(workspace, show, growth, digits_run):
    show(digits_run)
    workspace.show(None)
    growth.look()
    assert growth.problems == []


def test_findings_come_from_a_thread(qtbot, workspace, show, digits_run, monkeypatch):
    found = Finding("rule", "warning", 0, 1, None, {}, "cause", "remedy")
    threads = []

    def check(document, ticket):
        threads.append(threading.get_ident())
        return [found]

    monkeypatch.setattr(checking, "_findings", check)
    checks = Checking(workspace)
    document = show(digits_run)
    qtbot.waitUntil(lambda: document.findings == (found,))
    assert threads != [threading.get_ident()]
    checks.check()
    qtbot.waitUntil(lambda: len(threads) == 2)


def test_findings_lead_to_the_step_where_they_began(qtbot, workspace, show, tmp_path):
    torch.manual_seed(0)
    with gnn.record(tmp_path / "dead.gvnn", every=1) as recording:
        model = torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
        torch.nn.init.constant_(model[0].bias, -50.0)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(6):
            optimizer.zero_grad()
            model(torch.randn(32, 6)).square().mean().backward()
            optimizer.step()
    assert {f.step for f in recording.run.findings() if f.rule == "dead_units"} == {5}
    checks = Checking(workspace)
    document = show(recording.run.data.path)
    checks.check()
    qtbot.waitUntil(lambda: {f.step for f in document.findings if f.rule == "dead_units"} == {0})


def test_the_run_is_checked_through_a_connection_of_its_own(show, digits_run):
    document = show(digits_run)
    document.close()
    found = checking._findings(document, Ticket("checks", lambda fraction, text: None))
    assert all(isinstance(each, Finding) for each in found)


def test_the_newest_job_with_a_tag_counts(qtbot, workspace):
    gate, results = threading.Event(), []
    workspace.jobs.submit("same", lambda ticket: gate.wait(5) and "old", results.append)
    workspace.jobs.submit("same", lambda ticket: "new", results.append)
    gate.set()
    qtbot.waitUntil(lambda: results == ["new"])
    assert workspace.jobs.wait()
    qtbot.wait(20)
    assert results == ["new"]


def test_a_job_that_fails_tells_its_error(qtbot, workspace):
    errors = []

    def work(ticket):
        raise NotRecorded("nothing there")

    workspace.jobs.submit("bad", work, lambda result: None, errors.append)
    qtbot.waitUntil(lambda: len(errors) == 1)
    assert str(errors[0]) == "nothing there"


def test_progress_is_told_in_the_windows_thread(qtbot, workspace):
    told = []
    workspace.jobs.advanced.connect(lambda *what: told.append((*what, threading.get_ident())))
    workspace.jobs.submit("long", lambda ticket: ticket.progress(0.5, "half"), lambda result: None)
    qtbot.waitUntil(lambda: told == [("long", 0.5, "half", threading.get_ident())])


def test_a_file_is_closed_once_no_thread_reads_it(qtbot, workspace, digits_run):
    gate, closed = threading.Event(), []

    class Watched(Document):
        def close(self) -> None:
            closed.append(True)
            super().close()

    from graphviz_nn.run import Run

    workspace.show(Watched(Run(open_run(digits_run))))
    workspace.jobs.submit("read", lambda ticket: gate.wait(5), lambda result: None)
    workspace.show(None)
    assert closed == []
    gate.set()
    qtbot.waitUntil(lambda: closed == [True])


def test_work_elsewhere_counts_until_it_is_released(workspace):
    release = workspace.jobs.hold("process")
    assert workspace.jobs.tags == ("process",)
    again = workspace.jobs.hold("process")
    release()
    assert workspace.jobs.tags == ("process",)
    again()
    assert workspace.jobs.tags == ()


class Listener(QLabel):
    def __init__(self, workspace) -> None:
        super().__init__()
        self.heard: list[object] = []
        self.following = Following(
            workspace, self, document=self._document, cursor=lambda before, after: self.heard.append(after)
        )

    def _document(self, document) -> None:
        self.heard.append("closed" if document is None else "document")


def test_a_panel_follows_one_document_after_another(qtbot, workspace, show, digits_run, lstm_run):
    listener = Listener(workspace)
    qtbot.addWidget(listener)
    first = show(digits_run).session
    first.scrub(3)
    second = show(lstm_run).session
    first.cursor_moved.emit(0, 99)
    second.scrub(5)
    assert listener.heard == ["closed", "document", 3, "document", 5]


def test_a_hidden_panel_is_left_alone_until_it_is_seen(qtbot, workspace, show, digits_run):
    tabs, listener = QStackedWidget(), Listener(workspace)
    qtbot.addWidget(tabs)
    tabs.addWidget(listener)
    tabs.addWidget(QLabel("front"))
    tabs.setCurrentIndex(1)
    tabs.show()
    session = show(digits_run).session
    listener.heard.clear()
    session.scrub(3)
    session.scrub(4)
    assert listener.heard == []
    tabs.setCurrentIndex(0)
    assert listener.heard == ["document"]
    session.scrub(5)
    assert listener.heard == ["document", 5]


def test_who_moved_the_cursor_is_not_called_back(workspace, show, digits_run, qtbot):
    class Mover(QLabel):
        def __init__(self) -> None:
            super().__init__()
            self.heard = 0
            self.following = Following(workspace, self, document=lambda document: None, cursor=self._moved)

        def _moved(self, before: int, after: int) -> None:
            self.heard += 1

    mover = Mover()
    qtbot.addWidget(mover)
    session = show(digits_run).session
    session.scrub(3, origin=mover)
    assert mover.heard == 0
    session.scrub(4)
    assert mover.heard == 1


def test_a_panel_that_is_gone_hears_nothing(workspace, show, digits_run):
    listener = Listener(workspace)
    heard = listener.heard
    session = show(digits_run).session
    listener.deleteLater()
    from PyQt6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    heard.clear()
    session.scrub(2)
    workspace.show(None)
    assert heard == []


def test_findings_of_a_run_that_is_being_written_are_there_at_once(workspace, show, growth, tmp_path):
    path, model = tmp_path / "live.gvnn", torch.nn.Linear(4, 1)

    def step(factor: float) -> None:
        (model(torch.ones(16, 4)) * factor).sum().backward()
        model.zero_grad()

    def told() -> list[str]:
        with gnn.load(path) as run:
            return [finding.rule for finding in run.data.findings()]

    with gnn.record(path, every=1, on_finding=lambda finding: None) as recording:
        for factor in (1.0, torch.inf * 0, 1.0):
            with recording.step():
                step(factor)
    assert told() == ["nonfinite_forward"]
    document = show(path)
    assert [finding.rule for finding in document.findings] == ["nonfinite_forward"], "before any check has run"
    changes = []
    document.findings_changed.connect(lambda: changes.append(len(document.findings)))
    document.take_in_findings()
    assert changes == [], "nothing new was told"
    document.set_findings(())
    os.utime(path)
    growth.look()
    assert changes == [0, 1]


def test_findings_of_a_recording_that_was_replaced_are_dropped(show, growth, digits_run, tmp_path):
    path = tmp_path / "run.gvnn"
    shutil.copy(digits_run, path)
    document = show(path)
    document.set_findings([Finding("rule", "warning", 0, 1, None, {}, "cause", "remedy")])
    shutil.copy(digits_run, tmp_path / "new.gvnn")
    os.replace(tmp_path / "new.gvnn", path)
    growth.look()
    assert document.findings == ()


def test_an_awaited_finding_is_gone_to_once(workspace, show, digits_run):
    document, listed, revealed = show(digits_run), [], []
    workspace.finding.connect(listed.append)
    workspace.reveal.connect(revealed.append)
    waiting = QObject()
    awaited = AwaitedFinding(workspace, document, {"wanted"}, lambda: listed.append("open"), waiting)
    other = Finding("other", "error", 0, 1, None, {}, "cause", "remedy")
    wanted = Finding("wanted", "warning", 3, 2, None, {}, "cause", "remedy")
    document.set_findings([other])
    assert (listed, document.session.position) == ([], 11)
    document.set_findings([other, wanted])
    document.set_findings([wanted])
    assert (listed, revealed, document.session.position) == (["open", wanted], [2], 3)
    assert awaited.parent() is waiting

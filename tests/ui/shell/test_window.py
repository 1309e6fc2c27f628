"""The window: opening runs, docks, menus, problems, what is remembered."""

from __future__ import annotations

import shutil

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QLabel, QPlainTextEdit, QStackedWidget

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.viewmodels import document
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.widgets.following import Following


def test_a_run_opens_in_the_background(qtbot, make_window, workspace, digits_run):
    window = make_window()
    window.opener.open(digits_run)
    assert workspace.document is None
    qtbot.waitUntil(lambda: workspace.document is not None)
    assert "digits.gvnn" in window.windowTitle()
    assert window.statusBar().place.startswith("After #")
    assert "step 11 (12 of 12 recorded)" in window.statusBar().place
    assert window.statusBar().run.startswith("DigitNet · 12 recorded steps")


def test_a_damaged_file_is_told_with_what_to_do(qtbot, make_window, digits_run, monkeypatch):
    def refuse(path):
        raise DamagedRunFile(f"{path} is damaged.")

    monkeypatch.setattr(document, "load", refuse)
    window = make_window()
    window.opener.open(digits_run)
    qtbot.waitUntil(lambda: window.problem_text != "")
    assert window.problem_text.startswith("digits.gvnn cannot be opened")
    assert window.problem_text.endswith("record it again.")


def test_the_window_says_what_it_opens(qtbot, make_window, workspace, digits_run):
    window = make_window()
    window.opener.open(digits_run)
    assert window.statusBar().currentMessage() == "Opening digits.gvnn …"
    assert window.findChild(QStackedWidget).currentWidget().text() == "Opening digits.gvnn …"
    qtbot.waitUntil(lambda: workspace.document is not None)
    assert window.statusBar().currentMessage() == ""
    assert window.findChild(QStackedWidget).currentWidget() is window.canvas


def test_opening_can_be_stopped(qtbot, make_window, workspace, run_command, digits_run):
    window = make_window()
    window.opener.open(digits_run)
    start = window.findChild(QStackedWidget).widget(0)
    run_command("file.cancel")
    assert window.statusBar().currentMessage() == ""
    assert window.findChild(QStackedWidget).currentWidget() is start
    assert workspace.jobs.wait()
    qtbot.wait(20)
    assert workspace.document is None


def test_opening_another_run_takes_the_place_of_the_first(qtbot, make_window, workspace, digits_run, lstm_run):
    window = make_window()
    window.opener.open(digits_run)
    window.opener.open(lstm_run)
    qtbot.waitUntil(lambda: workspace.document is not None)
    assert workspace.jobs.wait()
    qtbot.wait(20)
    assert workspace.document.data.path == str(lstm_run)


def test_a_run_is_at_its_place_when_it_is_shown(qtbot, make_window, workspace, digits_run):
    window, places = make_window(), []
    workspace.document_changed.connect(lambda document: places.append(document and document.session.position))
    window.opener.open(digits_run, first=lambda document: document.session.go_to_step(3))
    qtbot.waitUntil(lambda: workspace.document is not None)
    assert places == [3]
    window.opener.open(digits_run, first=lambda document: document.session.go_to_step(99))
    qtbot.waitUntil(lambda: "There is no step 99" in window.problem_text)


def test_a_dropped_file_is_opened(qtbot, make_window, workspace, lstm_run):
    window = make_window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(lstm_run))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))
    qtbot.waitUntil(lambda: workspace.document is not None)
    assert workspace.document.data.path == str(lstm_run)


def test_a_panel_that_raises_shows_its_error_in_place(qtbot, make_window, show, digits_run, caplog):
    def broken(workspace):
        raise RuntimeError("boom")

    window = make_window(Panel("broken", "Broken", "right", broken))
    show(digits_run)
    qtbot.waitUntil(lambda: window.docks["broken"].findChild(QPlainTextEdit) is not None)
    text = window.docks["broken"].findChild(QPlainTextEdit).toPlainText()
    assert text.startswith("Broken cannot be shown.")
    assert "RuntimeError: boom" in text
    assert "cannot be shown" in caplog.text


def test_a_file_that_is_no_run_leaves_the_former_one_open(qtbot, make_window, workspace, show, digits_run, tmp_path):
    window = make_window()
    document = show(digits_run)
    bad = tmp_path / "bad.gvnn"
    bad.write_text("no run")
    window.opener.open(bad)
    qtbot.waitUntil(lambda: "bad.gvnn" in window.problem_text)
    assert workspace.document is document
    assert document.session.structure.nodes


def test_a_panel_is_made_when_it_is_first_seen(make_window, show, digits_run):
    made = []

    def create(workspace):
        made.append(workspace)
        return QPlainTextEdit()

    window = make_window(Panel("late", "Late", "right", create, shown=False))
    show(digits_run)
    assert made == []
    window.docks.toggle("late")
    assert len(made) == 1


def test_docks_are_hidden_without_a_run_and_come_back_as_they_were(make_window, workspace, show, digits_run):
    window = make_window()
    assert not window.docks["timeline"].isVisible()
    show(digits_run)
    assert window.docks["timeline"].isVisible()
    window.docks.toggle("breakpoints")
    workspace.show(None)
    assert not window.docks["breakpoints"].isVisible()
    show(digits_run)
    assert window.docks["breakpoints"].isVisible()
    window.docks.arrange()
    assert not window.docks["breakpoints"].isVisible()


def test_the_next_window_remembers(make_window, workspace, show, qtbot, digits_run):
    window = make_window()
    window.opener.open(digits_run)
    qtbot.waitUntil(lambda: workspace.document is not None)
    window.docks.toggle("breakpoints")
    workspace.look.set("theme", "dark")
    window.close()
    workspace.look.set("theme", "light")
    again = make_window()
    assert workspace.look.theme == "dark"
    assert [run.path for run in again.opener.recent] == [str(digits_run)]
    show(digits_run)
    assert again.docks["breakpoints"].isVisible()


def test_menus_are_made_of_commands(qtbot, make_window, workspace):
    window = make_window()
    assert list(window.docks)  # they bring commands of their own when they are made
    done = []
    workspace.commands.add(Command("own.thing", "Do it", lambda: done.append(1), "Tools/Own", "Ctrl+Alt+D"))
    qtbot.waitUntil(lambda: "own.thing" in window.actions_of)
    titles = [action.text() for action in window.menuBar().actions()]
    assert titles == ["&File", "&Edit", "&View", "&Debug", "&Tools", "&Help"]
    qtbot.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert done == [1]
    workspace.commands.remove("own.thing")
    qtbot.waitUntil(lambda: "own.thing" not in window.actions_of)


def test_what_is_impossible_cannot_be_chosen(qtbot, make_window, workspace, show, digits_run):
    window = make_window()
    assert not window.actions_of["step.out"].isEnabled()
    session = show(digits_run).session
    qtbot.waitUntil(window.actions_of["step.out_back"].isEnabled)
    assert not window.actions_of["step.out"].isEnabled()
    end = session.cursor
    window.actions_of.trigger("step.out")  # by a key that came before the actions were looked at again
    assert session.cursor == end
    session.scrub(3)
    qtbot.waitUntil(window.actions_of["step.out"].isEnabled)


def test_shortcuts_are_not_given_twice(make_window, workspace):
    make_window()
    used = [command.shortcut for command in workspace.commands if command.shortcut]
    assert len(used) == len(set(used))


def test_a_refusal_of_a_command_is_shown_in_the_bar(make_window, workspace, show, digits_run):
    window = make_window()
    session = show(digits_run).session
    workspace.commands.add(Command("bad.step", "Go far", lambda: session.go_to_step(99)))
    window.actions_of.sync()
    window.actions_of.trigger("bad.step")
    assert window.problem_text.startswith("Go far. There is no step 99")


@pytest.mark.parametrize("name", ["save", "again"])
def test_a_copy_of_the_run_is_saved(qtbot, make_window, workspace, show, digits_run, tmp_path, name):
    window = make_window()
    show(digits_run)
    target = tmp_path / f"{name}.gvnn"
    window.opener.save_copy(str(target))
    qtbot.waitUntil(lambda: "save" not in workspace.jobs.tags)
    shutil.copy(target, tmp_path / "moved.gvnn")
    copied = show(tmp_path / "moved.gvnn")
    assert len(copied.data.steps()) == 12


def test_a_panel_behind_another_is_hidden_and_follows_nothing(make_window, show, qtbot, digits_run):
    seen = []

    class Watching(QLabel):
        def __init__(self, workspace):
            super().__init__("watching")
            self.following = Following(workspace, self, document=seen.append, cursor=lambda *moves: seen.append(moves))

    window = make_window(Panel("late", "Late", "bottom", Watching, order=99, group="bottom"))
    session = show(digits_run).session
    qtbot.waitUntil(lambda: window.findChild(Watching) is not None)
    panel = window.findChild(Watching)
    assert not panel.isVisible()
    seen.clear()
    session.into_back()
    assert seen == []
    window.docks["late"].raise_()
    qtbot.waitUntil(panel.isVisible)
    assert seen == [window.workspace.document]
    session.into_back()
    assert len(seen) == 2
    window.docks["timeline"].raise_()
    qtbot.waitUntil(lambda: not panel.isVisible())
    window.docks["late"].setFloating(True)
    qtbot.waitUntil(panel.isVisible)

"""The find bar and the palette."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

from graphviz_nn.session import ModuleSelection, NodeSelection
from graphviz_nn_ui.viewmodels.palette import Catalogue, fit, offers
from graphviz_nn_ui.viewmodels.searching import Found
from graphviz_nn_ui.widgets import find_bar as find_bar_module
from graphviz_nn_ui.widgets.find_bar import FindBar
from graphviz_nn_ui.widgets.palette import Palette


@pytest.fixture
def bar(qtbot, workspace):
    bar = FindBar(workspace)
    qtbot.addWidget(bar)
    return bar


def _type(qtbot, bar, text: str) -> None:
    bar.ask()
    bar.box.setText(text)
    qtbot.waitUntil(lambda: not bar._pause.isActive())


def test_finds_and_walks_round(qtbot, bar, workspace, show, digits_run):
    session, shown = show(digits_run).session, []
    workspace.reveal.connect(shown.append)
    _type(qtbot, bar, "op:conv2d")
    assert bar.words == "2 found"
    nodes = session.find("op:conv2d").tolist()
    for node, words in ((nodes[0], "1 of 2"), (nodes[1], "2 of 2"), (nodes[0], "1 of 2")):
        qtbot.keyClick(bar.box, Qt.Key.Key_Return)
        assert session.selection == NodeSelection(node)
        assert bar.words == words
    qtbot.keyClick(bar.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert bar.words == "2 of 2"
    assert shown == [nodes[0], nodes[1], nodes[0], nodes[1]]


def test_goes_on_from_what_is_selected(qtbot, bar, show, digits_run):
    session = show(digits_run).session
    first, second = session.find("op:conv2d").tolist()
    session.select(NodeSelection(first + 1))
    _type(qtbot, bar, "op:conv2d")
    bar.go()
    assert session.selection == NodeSelection(second)


def test_an_error_is_said_with_its_place(qtbot, bar, show, digits_run):
    show(digits_run)
    _type(qtbot, bar, "relu gradd<1")
    assert "no quantity 'gradd'" in bar.words
    assert "at character 6" in bar.words
    bar.go()
    _type(qtbot, bar, "nosuchthing")
    assert bar.words == "nothing found"


def test_says_what_a_run_without_numbers_lacks(qtbot, bar, show, plain_run):
    show(plain_run)
    _type(qtbot, bar, "grad<1")
    assert "keep='stats'" in bar.words


def test_big_runs_are_searched_in_a_thread(qtbot, bar, workspace, show, digits_run, monkeypatch):
    monkeypatch.setattr(find_bar_module, "BIG", 1)
    session = show(digits_run).session
    _type(qtbot, bar, "op:conv2d")
    qtbot.waitUntil(lambda: bar.words == "2 found")
    bar.go()
    assert session.structure.nodes[session.selection.node].op == "conv2d"
    session.previous_step()
    qtbot.waitUntil(lambda: "find" not in workspace.jobs.tags)
    assert bar.words == "2 found"


def test_escape_closes(qtbot, bar, show, digits_run):
    show(digits_run)
    bar.ask()
    assert not bar.isHidden()
    with qtbot.waitSignal(bar.closed):
        qtbot.keyClick(bar.box, Qt.Key.Key_Escape)
    assert bar.isHidden()


def test_nothing_to_walk_through():
    assert Found().go(-1, back=False) is None
    assert Found(error="no").words == "no"


def test_how_well_texts_fit():
    assert fit("step", "step into") < fit("into", "step into") < fit("tep", "step into") < fit("si", "step into")
    assert fit("xyz", "step into") > fit("si", "step into")
    assert fit("", "anything") == 0
    assert fit("si", "step into") < fit("theme dark", "view › theme › dark") < fit("theme blue", "view › theme › dark")


def test_the_palette_says_where_nothing_fits(make_window, show, digits_run):
    palette = make_window().palette_box
    show(digits_run)
    palette.ask()
    said = palette.findChild(QLabel)
    assert not said.isVisible()
    palette.box.setText("no such thing")
    assert said.isVisible()
    assert not palette.list.isVisible()
    palette.box.setText("step into")
    assert "Debug › Step back into" in palette.titles
    assert not said.isVisible()


def test_the_palette_offers_commands_modules_and_nodes(make_window, show, digits_run, workspace):
    make_window()
    session = show(digits_run).session
    catalogue = Catalogue(session.structure)
    found = offers("conv", workspace.commands, catalogue, {})
    assert [(each.kind, each.key) for each in found if each.kind == "module"] == [("module", "block.conv")]
    assert {each.key for each in found if each.kind == "node"} >= {"block.conv"}
    first = offers("step out", workspace.commands, catalogue, {"step.over": "F10"})
    assert "step.out" not in [each.key for each in first]  # at the end there is nothing to step out of
    session.scrub(0)
    assert offers("step out", workspace.commands, catalogue, {})[0].key == "step.out"
    assert offers("step into", workspace.commands, catalogue, {})[0].key == "step.into"
    assert offers("step over", workspace.commands, catalogue, {"step.over": "F10"})[0].detail == "F10"


def test_choosing_in_the_palette(qtbot, make_window, workspace, show, digits_run):
    window = make_window()
    session = show(digits_run).session
    palette: Palette = window.palette_box
    window.actions_of.trigger("palette.ask")
    assert palette.isVisible()
    qtbot.keyClicks(palette.box, "block.conv")
    qtbot.keyClick(palette.box, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert session.selection == ModuleSelection("block.conv")
    assert session.expanded == {"m0", "m2"}
    palette.ask()
    qtbot.keyClicks(palette.box, "before the first")
    assert palette.titles[0].endswith("Go before the first event")
    qtbot.keyClick(palette.box, Qt.Key.Key_Return)
    assert session.cursor == -1
    palette.ask()
    qtbot.keyClick(palette.box, Qt.Key.Key_Escape)
    assert not palette.isVisible()

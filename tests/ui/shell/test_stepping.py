"""The commands that move the cursor, and what the status bar says of the place."""

from __future__ import annotations

import pytest

from graphviz_nn.model.events import EventKind
from graphviz_nn.session import ModuleSelection, NodeSelection, NonFinite
from graphviz_nn_ui.commands.breaking import add_breakpoint_commands
from graphviz_nn_ui.commands.playing import Player, add_playing_commands
from graphviz_nn_ui.commands.stepping import add_stepping_commands
from graphviz_nn_ui.viewmodels.place import status
from graphviz_nn_ui.viewmodels.playing import Film


@pytest.fixture
def session(workspace, show, digits_run):
    add_stepping_commands(workspace)
    add_breakpoint_commands(workspace)
    session = show(digits_run).session
    session.scrub(-1)
    return session


def test_into_over_and_out_and_back(session, run_command):
    run_command("step.into")
    assert session.cursor == 0
    assert session.place.kind == EventKind.MODULE_ENTER
    run_command("step.over")
    assert session.place.kind == EventKind.MODULE_EXIT
    end = session.cursor
    run_command("step.over_back")
    assert session.cursor == 0
    run_command("step.into")
    run_command("step.out")
    assert session.cursor > 1
    run_command("step.out_back")
    run_command("step.into_back")
    assert session.cursor < end


def test_continue_stops_at_breakpoints_and_then_at_the_end(session, run_command):
    session.breakpoints.add("op", "relu")
    run_command("run.continue")
    assert session.structure.nodes[session.place.nodes[0]].op == "relu"
    first = session.cursor
    run_command("run.continue")
    assert session.cursor > first
    session.breakpoints.clear()
    run_command("run.continue")
    assert session.cursor == len(session.step.order) - 1
    run_command("to.breakpoint_back")
    assert session.cursor == -1


def test_at_the_end_where_a_run_opens_stepping_starts_over(session, workspace, run_command):
    said = []
    workspace.message.connect(lambda text, seconds: said.append(text))
    end = len(session.step.order) - 1
    for name, expected in (("step.into", 0), ("step.over", 0)):
        session.scrub(end)
        run_command(name)
        assert session.cursor == expected
        assert said.pop().endswith("started over")
    session.breakpoints.add("op", "relu")
    session.scrub(end)
    run_command("run.continue")
    assert session.structure.nodes[session.place.nodes[0]].op == "relu"
    assert not said
    session.breakpoints.clear()
    session.scrub(end)
    run_command("run.continue")
    assert session.cursor == end
    assert said == ["No breakpoint after this"]


def test_run_to_what_is_selected(session, workspace, run_command):
    assert not workspace.commands["to.selection"].enabled()
    relu = session.structure.by_name["relu"].id
    session.select(NodeSelection(relu))
    run_command("to.selection")
    assert session.place.nodes[0] == relu
    session.select(ModuleSelection("block.conv"))
    run_command("to.selection")
    assert session.structure.nodes[session.place.nodes[0]].module == "block.conv"


def test_nothing_more_happens_to_a_node(session, workspace, run_command):
    said = []
    workspace.message.connect(lambda text, seconds: said.append(text))
    session.select(NodeSelection(session.structure.by_name["relu"].id))
    run_command("to.end")
    run_command("to.selection")
    assert said == ["Nothing happens to relu after this"]


def test_the_next_problem_of_a_broken_run(workspace, show, broken_run, run_command):
    add_stepping_commands(workspace)
    session = show(broken_run).session
    session.scrub(-1)
    run_command("to.finding")
    problems = session.step.readings.problems
    assert session.cursor == problems[0]
    session.scrub(len(session.step.order) - 2)
    run_command("to.finding")
    assert session.place.kind == EventKind.ERROR


def test_training_steps(session, workspace, run_command):
    assert not workspace.commands["training.next"].enabled()
    run_command("training.previous")
    assert session.position == 10
    run_command("training.next")
    assert session.position == 11


def test_undo_of_expansion(session, workspace, run_command):
    assert not workspace.commands["edit.undo"].enabled()
    session.expand("m0")
    run_command("edit.undo")
    assert session.expanded == frozenset()
    run_command("edit.redo")
    assert session.expanded == {"m0"}


def test_a_breakpoint_at_the_selection_comes_and_goes(session, workspace, run_command):
    assert not workspace.commands["breakpoint.toggle"].enabled()
    session.select(NodeSelection(session.structure.by_name["relu"].id))
    session.breakpoints.add("node", "relu", NonFinite())
    run_command("breakpoint.toggle")
    assert [str(each) for each in session.breakpoints] == ["node relu, when NaN or ±Inf", "node relu"]
    run_command("breakpoint.toggle")
    assert [str(each) for each in session.breakpoints] == ["node relu, when NaN or ±Inf"]
    session.select(ModuleSelection("block"))
    run_command("breakpoint.toggle")
    assert list(session.breakpoints)[-1].on == "module"
    run_command("breakpoint.clear")
    assert len(session.breakpoints) == 0


def test_film_goes_by_the_clock_not_by_frames(session):
    for frames in (1, 7, 30):
        session.scrub(-1)
        film = Film(session, speed=20.0)
        for _ in range(frames):
            film.advance(1.5 / frames)
        assert session.cursor == pytest.approx(29, abs=1)


def test_film_stops_at_a_breakpoint_and_at_the_end(session):
    session.breakpoints.add("op", "relu")
    film = Film(session, speed=1000.0)
    assert not film.advance(10.0)
    assert session.structure.nodes[session.place.nodes[0]].op == "relu"
    session.breakpoints.clear()
    assert not film.advance(10.0)
    assert session.cursor == len(session.step.order) - 1


def test_play_and_pause(qtbot, session, workspace, run_command):
    player = Player(workspace)
    add_playing_commands(workspace, player)
    player.set_speed(1024.0)
    run_command("play.toggle")
    assert workspace.commands["play.toggle"].checked()
    qtbot.waitUntil(lambda: not player.is_on())
    assert session.cursor == len(session.step.order) - 1
    run_command("play.toggle")
    assert session.cursor == -1
    workspace.show(None)
    assert not player.is_on()


def test_the_status_says_where_we_are(session):
    assert status(session) == "Before the first event · step 11 (12 of 12 recorded)"
    session.to_node(session.structure.by_name["relu"].id)
    assert status(session) == f"After #{session.cursor} relu · forward · step 11 (12 of 12 recorded)"
    session.to_phase_end()
    session.to_node(session.structure.by_name["relu"].id)
    assert "the gradient of relu · backward" in status(session)
    session.scrub(10**9)
    assert "the update of" in status(session)
    assert "the last event · update" in status(session)


def test_the_status_says_what_a_call_is_where_its_name_does_not(session):
    said = {}
    for seq in range(len(session.step.order)):
        session.scrub(seq)
        said[seq] = status(session).split(" · ")[0].partition(" ")[2].partition(" ")[2]
    assert {"stem (conv2d)", "stem.weight (parameter)", "relu", "the gradient of stem"} <= set(said.values())


def test_the_status_of_an_error(show, broken_run):
    session = show(broken_run).session
    session.scrub(-1)
    while session.place.kind != EventKind.ERROR:
        session.to_problem()
    assert "the error in" in status(session)
    assert status(session).endswith("step 0")

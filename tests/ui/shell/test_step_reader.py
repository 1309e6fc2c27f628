"""Another training step of another structure is read in a thread; the newest request counts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.run import load
from graphviz_nn.session.step import OpenStep
from graphviz_nn_ui.background.growth import Growth
from graphviz_nn_ui.commands.playing import Player
from graphviz_nn_ui.commands.stepping import add_stepping_commands
from graphviz_nn_ui.viewmodels.document import open_document
from graphviz_nn_ui.workers.steps import TAG


class Growing(nn.Module):
    """Does one layer more in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(4))
        self.depth = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.depth += 1
        for layer in self.layers[: self.depth]:
            x = layer(x)
        return x


@pytest.fixture(scope="session")
def changing_run(runs: Path) -> Path:
    path, model = runs / "changing.gvnn", Growing()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gnn.record(path, model, every=1, keep="stats"):
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
    return path


def _steps(path: Path) -> int:
    with contextlib.closing(load(path)) as run:
        return len(run.data.steps())


@pytest.fixture
def session(show, changing_run):
    return show(changing_run).session


def test_what_panels_look_at_first_is_worked_out_before_a_run_is_shown(digits_run):
    with contextlib.closing(open_document(digits_run)) as document:
        step = document.session.step
        assert {"phase", "phase_starts"} <= vars(step.order).keys()
        assert {"by_name", "parameter_readers"} <= vars(step.structure).keys()


def test_a_step_of_another_structure_is_read_in_a_thread(qtbot, workspace, session):
    opened = []
    workspace.steps.go_to(session, 1, then=lambda: opened.append(session.position))
    assert (session.position, workspace.jobs.tags, workspace.steps.wanted(session)) == (3, (TAG,), 1)
    qtbot.waitUntil(lambda: not workspace.jobs.tags)
    assert (session.position, opened) == (1, [1])
    assert len(session.structure.nodes) < 10


def test_a_step_that_did_the_same_is_there_at_once(workspace, show, digits_run):
    session = show(digits_run).session
    opened = []
    workspace.steps.go_to(session, 3, then=lambda: opened.append(session.position))
    assert (session.position, opened, workspace.jobs.tags) == (3, [3], ())


def test_of_several_requests_the_newest_is_shown(qtbot, workspace, session):
    told, opened = [], []
    session.step_changed.connect(told.append)
    for position in (0, 1, 2, 0, 1):
        workspace.steps.go_to(session, position, then=lambda: opened.append(session.position))
    qtbot.waitUntil(lambda: not workspace.jobs.tags)
    assert (told, opened) == ([1], [1])


def test_to_go_back_to_the_open_step_ends_the_reading(workspace, session):
    opened = []
    workspace.steps.go_to(session, 0)
    workspace.steps.go_to(session, 3, then=lambda: opened.append(session.position))
    assert (session.position, opened, workspace.jobs.tags) == (3, [3], ())


def test_next_and_previous_count_from_the_step_that_is_being_read(qtbot, workspace, session):
    add_stepping_commands(workspace)
    for _ in range(3):
        workspace.commands["training.previous"].run()
    assert not workspace.commands["training.previous"].enabled()
    qtbot.waitUntil(lambda: not workspace.jobs.tags)
    assert session.position == 0


def test_playing_waits_for_the_step_that_is_being_read(qtbot, workspace, session):
    player = Player(workspace)
    session.scrub(0)
    player.set_speed(1e6)
    player.toggle()
    workspace.steps.go_to(session, 0)
    player._tick()
    assert session.cursor == 0
    qtbot.waitUntil(lambda: not workspace.jobs.tags)
    qtbot.waitUntil(lambda: session.cursor == len(session.step.order) - 1)
    assert session.position == 0


def test_a_step_that_cannot_be_read_leaves_the_open_one(qtbot, workspace, session, monkeypatch):
    said = []
    workspace.problem.connect(lambda title, remedy: said.append((title, remedy)))

    def damaged(position: int) -> OpenStep:
        raise DamagedRunFile(f"step {position} is damaged")

    monkeypatch.setattr(session, "read_step", damaged)
    workspace.steps.go_to(session, 0)
    qtbot.waitUntil(lambda: bool(said))
    assert said == [("This step cannot be shown", "step 0 is damaged")]
    assert session.position == 3


def test_a_step_of_a_recording_that_is_gone_is_not_shown(session):
    step = session.read_step(1)
    step.info = SimpleNamespace(**{name: getattr(step.info, name) for name in step.info.__struct_fields__})
    assert not session.show_step(step)
    assert session.position == 3


def test_a_file_that_grows_is_followed_by_reading_in_a_thread(qtbot, workspace, show, tmp_path):
    growth, path, model = Growth(workspace), tmp_path / "growing.gvnn", Growing()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train() -> None:
        optimizer.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()

    with gnn.record(path, model, every=1, keep="stats"):
        train()
        train()
        qtbot.waitUntil(lambda: path.exists() and _steps(path) >= 1)
        session = show(path).session
        former = session.position
        train()
    growth.look()
    last = len(session.data.steps()) - 1
    assert (session.position, workspace.steps.wanted(session)) == (former, last)
    qtbot.waitUntil(lambda: session.position == last == 2)

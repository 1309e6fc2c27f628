"""The session as a whole: signals, steps, selection, expansion, and a run that grows under it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.errors import DamagedRunFile, NotRecorded, SelectorError
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.steps import EventTable, MemoryRun, RunData
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Session, ValueSelection
from graphviz_nn.store import open_run


class Listener:
    """Writes down what a session tells."""

    def __init__(self, session: Session) -> None:
        self.heard: list[tuple[object, ...]] = []
        session.step_changed.connect(self.on_step)
        session.cursor_moved.connect(self.on_cursor)
        session.selection_changed.connect(self.on_selection)
        session.expansion_changed.connect(self.on_expansion)
        session.run_grew.connect(self.on_growth)

    def on_step(self, position: int) -> None:
        self.heard.append(("step", position))

    def on_cursor(self, before: int, after: int) -> None:
        self.heard.append(("cursor", before, after))

    def on_selection(self, selection: object) -> None:
        self.heard.append(("selection", selection))

    def on_expansion(self, keys: frozenset[str]) -> None:
        self.heard.append(("expansion", *sorted(keys)))

    def on_growth(self, count: int) -> None:
        self.heard.append(("grew", count))


def test_opens_the_last_step_at_its_end(recurrence: RunData):
    session = Session(recurrence)
    assert session.position == 2
    assert session.cursor == len(session.step.order) - 1


def test_a_step_is_read_without_being_shown(recurrence: RunData):
    session = Session(recurrence)
    listener = Listener(session)
    former = session.position
    step = session.read_step(0)
    assert (session.position, listener.heard) == (former, [])
    assert session.show_step(step)
    assert session.position == 0
    assert listener.heard[0] == ("step", 0)
    assert not session.show_step(step)
    with pytest.raises(SelectorError, match="There is no step 99"):
        session.read_step(99)


def test_a_move_is_told_once_but_not_to_who_asked(session: Session):
    first, second = Listener(session), Listener(session)
    session.into(origin=first)
    session.scrub(10**9)
    session.scrub(10**9)
    assert not session.into()
    end = len(session.step.order) - 1
    assert first.heard == [("cursor", 0, end)]
    assert second.heard == [("cursor", -1, 0), ("cursor", 0, end)]


def test_a_step_that_did_the_same_keeps_the_cursor_and_shares_the_order(recurrence: RunData):
    session = Session(recurrence)
    session.go_to_step(0)
    session.scrub(7)
    order = session.step.order
    assert session.next_step()
    assert (session.position, session.cursor) == (1, 7)
    assert session.step.order is order
    assert session.previous_step()
    assert not session.previous_step()


def test_another_structure_gets_the_same_node_by_name(recurrence: RunData):
    session = Session(recurrence)
    session.go_to_step(1)
    node = session.structure.by_name["sum"].id
    session.scrub(-1)
    session.to_node(node)
    session.to_node(node)
    assert session.place.kind == EventKind.GRADIENT
    session.select(NodeSelection(node))
    listener = Listener(session)
    session.next_step()
    found = session.structure.by_name["sum"].id
    assert found != node
    assert session.selection == NodeSelection(found)
    assert (session.place.kind, session.place.nodes) == (EventKind.GRADIENT, (found,))
    assert listener.heard == [("step", 2), ("selection", NodeSelection(found))]


def test_what_another_structure_lacks_is_let_go(recurrence: RunData):
    session = Session(recurrence)
    last = max(n for n, call in enumerate(session.structure.module_calls) if call.path == "cell")
    session.select(ModuleSelection("cell", 5))
    session.expand("m0", f"m{last}")
    session.undo()
    session.redo()
    session.go_to_step(0)
    assert session.selection is None
    assert session.expanded == {"m0"}


def test_selection_is_checked_and_told(session: Session):
    listener = Listener(session)
    head, mean = session.structure.by_name["head"], session.structure.by_name["mean"]
    edge = EdgeSelection(mean.id, 0, head.id, 0)
    for selection in (NodeSelection(head.id), ValueSelection(head.id, 0), ModuleSelection("head"), edge, None):
        assert session.select(selection)
        assert not session.select(selection)
        assert listener.heard.pop() == ("selection", selection)
    for wrong in (
        NodeSelection(-1),
        ValueSelection(head.id, 1),
        ModuleSelection("heads"),
        ModuleSelection("head", 2),
        EdgeSelection(mean.id, 0, head.id, 1),
    ):
        with pytest.raises(SelectorError):
            session.select(wrong)
    assert session.selection is None


def test_what_is_seen_first_cannot_be_undone(session: Session):
    told = []
    session.expansion_changed.connect(told.append)
    assert session.begin_expanded({"m0"})
    assert told == [{"m0"}]
    assert not session.can_undo
    assert not session.undo()
    session.expand("m1")
    assert session.undo()
    assert session.expanded == {"m0"}


def test_expansion_is_undone_and_redone(session: Session):
    listener = Listener(session)
    session.expand("m1")
    session.expand("m1")
    session.expand("m2", "f3")
    session.collapse("m1")
    assert session.undo()
    assert session.expanded == {"m1", "m2", "f3"}
    assert session.undo()
    assert session.redo()
    assert session.redo()
    assert not session.redo()
    assert session.expanded == {"m2", "f3"}
    session.undo()
    session.expand("m9")
    assert not session.can_redo
    while session.undo():
        pass
    assert session.expanded == frozenset()
    assert listener.heard[0] == ("expansion", "m1")
    assert listener.heard[-1] == ("expansion",)


def test_a_run_without_steps_says_so_and_takes_the_first_when_it_comes(recurrence: RunData):
    assert isinstance(recurrence, MemoryRun)
    growing = MemoryRun()
    session = Session(growing)
    listener = Listener(session)
    assert session.position == -1
    with pytest.raises(NotRecorded, match="no recorded step"):
        session.into()
    assert session.refresh() == 0
    growing.write(recurrence.record(0))
    assert session.refresh() == 1
    assert listener.heard == [("grew", 1), ("step", 0)]
    assert session.cursor == len(session.step.order) - 1


def test_a_growing_file_is_followed_from_its_last_step_only(tmp_path: Path):
    model = nn.Linear(2, 2)
    path = tmp_path / "growing.gvnn"
    with gnn.record(path, model, every=1) as recorder:
        for _ in range(2):
            with recorder.step():
                model(torch.ones(1, 2)).sum().backward()
    with open_run(path) as data:
        session = Session(data)
        assert session.position == 1
        with gnn.record(path, model, every=1) as recorder:
            for _ in range(3):
                with recorder.step():
                    model(torch.ones(1, 2)).sum().backward()
        session.select(NodeSelection(0))
        assert session.refresh() == 3
        assert (session.position, session.selection) == (2, None)


@pytest.mark.parametrize(("follow", "position", "expected"), [(True, 1, 2), (True, 0, 0), (False, 1, 1)])
def test_following_stays_where_somebody_looks(recurrence: RunData, follow: bool, position: int, expected: int):
    assert isinstance(recurrence, MemoryRun)
    growing = MemoryRun()
    growing.write(recurrence.record(0))
    growing.write(recurrence.record(1))
    session = Session(growing)
    session.follow = follow
    session.go_to_step(position)
    growing.write(recurrence.record(2))
    assert session.refresh() == 1
    assert session.position == expected


class Damaged(MemoryRun):
    """A run whose steps at some positions cannot be read."""

    bad: Sequence[int] = ()

    def events(self, position: int) -> EventTable:
        if position in self.bad:
            raise DamagedRunFile(f"step {position} is damaged")
        return super().events(position)


def test_a_damaged_step_leaves_the_session_where_it_was(recurrence: RunData):
    assert isinstance(recurrence, MemoryRun)
    run = Damaged()
    for position in range(3):
        run.write(recurrence.record(position))
    run.bad = (2, 0)
    session = Session(run)
    assert session.position == 1
    listener = Listener(session)
    with pytest.raises(DamagedRunFile):
        session.go_to_step(0)
    with pytest.raises(SelectorError, match="3 recorded steps"):
        session.go_to_step(3)
    assert (session.position, listener.heard) == (1, [])
    run.bad = (0, 1, 2)
    with pytest.raises(DamagedRunFile, match="step 2"):
        Session(run)


def test_the_session_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, graphviz_nn.session; sys.exit('torch' in sys.modules or 'PyQt6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

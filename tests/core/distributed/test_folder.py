"""The folder of a run: which file is meant, what is refused, what is said of ranks that went another way."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import torch

import graphviz_nn as gnn
from graphviz_nn.errors import NotARunFile, NotRecorded, OptionError, RunFileError
from graphviz_nn.model.ranks import Place
from graphviz_nn.model.steps import RunMeta
from graphviz_nn.recording.distributed import place_of_process
from graphviz_nn.store.folder import RunFolder
from graphviz_nn.store.rank_files import choose, prepare, rank_file
from graphviz_nn.store.writer import RunWriter
from tests.core.store.samples import make_step, make_structure

START = 1_700_000_000.0


def write(
    folder: Path, rank: int, steps: int = 2, *, world: int = 2, created: float = START, complete: bool = True
) -> None:
    """Writes the file of a rank that recorded steps 0 to `steps` − 1."""
    writer = RunWriter(prepare(folder, Place(rank, world)))
    for index in range(steps):
        writer.write(make_step(index, make_structure()))
    writer.set_meta(RunMeta(created=created, complete=complete, rank=rank, world_size=world))
    writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two ranks in which nothing is amiss."""
    path = tmp_path / "run.gvnn"
    write(path, 0)
    write(path, 1)
    return path


def test_a_folder_means_the_file_of_rank_0_or_of_the_rank_asked_for(folder):
    for rank, asked in ((0, None), (0, 0), (1, 1)):
        with gnn.load(folder, asked) as run:
            assert run.meta.rank == rank
            assert run.data.path == rank_file(folder, rank)


def test_ranks_are_in_order_of_number(tmp_path):
    path = tmp_path / "run.gvnn"
    for rank in (10, 2, 0, 1):
        write(path, rank, world=11)
    with RunFolder(path) as opened:
        assert list(opened.files) == [0, 1, 2, 10]
        assert [line.state for line in opened.ranks].count("missing") == 7


def test_a_whole_run_has_no_problems(folder):
    with RunFolder(folder) as opened:
        assert opened.world_size == 2
        assert opened.problems == ()
        assert [(line.state, line.steps, line.last) for line in opened.ranks] == [("complete", 2, 1)] * 2


def test_a_rank_that_is_not_there_is_refused_with_those_that_are(folder):
    with pytest.raises(NotARunFile, match=r"no file of rank 7; there is rank 0, rank 1.*--rank 0"):
        gnn.load(folder, 7)


def test_one_run_file_has_no_ranks_to_choose_from(folder):
    file = rank_file(folder, 1)
    with pytest.raises(OptionError, match="one run file"):
        gnn.load(file, 1)
    with pytest.raises(OptionError, match="one run file"):
        gnn.load(file, "all")
    with pytest.raises(OptionError, match='neither a number nor "all"'):
        gnn.load(folder, "both")
    assert choose(file) == file


def test_different_numbers_of_steps_are_said(folder):
    write(folder, 1, steps=1)
    with RunFolder(folder) as opened:
        assert opened.problems == ("The ranks recorded different numbers of steps: rank 0 2, rank 1 1.",)
        assert len(opened.merged().steps()) == 1


def test_ranks_without_a_step_in_common_cannot_be_merged(folder):
    os.unlink(rank_file(folder, 1))
    write(folder, 1, steps=0)
    with RunFolder(folder) as opened, pytest.raises(NotRecorded, match="every=n"):
        opened.merged()


def test_a_missing_rank_an_unfinished_and_an_unreadable_one_are_said(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, 0, world=4, complete=False)
    write(path, 1, world=4)
    Path(rank_file(path, 2)).write_bytes(b"")
    with RunFolder(path) as opened:
        assert [line.state for line in opened.ranks] == ["stopped", "complete", "unreadable", "missing"]
        said = "\n".join(opened.problems)
    assert "Rank 0 was not closed" in said
    assert re.search(r"Rank 2 cannot be read: .*rank2.gvnn is empty", said)
    assert "Rank 3 of 4 has no file" in said


def test_what_an_earlier_larger_run_left_is_said_and_left_out(folder):
    write(folder, 2, world=3, created=START - 3600)
    with RunFolder(folder) as opened:
        assert list(opened.files) == [0, 1]
        (problem,) = opened.problems
    assert "rank2.gvnn belongs to an earlier run of 3 processes" in problem


def test_a_rank_that_began_long_before_the_last_is_said(folder):
    write(folder, 1, created=START - 3600)
    with RunFolder(folder) as opened:
        assert opened.problems == (
            "Rank 1 began to record 60 minutes before the last: its file may be an earlier run's.",
        )


def test_a_file_of_another_rank_than_its_name_says_is_no_run(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, 5, world=2)
    with pytest.raises(NotARunFile, match=r"holds no file of the run: rank5\.gvnn belongs to an earlier run"):
        RunFolder(path)


# ---- making it


def test_a_file_in_the_folder_s_place_is_refused_and_stays(tmp_path):
    path = tmp_path / "run.gvnn"
    path.write_text("mine")
    with pytest.raises(RunFileError, match="is a file, and a run of 2 processes needs a folder"):
        prepare(path, Place(0, 2))
    assert path.read_text() == "mine"


def test_a_folder_with_something_else_in_it_is_refused_and_stays(tmp_path):
    path = tmp_path / "run.gvnn"
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    with pytest.raises(NotARunFile, match=r"something else than a run: notes\.txt"):
        prepare(path, Place(0, 2))
    assert [file.name for file in path.iterdir()] == ["notes.txt"]


def test_a_folder_s_parent_must_be_there(tmp_path):
    with pytest.raises(RunFileError, match="there is no folder"):
        prepare(tmp_path / "no" / "run.gvnn", Place(0, 2))


def test_a_file_that_is_being_written_does_not_stand_in_the_way_of_another_rank_s(tmp_path):
    path = tmp_path / "run.gvnn"
    first = RunWriter(prepare(path, Place(0, 2)))
    try:
        assert prepare(path, Place(1, 2)) == rank_file(path, 1)
    finally:
        first.close()


# ---- who this process is


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, None),
        ({"RANK": "1", "WORLD_SIZE": "4"}, Place(1, 4)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "4", "WORLD_SIZE": "4"}, None),
        ({"RANK": "first", "WORLD_SIZE": "4"}, None),
        ({"WORLD_SIZE": "4"}, None),
    ],
)
def test_the_variables_of_torchrun_say_who_a_process_is(monkeypatch, variables, place):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert place_of_process() == place


def one_step() -> None:
    torch.nn.Linear(2, 1)(torch.ones(1, 2)).sum().backward()


def test_a_process_alone_writes_one_plain_file(tmp_path):
    with gnn.record(tmp_path / "run.gvnn", every=1):
        one_step()
    assert (tmp_path / "run.gvnn").is_file()
    with gnn.load(tmp_path / "run.gvnn") as run:
        assert (run.meta.rank, run.meta.world_size, run.meta.notes) == (None, None, ())


def test_variables_of_torchrun_make_a_folder_before_there_is_a_group(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with gnn.record(tmp_path / "run.gvnn", every=1) as recording:
        one_step()
    assert [file.name for file in (tmp_path / "run.gvnn").iterdir()] == ["rank1.gvnn"]
    with recording.run as run:
        assert (run.meta.rank, run.meta.world_size) == (1, 2)


def test_a_recording_that_began_before_it_knew_its_rank_says_so(tmp_path, monkeypatch):
    with gnn.record(tmp_path / "run.gvnn", every=1):
        one_step()
        monkeypatch.setenv("RANK", "1")
        monkeypatch.setenv("WORLD_SIZE", "2")
    with gnn.load(tmp_path / "run.gvnn") as run:
        (note,) = run.meta.notes
    assert "This is rank 1 of 2" in note
    assert "after torch.distributed.init_process_group" in note

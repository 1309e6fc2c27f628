"""One rank that does not record, or dies, keeps no other waiting, and is spoken of afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import graphviz_nn as gnn
from graphviz_nn.store.folder import RunFolder


@pytest.fixture
def folder(parallel_folder: Path) -> Path:
    return parallel_folder


@pytest.fixture
def found(parallel_results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return parallel_results


def test_ranks_never_wait_for_another_s_recorder(found):
    assert [(rank["alone"], rank["broken"]) for rank in found] == [([], [])] * 2


def test_a_rank_that_did_not_record_is_missing(found, folder):
    with RunFolder(folder / "alone.gvnn") as opened:
        assert [(line.rank, line.state) for line in opened.ranks] == [(0, "complete"), (1, "missing")]
        assert opened.problems == ("Rank 1 of 2 has no file: it did not come to record, or its file was removed.",)


def test_a_recorder_that_broke_down_says_why(found, folder):
    with RunFolder(folder / "broken.gvnn") as opened:
        assert [(line.state, line.steps) for line in opened.ranks] == [("complete", 3), ("stopped", 2)]
        why, numbers = opened.problems
        assert why.startswith("Rank 1 stopped recording after step 1: ")
        assert "OSError: an error of ours" in why
        assert numbers == "The ranks recorded different numbers of steps: rank 0 3, rank 1 2."
        assert len(opened.merged().steps()) == 2


def test_a_rank_that_is_killed_leaves_its_steps(found, folder):
    with RunFolder(folder / "killed.gvnn") as opened:
        assert [(line.state, line.steps, line.last) for line in opened.ranks] == [("complete", 3, 2), ("stopped", 2, 1)]
        assert opened.problems[0] == (
            "Rank 1 was not closed: its program was killed, or it ended in the middle, after step 1."
        )
    with gnn.load(folder / "killed.gvnn", 1) as run:
        assert [step.index for step in run.steps] == [0, 1]

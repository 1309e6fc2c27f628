"""Collectives that a program calls by itself are nodes of their own, and a replay never calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.run import Run

Open = Callable[[str], Run]


@pytest.fixture(params=[0, 1])
def opened(sharded_results: list[dict[str, Any]], sharded_folder: Path, request: pytest.FixtureRequest) -> Open:
    """Opens the run of a program in one of the ranks."""
    return lambda program: gnn.load(sharded_folder / f"{program}{request.param}.gvnn")


def test_recording_changes_nothing_and_a_replay_agrees(sharded_results):
    assert [rank["collectives"] for rank in sharded_results] == [[], []]


def named(run: Run, op: str) -> list[Node]:
    """The program's own calls; those inside a custom function or a backward pass are not."""
    nodes = (node for node in run.structure().nodes if node.op == op and node.kind == "opaque")
    return [node for node in nodes if node.parent is None and node.phase != "infra"]


def test_a_collective_reads_one_version_and_makes_the_next(opened):
    run = opened("averages")
    shared, of_gradient = named(run, "all_reduce")
    (read,) = shared.inputs
    assert shared.phase == "forward"
    assert shared.outputs[0].version == "mutated"
    before, after = run.value(read.node), run.value(shared)
    assert not torch.equal(before, after)
    assert run.stats(read.node).l2 == pytest.approx(before.norm().item(), rel=1e-5)
    assert run.stats(shared).l2 == pytest.approx(after.norm().item(), rel=1e-5)
    assert of_gradient.phase == "optimizer"


def test_one_that_ends_in_the_background_is_not_measured_before(opened):
    run = opened("gathers")
    (gathered,) = named(run, "all_gather")
    assert [output.version for output in gathered.outputs] == ["mutated", "mutated"]
    with pytest.raises(NotRecorded):
        run.stats(gathered)
    with pytest.raises(NotRecorded):
        run.replay()


def test_what_the_program_calls_by_name_is_its_own(opened):
    phases = [node.phase for node in opened("averages").structure().nodes if node.op == "_AllReduce"]
    assert phases == ["forward", "infra"]  # called by the program, and by the backward pass

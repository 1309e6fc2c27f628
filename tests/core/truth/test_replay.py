"""The recorded graph, run again node by node, gives the recorded values, bit for bit."""

from __future__ import annotations

import pytest
import torch

import graphviz_nn as gnn
from tests.support.checks import check_replay
from tests.support.program import Program, leaf
from tests.support.programs import PROGRAMS
from tests.support.recorded import run_of


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_replay_gives_the_recorded_values(program: Program):
    check_replay(run_of(program.name))


def test_an_override_is_carried_through():
    def step(x: torch.Tensor) -> torch.Tensor:
        return (x.exp() * 2).relu().sum()

    run = gnn.trace(step, leaf(3))
    replayed = run.replay({("exp", 0): torch.tensor([1.0, -2.0, 3.0])})
    assert replayed[run.node("relu").id, 0].tolist() == [2.0, 0.0, 6.0]
    assert replayed[run.node("sum").id, 0].item() == 8.0

"""An exception of the program passes through a recording unchanged, and nothing of the recorder is left behind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from tests.support.outcome import observe
from tests.support.program import Program, Step, leaf
from tests.support.programs import FAILING
from tests.support.recorded import record

NAMES = [program.name for program in FAILING]

PHASE_OF_FAILURE = {
    "operator_in_forward": "forward",
    "module_in_forward": "forward",
    "custom_function_in_backward": "backward",
    "tensor_changed_before_backward": "backward",
    "graph_used_twice": "backward",
    "tensor_hook": "backward",
    "parameter_hook": "backward",
    "module_hook": "forward",
    "optimizer_step": "optimizer",
    "recomputation": "recompute",
    "reentrant_recomputation": "recompute",
    "inside_a_transform": "forward",
    "keyboard_interrupt": "forward",
}


@pytest.mark.parametrize("keep", ["none", "stats", "all"])
@pytest.mark.parametrize("program", FAILING, ids=NAMES)
def test_a_failing_program_fails_the_same_way(program: Program, keep: str):
    plain = observe(program.fresh())
    recorded = record(program.fresh(), keep)
    assert "error" in plain.facts
    assert plain.differences(recorded.outcome) == [], recorded.outcome.facts.get("error")
    assert recorded.run is None


@pytest.mark.parametrize("program", FAILING, ids=NAMES)
def test_a_failing_program_leaves_its_partial_graph(program: Program):
    recorded = record(program.fresh())
    error_type, _, _ = recorded.outcome.facts["error"]
    partial = gnn.partial_run()
    assert partial is not None
    info = partial.steps[-1].info
    assert info.error is not None
    assert info.error.type.rsplit(".", 1)[-1] == error_type.__name__
    assert info.error.phase == PHASE_OF_FAILURE[program.name]
    assert list(partial.steps[-1].events["kind"]).count(EventKind.ERROR) == 1
    assert len(partial.structure().nodes) > 0


def test_the_node_that_failed_is_named():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 2))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        gnn.trace(model, torch.randn(3, 4))
    partial = gnn.partial_run()
    assert partial is not None
    node = partial.steps[-1].info.error.node
    assert node is not None
    assert partial.structure().nodes[node].module == "1"
    assert "shapes cannot be multiplied" in partial.structure().nodes[node].attributes["error"]


def test_the_very_exception_object_arrives():
    mine = ValueError("mine")

    def step(x: Tensor) -> Tensor:
        x.exp()
        raise mine

    with pytest.raises(ValueError, match="mine") as caught:
        gnn.trace(step, leaf(3))
    assert caught.value is mine
    assert mine.__context__ is None
    assert mine.__cause__ is None


@pytest.mark.parametrize("program", FAILING, ids=NAMES)
def test_a_step_after_a_failed_one_is_unchanged(program: Program):
    def step_after() -> Step:
        model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
        x = leaf(3, 4)

        def run(x: Tensor) -> Tensor:
            loss = model(x).square().sum()
            loss.backward()
            return loss

        return Step(run, (x,), state=model)

    after = Program("after", step_after)
    plain = observe(after.fresh())
    record(program.fresh())
    assert plain.differences(observe(after.fresh())) == []
    assert plain.differences(record(after.fresh()).outcome) == []


def test_warnings_of_the_program_arrive_once():
    def step(x: Tensor) -> Any:
        return torch.tensor(x)

    with pytest.warns(UserWarning, match="To copy construct from a tensor") as caught:
        gnn.trace(step, torch.ones(2))
    assert len(caught) == 1

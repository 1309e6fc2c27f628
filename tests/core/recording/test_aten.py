"""The ATen operators inside each call are those that ran, and collecting them changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from tests.core.recording.programs import Training, batch, mlp, record
from tests.support.outcome import observe
from tests.support.program import UNSEEN, Program
from tests.support.programs import PROGRAMS

SEEN = [program for program in PROGRAMS if UNSEEN not in program.traits]


def inside(run: gnn.Run) -> dict[str, tuple[list[str], list[str]]]:
    """By name of a call, its operators without prefix and overload, forward and backward."""
    return {
        node.name: ([op.split(".")[1] for op in node.aten], [op.split(".")[1] for op in node.aten_backward])
        for node in run.structure().nodes
        if node.aten or node.aten_backward
    }


def test_forward_and_backward_of_each_call():
    model = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.LayerNorm(4))
    run = gnn.trace(model, batch(), loss=lambda y: y.sum(), aten=True)
    found = inside(run)
    assert list(found) == ["0", "1", "2", "sum"]
    assert found["0"][0] == ["t", "addmm"]
    assert set(found["0"][1]) >= {"mm", "sum", "t"}
    assert found["1"] == (["gelu"], ["gelu_backward"])
    assert found["2"] == (["native_layer_norm"], ["native_layer_norm_backward"])
    assert found["sum"] == (["sum"], ["expand"])


def test_nothing_is_collected_unasked():
    assert inside(gnn.trace(mlp(), batch(), loss=lambda y: y.sum())) == {}


def test_statistics_and_kept_tensors_are_not_the_programs_own():
    def found(keep: str) -> dict[str, tuple[list[str], list[str]]]:
        return inside(gnn.trace(mlp(), batch(), loss=lambda y: y.square().mean(), keep=keep, aten=True))

    assert found("all") == found("stats") == found("none")


def test_the_same_calls_are_recorded_as_without():
    def calls(**options: bool) -> list[tuple[str, str]]:
        run = gnn.trace(mlp(), batch(), loss=lambda y: y.sum(), **options)
        return [(node.name, node.phase) for node in run.structure().nodes]

    assert calls(aten=True) == calls()


def test_a_recomputed_call_has_its_own():
    model = mlp()

    def program() -> None:
        x = batch().requires_grad_()
        torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False).sum().backward()

    run = gnn.trace(program, aten=True)
    again = [node for node in run.structure().nodes if node.phase == "recompute"]
    assert again
    for node in again:
        assert node.aten == run.node(node.attributes["recompute_of"]).aten != ()


def test_the_call_that_failed_tells_how_far_it_came():
    def program() -> Tensor:
        return nn.functional.linear(batch(), torch.ones(2, 5))

    with pytest.raises(RuntimeError, match="shapes"):
        gnn.trace(program, aten=True)
    failed = next(node for node in gnn.partial_run().structure().nodes if "error" in node.attributes)
    assert "aten.t.default" in failed.aten


def test_a_hook_of_the_users_keeps_its_own_call():
    def program() -> None:
        x = batch().requires_grad_()
        y = x.exp()
        y.register_hook(lambda gradient: gradient.sin())
        y.sum().backward()

    found = inside(gnn.trace(program, aten=True))
    assert found["sin"][0] == ["sin"]
    assert found["exp"] == (["exp"], ["mul"])


def test_steps_that_do_the_same_share_one_structure(tmp_path):
    training = Training()
    run = record(lambda: training.steps(3), training.model, aten=True)
    assert len({step.info.structure for step in run.steps}) == 1
    run.save(tmp_path / "run.gvnn")
    with gnn.load(tmp_path / "run.gvnn") as loaded:
        assert inside(loaded) == inside(run) != {}
        assert loaded.graph.nodes[loaded.node("0").id]["aten"] == ("aten.t.default", "aten.addmm.default")


@pytest.mark.parametrize("program", SEEN[::4], ids=lambda program: program.name)
def test_it_changes_no_bit(program: Program):
    def surround(run):
        with gnn.record(None, every=1, keep="stats", aten=True) as recorder, recorder.step():
            run()

    assert len(SEEN[::4]) >= 10
    assert observe(program.fresh()).differences(observe(program.fresh(), surround)) == []

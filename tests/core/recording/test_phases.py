"""Phases of a training step, roles of values, recomputation, autocast, and calls that go through autograd."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import graphviz_nn as gnn
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, feeding, mlp, nodes, operators, record


def test_phases_of_a_training_step():
    training = Training(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)))

    def loop() -> None:
        training.backward()
        nn.utils.clip_grad_norm_(training.model.parameters(), 0.1)
        training.optimizer.step()

    run = record(loop, training.model)
    clipping = operators(run, phase="optimizer")
    assert clipping[-1] == "SGD"
    assert any("norm" in op for op in clipping)
    assert set(operators(run, phase="infra")) == {"add_"}, "the batch norm's counter"
    assert operators(run, phase="forward")[-3:] == ["square", "mean", "item"]
    assert next(node.name for node in run.structure().nodes if node.kind == "constant") == "gradient"


def test_the_optimizers_node_reads_and_writes_every_parameter():
    training = Training()
    run = record(training.step, training.model)
    (sgd,) = nodes(run, "SGD")
    assert [run.structure().nodes[edge.node].name for edge in sgd.inputs] == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]
    assert [output.version for output in sgd.outputs] == ["mutated"] * 4


def test_a_frozen_parameter_is_not_updated():
    training = Training()
    training.model[0].requires_grad_(False)
    run = record(training.step, training.model)
    (sgd,) = nodes(run, "SGD")
    assert {run.structure().nodes[edge.node].name for edge in sgd.inputs} == {"2.weight", "2.bias"}


def test_loss_and_outputs_have_roles():
    run = gnn.trace(mlp(), batch(), loss=lambda y: y.mean())
    roles = {node.name: output.role for node in run.structure().nodes for output in node.outputs if output.role}
    assert roles == {"2": "output", "mean": "loss"}
    assert run.steps[-1].loss == pytest.approx(run.value("mean").item(), abs=0)


def test_outputs_in_containers_have_their_role():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> dict[str, Any]:
            y = self.linear(x)
            return {"logits": y, "hidden": (y.exp(), [y.tanh()])}

    run = gnn.trace(Net(), batch())
    assert [node.op for node in run.structure().nodes for output in node.outputs if output.role == "output"] == [
        "linear", "exp", "tanh",
    ]  # fmt: skip


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputed_calls_say_what_they_compute_again(reentrant: bool):
    model = mlp()
    run = gnn.trace(
        lambda x: checkpoint(model, x, use_reentrant=reentrant).sum(), batch().requires_grad_(), loss=lambda y: y
    )
    again = [node for node in run.structure().nodes if node.phase == "recompute"]
    originals = [run.structure().nodes[node.attributes["recompute_of"]] for node in again]
    assert [node.op for node in originals] == [node.op for node in again]
    assert {node.phase for node in originals} == {"forward"}
    assert [node.op for node in again][:2] == ["linear", "relu"]
    assert not any("error" in node.attributes for node in run.structure().nodes)
    assert run.gradient(nodes(run, "relu")[0]).shape == (5, 4)


def test_autocast_is_noted_where_a_replay_needs_it():
    model = nn.Linear(3, 2)

    def step(x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = model(x)
        return y.float().sum()

    run = gnn.trace(step, batch())
    (linear,) = nodes(run, "linear")
    assert linear.attributes["autocast"]["dtype"] == "bfloat16"
    assert linear.outputs[0].dtype == "bfloat16"
    assert "autocast" not in nodes(run, "sum")[0].attributes


def test_autograd_grad_is_a_call_with_results():
    def step(w: Tensor) -> Tensor:
        y = (w**3).sum()
        (slope,) = torch.autograd.grad(y, w, create_graph=True)
        return slope.square().sum()

    w = batch().requires_grad_()
    run = gnn.trace(step, w, loss=lambda y: y)
    (grad,) = nodes(run, "grad")
    assert feeding(run, grad) == {"outputs[0]": "sum", "inputs[0]": "input"}
    assert grad.attributes["create_graph"] is True
    assert feeding(run, nodes(run, "square")[0]) == {"input": "grad"}
    assert run.steps[-1].info.passes == 2
    assert torch.equal(run.value("grad"), (3 * w**2).detach())


def test_a_torch_func_transform_is_one_opaque_node_and_said():
    run = gnn.trace(lambda x: torch.vmap(lambda row: row * 2)(x.exp()).sum(), batch())
    assert any("torch.func" in note for note in run.meta.notes)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert set(feeding(run, opaque).values()) == {"exp"}


def test_the_arguments_of_a_module_reach_into_a_transform():
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.vmap(lambda row: row * 2)(x).sum()

    run = gnn.trace(Net(), batch())
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert set(feeding(run, opaque).values()) == {"x"}


def test_inputs_stand_outside_modules():
    run: Run = gnn.trace(mlp(), batch())
    (source,) = [node for node in run.structure().nodes if node.kind == "input"]
    assert (source.module, source.call, source.parent, source.source) == (None, 0, None, None)

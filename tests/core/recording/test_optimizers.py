"""Updates that end a step: written by hand, by an optimizer with a closure, or inside the backward pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from tests.core.recording.programs import Training, batch, indices, mlp, operators, passes, record


@torch.no_grad()
def subtract_in_place(parameter: Tensor) -> None:
    parameter -= 0.1 * parameter.grad


def subtract_from_data(parameter: Tensor) -> None:
    parameter.data -= 0.1 * parameter.grad


def call_on_data(parameter: Tensor) -> None:
    parameter.data.sub_(0.1 * parameter.grad)


def assign_data(parameter: Tensor) -> None:
    parameter.data = parameter.data - 0.1 * parameter.grad


UPDATES = [subtract_in_place, subtract_from_data, call_on_data, assign_data]


@pytest.mark.parametrize("update", UPDATES, ids=[update.__name__ for update in UPDATES])
def test_an_update_written_by_hand_ends_a_step(update: Callable[[Tensor], None]):
    model = mlp()

    def loop() -> None:
        for _ in range(3):
            model.zero_grad()
            model(batch()).square().mean().backward()
            for parameter in model.parameters():
                update(parameter)

    run = record(loop, model)
    assert indices(run) == [0, 1, 2]
    assert passes(run) == [1, 1, 1]


def test_a_layer_that_renormalises_its_own_weight_does_not_end_a_step():
    model = nn.Sequential(nn.Embedding(4, 3, max_norm=0.5), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def loop() -> None:
        for _ in range(2):
            for _ in range(3):
                model(torch.arange(4)).mean().backward()
            optimizer.step()

    run = record(loop, model)
    assert passes(run) == [3, 3]


def test_an_optimizer_with_a_closure_makes_one_step_a_call():
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    calls: list[int] = []

    def closure() -> Tensor:
        calls[-1] += 1
        optimizer.zero_grad()
        loss = model(batch()).square().mean()
        loss.backward()
        return loss

    def loop() -> None:
        for _ in range(3):
            calls.append(0)
            optimizer.step(closure)

    run = record(loop, model)
    assert indices(run) == [0, 1, 2]
    assert passes(run) == calls
    assert min(calls) > 1
    assert operators(run).count("linear") == 2 * calls[-1]
    assert set(operators(run, phase="optimizer")) == {"LBFGS"}


def test_a_skipped_closure_is_one_step_too():
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model(batch()).square().mean()
        loss.backward()
        return loss

    def loop() -> None:
        for _ in range(5):
            optimizer.step(closure)

    assert indices(record(loop, model, every=2)) == [0, 2, 4]


def test_a_closure_that_raises_leaves_the_next_step_alone():
    training = Training()
    failing = True

    def closure() -> Tensor:
        training.optimizer.zero_grad()
        training.backward(batch()[:, :2] if failing else None)
        return torch.zeros(())

    with gnn.record(None, training.model, every=2) as recording:
        training.step()
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            training.optimizer.step(closure)
        failing = False
        training.optimizer.step(closure)
        training.optimizer.step(closure)
    assert indices(recording.run)[-1] >= 2
    assert recording.run.steps[-1].info.error is None


def test_an_optimizer_that_steps_inside_the_backward_pass():
    """One optimizer a parameter, each stepping as soon as its gradient is there."""
    model = mlp()
    optimizers = {parameter: torch.optim.SGD([parameter], 0.1) for parameter in model.parameters()}

    def step(parameter: Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)

    def loop() -> None:
        for _ in range(3):
            model(batch()).square().mean().backward()

    run = record(loop, model)
    assert passes(run) == [1, 1, 1]
    assert [operators(run, step, "optimizer") for step in range(3)] == [["SGD"] * 4] * 3
    kinds = [int(event["kind"]) for event in run.steps[-1].events]
    assert kinds.count(4) == kinds.count(5) == 1, "the pass begins and ends once"


def test_unscaling_gradients_is_seen_between_the_pass_and_the_update():
    model, scaler = mlp(), torch.amp.GradScaler("cpu", init_scale=8.0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def loop() -> None:
        for _ in range(2):
            optimizer.zero_grad()
            scaler.scale(model(batch()).square().mean()).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()

    run = record(loop, model, keep="all")
    assert indices(run) == [0, 1]
    by_op = {node.op: node for node in run.structure().nodes}
    unscaled, clipped = by_op["_amp_foreach_non_finite_check_and_unscale_"], by_op["_foreach_mul_"]
    assert unscaled.phase == "optimizer"
    count = len(list(model.parameters()))
    assert [(read.node, read.output) for read in clipped.inputs[:count]] == [(unscaled.id, k) for k in range(count)]


def test_what_a_fused_optimizer_writes_is_seen_though_it_counts_no_version():
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters(), 0.1, fused=True)

    def steps() -> None:
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).square().sum().backward()
            optimizer.step()

    run = gnn.trace(steps, keep="all")
    (first, _) = (node for node in run.structure().nodes if node.op == "Adam")
    assert [output.version for output in first.outputs] == ["mutated", "mutated"]
    second = run.node("linear_2")
    assert {edge.node for edge in second.inputs if edge.argument != "input"} == {first.id}
    run.replay()

"""The order of events: calls inside their modules, gradients inside their pass, updates after them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.events import STATE_NONE, STATE_TENSOR, EventKind
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, events, mlp, nodes, record


def test_events_of_a_training_step_in_order():
    training = Training(nn.Sequential(nn.Linear(3, 1)))
    run = record(training.step, training.model)
    names = {node.id: node.name for node in run.structure().nodes}
    modules = [call.path for call in run.structure().module_calls]
    told = [(kind, modules[node] if kind.startswith("module") else names[node]) for kind, node in events(run)]
    assert told == [
        ("module_enter", ""),
        ("module_enter", "0"),
        ("call", "input"),
        ("call", "0.weight"),
        ("call", "0.bias"),
        ("call", "0"),
        ("module_exit", "0"),
        ("module_exit", ""),
        ("call", "square"),
        ("call", "mean"),
        ("pass_begin", "mean"),
        ("gradient", "mean"),
        ("gradient", "square"),
        ("gradient", "0"),
        ("gradient", "0.bias"),
        ("gradient", "0.weight"),
        ("parameter_gradient", "0.bias"),
        ("parameter_gradient", "0.weight"),
        ("pass_end", "mean"),
        ("call", "item"),
        ("call", "SGD"),
        ("update", "0.weight"),
        ("update", "0.bias"),
    ]


def test_every_call_stands_inside_its_module():
    run = gnn.trace(nn.Sequential(mlp(), mlp_of_one()), batch())
    open_calls: list[int] = []
    seen = 0
    for kind, node in events(run):
        if kind == "module_enter":
            assert run.structure().module_calls[node].parent == (open_calls[-1] if open_calls else None)
            open_calls.append(node)
        elif kind == "module_exit":
            assert open_calls.pop() == node
        elif kind == "call" and run.structure().nodes[node].kind == "op":
            assert run.structure().nodes[node].module_call == (open_calls[-1] if open_calls else None)
            seen += 1
    assert open_calls == []
    assert seen == 5


def mlp_of_one() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 2), nn.Tanh())


def test_a_call_with_an_inside_has_a_beginning_and_an_end():
    attention = nn.MultiheadAttention(4, 2)
    x = torch.linspace(-1, 1, 12).reshape(3, 1, 4)
    run = gnn.trace(attention, x, x, x)
    (composite,) = [node for node in run.structure().nodes if node.kind == "composite"]
    order = list(events(run, EventKind.CALL, EventKind.RETURN))
    begin, end = order.index(("call", composite.id)), order.index(("return", composite.id))
    inside = {node.id for node in run.structure().nodes if node.parent == composite.id}
    outside = {node.id for node in run.structure().nodes if node.kind == "input"}
    assert {node for _, node in order[begin + 1 : end]} - outside == inside


def test_gradients_belong_to_their_pass():
    def step(x: Tensor) -> None:
        y = x.exp()
        y.sum().backward(retain_graph=True)
        y.square().sum().backward()

    x = batch().requires_grad_()
    run = gnn.trace(step, x)
    table = run.steps[-1].events
    gradients = table[table["kind"] == EventKind.GRADIENT]
    exp = run.node("exp").id
    assert gradients[gradients["node"] == exp]["pass"].tolist() == [0, 1]
    assert torch.equal(run.gradient("exp", number=0), torch.ones(5, 3))
    assert torch.equal(run.gradient("exp", number=1), 2 * x.detach().exp())
    begins, ends = (np.flatnonzero(table["kind"] == kind) for kind in (EventKind.PASS_BEGIN, EventKind.PASS_END))
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        assert set(table[begin : end + 1]["pass"].tolist()) == {number}
    assert set(table[: begins[0]]["pass"].tolist()) == {-1}


def test_the_states_of_a_gradient_are_told_apart():
    def step(x: Tensor) -> Tensor:
        used, unused = x.split(2, dim=1)
        unused.exp()
        return used.sum()

    run = gnn.trace(step, batch().requires_grad_(), loss=lambda y: y)
    table = run.steps[-1].events
    gradients = table[table["kind"] == EventKind.GRADIENT]
    split = nodes(run, "split")[0].id
    states = {int(e["index"]): int(e["state"]) for e in gradients if e["node"] == split}
    assert states == {0: STATE_TENSOR, 1: STATE_NONE}
    assert run.gradient(split, 1) is None
    assert run.node("exp").id not in gradients["node"]


def test_a_frozen_part_gets_no_gradient():
    model = mlp()
    model[0].requires_grad_(False)
    run = gnn.trace(model, batch(), loss=lambda y: y.mean())
    arrived = {run.structure().nodes[node].name for _, node in events(run, EventKind.GRADIENT)}
    assert arrived == {"mean", "2", "2.weight", "2.bias"}


def test_calls_are_timed_in_order():
    training = Training()
    run = record(training.step, training.model)
    table = run.steps[-1].events
    times = table["time"][~np.isnan(table["time"])]
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert times[-1] <= run.steps[-1].duration
    assert not np.isnan(table[table["kind"] == EventKind.CALL]["time"]).any()


def test_an_update_follows_the_gradients_and_says_by_how_much():
    training = Training()
    before = training.model[0].weight.detach().clone()
    run = record(training.step, training.model)
    kinds = [kind for kind, _ in events(run)]
    assert kinds.index("update") > len(kinds) - 1 - kinds[::-1].index("pass_end")
    updated = {run.structure().nodes[node].name for _, node in events(run, EventKind.UPDATE)}
    assert updated == {"0.weight", "0.bias", "2.weight", "2.bias"}
    change = training.model[0].weight.detach() - before
    assert run.stats("0.weight", "update").l2 == pytest.approx(change.norm().item(), rel=1e-5)


def test_rows_of_statistics_follow_the_events():
    training = Training()

    def loop() -> None:
        training.backward()
        training.backward(batch() * 2)
        training.optimizer.step()

    run: Run = record(loop, training.model, keep="all")
    for number in (0, 1):
        for name in ("0.weight", "2.bias", ("1", "1_2")[number]):
            measured = run.stats(name, "gradient", number=number)
            assert measured.l2 == pytest.approx(run.gradient(name, number=number).norm().item(), rel=1e-5)
        total = run.stats("0.weight", "parameter_gradient", number=number)
        assert total.l2 == pytest.approx(run.accumulated("0.weight", number=number).norm().item(), rel=1e-5)
    for table in ("gradient", "parameter_gradient", "update"):
        kind = EventKind[table.upper()]
        assert len(run.data.stats(0, table)) == (run.steps[0].events["kind"] == kind).sum()


def test_what_never_arrived_is_not_said_to_be_thrown_away():
    training = Training()
    run = record(training.step, training.model)
    with pytest.raises(NotRecorded, match=r"No gradient arrived at 'input' in backward pass 0"):
        run.stats("input", "gradient")
    with pytest.raises(NotRecorded, match=r"No gradient arrived at '0' in backward pass 1"):
        run.stats("0", "gradient", number=1)
    with pytest.raises(NotRecorded, match="No optimizer changed '0'"):
        run.stats("0", "update")


def test_a_gradient_edited_between_two_passes_is_the_accumulated_one():
    weight = torch.ones(3, requires_grad=True)

    def step() -> None:
        (weight * 2).sum().backward()
        weight.grad.mul_(10)
        (weight * 5).sum().backward()

    run = gnn.trace(step)
    source = run.node(0)
    assert run.accumulated(source, number=0).tolist() == [2, 2, 2]
    assert run.accumulated(source, number=1).tolist() == [25, 25, 25]
    assert run.gradient(source, number=1).tolist() == [5, 5, 5]

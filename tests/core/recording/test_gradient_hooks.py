"""One hook serves many values: it must tell whose gradient it is, and only to the step that put it there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.steps import MemoryRun
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.recorder import Recorder


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, requires_grad=True)


def test_a_later_output_of_an_operator_gets_its_own_gradient():
    """`svdvals` gives back the second output of the autograd node that it makes."""
    x = leaf(3, 3)

    def step() -> Tensor:
        values = torch.linalg.svdvals(x)
        assert values.output_nr == 1
        return (values * torch.tensor([1.0, 2.0, 3.0])).sum()

    run = gnn.trace(step, loss=lambda output: output, keep="all")
    gradient = run.gradient("linalg_svdvals")
    assert torch.equal(gradient, torch.tensor([1.0, 2.0, 3.0]))


def test_versions_of_one_autograd_node_each_get_the_gradient():
    x = leaf(4)

    def step() -> Tensor:
        y = x * 2
        with torch.no_grad():
            y.add_(1)  # a new version, out of the same autograd node
        return (y * 3).sum()

    run = gnn.trace(step, loss=lambda output: output, keep="all")
    for node in ("mul", "add_"):
        assert torch.equal(run.gradient(node), torch.full((4,), 3.0)), node


def test_hooks_of_the_program_come_after_and_see_no_hook_of_ours():
    x = leaf(4)
    seen: list[Tensor] = []

    def step() -> Tensor:
        y = x * 2
        assert y._backward_hooks is None

        def double(gradient: Tensor) -> Tensor:
            seen.append(gradient)
            return gradient * 2

        y.register_hook(double)
        return y.sum()

    run = gnn.trace(step, loss=lambda output: output, keep="all")
    assert len(seen) == 1
    assert torch.equal(run.gradient("mul"), torch.ones(4))
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full((4,), 4.0))


@pytest.mark.parametrize("keep", ["none", "stats", "all"])
def test_a_graph_that_outlives_its_step_is_told_of_no_more(keep: str):
    model, run = nn.Linear(3, 1), MemoryRun()
    with Recorder(run, model, keep=KeepPolicy.parse(keep)) as recorder:
        with recorder.step():
            kept = model(torch.ones(2, 3)).sum()
            kept.backward(retain_graph=True)
        with recorder.step():
            model(torch.ones(2, 3)).sum().backward()
            kept.backward()
    kept.detach()
    first, second = (len(run.record(position).events) for position in range(2))
    assert first > 0
    assert second >= first
    assert torch.equal(model.weight.grad, torch.full((1, 3), 6.0))

"""Writes in place make new versions of tensors, of their bases, and of what reads them through other views."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

import graphviz_nn as gnn
from tests.core.recording.programs import batch, feeding, nodes


def test_a_write_in_place_makes_a_new_version():
    run = gnn.trace(lambda x: (x * 2).add_(1).sum(), batch())
    (add,) = nodes(run, "add_")
    assert [output.version for output in add.outputs] == ["mutated"]
    assert feeding(run, nodes(run, "sum")[0]) == {"input": "add_"}


def test_a_write_through_a_view_makes_a_new_version_of_its_base():
    def step(x: Tensor) -> Tensor:
        y = x * 2
        y[0].add_(1)
        return y.sum()

    run = gnn.trace(step, batch())
    (add,) = nodes(run, "add_")
    assert [(output.version, output.shape) for output in add.outputs] == [("mutated", (3,)), ("base", (5, 3))]
    (edge,) = nodes(run, "sum")[0].inputs
    assert (edge.node, edge.output) == (add.id, 1)


def test_a_view_that_was_written_is_read_as_it_is():
    def step(x: Tensor) -> Tensor:
        y = x * 2
        view = y[0]
        view.add_(1)
        return view.sum() + (view * 2).sum()

    run = gnn.trace(step, batch())
    assert nodes(run, "alias") == []
    (add,) = nodes(run, "add_")
    assert [(edge.node, edge.output) for edge in nodes(run, "sum")[0].inputs] == [(add.id, 0)]


def test_reading_an_older_view_after_its_base_was_written_goes_through_an_alias():
    def step(x: Tensor) -> Tensor:
        y = x * 2
        view = y[0]
        y.add_(1)
        return view.exp()

    run = gnn.trace(step, batch())
    (alias,) = [node for node in run.structure().nodes if node.kind == "alias"]
    assert feeding(run, alias) == {"written": "add_", "view": "getitem"}
    assert [edge.kind for edge in alias.inputs] == ["alias", "data"]
    assert feeding(run, nodes(run, "exp")[0]) == {"input": "alias"}
    assert torch.equal(run.value("alias"), (batch() * 2 + 1)[0])


def test_assignment_by_index_is_a_write():
    def step(x: Tensor) -> Tensor:
        y = torch.zeros(5, 3)
        y[1:3] = x[1:3]
        return y.sum()

    run = gnn.trace(step, batch())
    (assigned,) = nodes(run, "setitem")
    assert feeding(run, assigned)["input"] == "zeros"
    assert [output.version for output in assigned.outputs] == ["mutated"]
    assert feeding(run, nodes(run, "sum")[0]) == {"input": "setitem"}


def test_an_output_argument_is_a_write():
    def step(x: Tensor) -> Tensor:
        y = torch.empty(5, 3)
        torch.mul(x, 2, out=y)
        return y.sum()

    run = gnn.trace(step, batch())
    assert feeding(run, nodes(run, "mul")[0]) == {"input": "input", "out": "empty"}
    assert feeding(run, nodes(run, "sum")[0]) == {"input": "mul"}


def test_what_a_function_writes_inside_leads_to_the_version_that_it_leaves():
    class Doubled(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient * 2

    def step(x: Tensor) -> Tensor:
        return Doubled.apply(x * 1).sum()

    run = gnn.trace(step, batch().requires_grad_(), keep="all")
    (doubled,) = nodes(run, "Doubled")
    (write,) = nodes(run, "mul_")
    assert write.id in {edge.node for edge in doubled.inputs}
    assert feeding(run, nodes(run, "sum")[0]) == {"input": "Doubled"}
    run.replay()

"""Calls that a replay makes again only if the recording noted more than their arguments."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.utils import parametrize

import graphviz_nn as gnn


def test_memory_that_a_tensor_is_given_by_set_is_seen():
    def program() -> Tensor:
        x, y = torch.zeros(4), torch.ones(2, 2).exp()
        x.set_(y)
        y.add_(1)
        return x.relu()

    run = gnn.trace(program)
    assert torch.equal(run.value("relu"), torch.ones(2, 2).exp() + 1)
    assert run.node("set_").outputs[0].shape == (2, 2)
    run.replay()


def test_assigning_a_parametrized_weight_is_a_write_of_the_original():
    class Symmetric(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.triu() + x.triu(1).mT

        def right_inverse(self, x: Tensor) -> Tensor:
            return x.triu()

    model = nn.Linear(3, 3)
    parametrize.register_parametrization(model, "weight", Symmetric())

    def program() -> Tensor:
        model.weight = torch.eye(3).exp()
        return model(torch.ones(2, 3))  # type: ignore[no-any-return]

    run = gnn.trace(program)
    writes = [node for node in run.structure().nodes if node.op == "set_"]
    assert [run.node(edge.node).op for edge in writes[0].inputs] == ["parameter", "triu"]
    run.replay()


def test_set_is_left_as_it_was_found():
    before = torch.Tensor.set_
    gnn.trace(lambda: torch.zeros(2).set_(torch.ones(3)))
    assert torch.Tensor.set_ is before


def test_a_custom_function_is_replayed_with_the_autocast_that_it_saw():
    class Product(Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
            return x @ w

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            raise NotImplementedError

    def program() -> Tensor:
        w = torch.linspace(0, 1, 16).reshape(4, 4)
        with torch.autocast("cpu", torch.bfloat16):
            result: Tensor = Product.apply(w @ w, w)
        return result

    run = gnn.trace(program)
    assert run.node("Product").outputs[0].dtype == "float32"
    run.replay()

"""Each fault of numbers: shown with plain PyTorch, found and placed by its rule alone, and gone when repaired."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.run import Run
from tests.checks.training import only, recorded, rules


class Ending(nn.Module):
    """A layer, and a function of what it gives."""

    def __init__(self, function) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.layer(x))


def traced(function, inputs: Tensor | None = None, loss=lambda y: y.mean()) -> Run:
    torch.manual_seed(0)
    inputs = torch.randn(8, 4) if inputs is None else inputs
    return gnn.trace(Ending(function), inputs, loss=loss, keep="stats")


def output_of(function) -> Tensor:
    torch.manual_seed(0)
    inputs = torch.randn(8, 4)
    return Ending(function)(inputs)


@pytest.mark.parametrize(
    ("op", "fault", "repaired"),
    [
        ("log", lambda y: y.log(), lambda y: y.abs().add(0.1).log()),
        ("div", lambda y: y / y.relu(), lambda y: y / (y.relu() + 1)),
        ("sqrt", lambda y: y.sqrt(), lambda y: y.abs().add(0.1).sqrt()),
        ("exp", lambda y: (1000 * y).exp(), lambda y: y.exp()),
        ("softmax", lambda y: y.masked_fill(y < 9, -torch.inf).softmax(1), lambda y: y.softmax(1)),
    ],
)
def test_nonfinite_forward_names_the_origin(op, fault, repaired):
    assert not output_of(fault).isfinite().all()
    run = traced(lambda y: fault(y) * 2 + 1)
    found = only(run, "nonfinite_forward")
    assert run.node(found.node).op == op
    assert found.evidence["path"][-1] == next(n.name for n in run.structure().nodes if n.outputs[0].role == "loss")
    assert rules(traced(lambda y: repaired(y) * 2 + 1)) == set()


def test_nonfinite_input_is_named():
    inputs = torch.randn(8, 4)
    inputs[3, 1] = torch.nan
    assert nn.Linear(4, 4)(inputs).isnan().any()
    run = traced(torch.relu, inputs)
    assert run.node(only(run, "input_nonfinite").node).kind == "input"


@pytest.mark.parametrize(
    ("op", "fault", "repaired"),
    [
        ("sqrt", lambda y: (y * 0).sqrt(), lambda y: (y * 0 + 1e-6).sqrt()),
        ("acos", lambda y: (y * 0 + 1).acos(), lambda y: (y * 0 + 0.9).acos()),
        ("pow", lambda y: (y * 0).pow(0.5), lambda y: (y * 0 + 1e-6).pow(0.5)),
        ("div", lambda y: torch.where(y > 0, y / y.relu(), 0.0), lambda y: y / (y.relu() + 1)),
    ],
)
def test_nonfinite_backward_names_the_call(op, fault, repaired):
    torch.manual_seed(0)
    model, inputs = Ending(fault), torch.randn(8, 4)
    loss = model(inputs).mean()
    loss.backward()
    assert loss.isfinite()
    assert not model.layer.weight.grad.isfinite().all()
    run = traced(fault)
    assert run.node(only(run, "nonfinite_backward").node).op == op
    assert rules(traced(repaired)) == set()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_overflow(dtype):
    kind = getattr(torch, dtype)
    factor = 1e3 if dtype == "float16" else 1e20

    def fault(y: Tensor) -> Tensor:
        return (y.to(kind) * factor).square()

    assert output_of(fault).isinf().any()
    run = traced(fault)
    found = only(run, "half_overflow")
    assert run.node(found.node).op == "square"
    assert rules(traced(lambda y: y.to(kind).square())) == set()


def test_half_underflow():
    def fault(y: Tensor) -> Tensor:
        return (y.half() * 0.3).relu() * 0.4 + y.half()

    def small(y: Tensor) -> Tensor:
        return y.float().mean() * 1e-7

    torch.manual_seed(0)
    model, inputs = Ending(fault), torch.randn(8, 4)
    small(model(inputs)).backward()
    assert (model.layer.weight.grad == 0).all()
    assert "half_underflow" in rules(traced(fault, loss=small))
    assert rules(traced(fault, loss=lambda y: y.float().mean() * 100)) == set()


@pytest.mark.parametrize(
    ("op", "fault", "repaired"),
    [
        ("log", lambda y: (y.abs() * 1e-25).log(), lambda y: (y.abs() * 1e-25 + 1e-8).log()),
        ("div", lambda y: y * 1e-24 / (y.abs() * 1e-24), lambda y: y / (y.abs() + 1e-8)),
        ("exp", lambda y: (y * 0 + 85).exp() * 1e-30, lambda y: (y * 0 + 20).exp()),
        ("div", lambda y: y * 1e-24 / (y * 1e-24), lambda y: y / (y.sign() * (y.abs() + 1e-3))),
        ("log1p", lambda y: (y * 0 - 1 + 6e-8).log1p(), lambda y: (y * 0 - 0.99).log1p()),
        ("acos", lambda y: (y * 0 + 1 - 6e-8).acos(), lambda y: (y * 0 + 0.999).acos()),
        ("exp2", lambda y: (y * 0 + 122).exp2() * 1e-30, lambda y: (y * 0 + 20).exp2()),
        ("pow", lambda y: (y.abs() * 1e-24).pow(0.3), lambda y: (y.abs() + 1e-6).pow(0.3)),
    ],
)
def test_near_the_edge(op, fault, repaired):
    assert output_of(fault).isfinite().all()
    run = traced(fault)
    assert run.node(only(run, "near_edge").node).op == op
    assert rules(traced(repaired)) == set()


def test_the_first_bad_step_of_several_is_named():
    def train() -> None:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for step in range(6):
            optimizer.zero_grad()
            inputs = torch.randn(8, 4)
            if step == 3:
                inputs[0, 0] = torch.inf
            model(inputs).square().mean().backward()
            optimizer.step()

    run = recorded(train)
    assert only(run, "input_nonfinite").step == 3

"""What runs inside a transform is not recorded call by call, and what comes out of it is never cut off."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch import Tensor, nn
from torch.func import hessian, vjp

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit")
"""What torch runs of its own when a process first uses forward mode inside a transform."""


def _run(program: object) -> Run:
    """The recorded program, whose replay must agree with it."""
    run = gnn.trace(program)  # type: ignore[arg-type]
    run.replay()
    return run


def _is_tied(run: Run, source: str, result: str) -> bool:
    return nx.has_path(run.graph, run.node(source).id, run.node(result).id)


def test_batched_gradients_are_tied_to_what_they_were_computed_from():
    found: list[Tensor] = []

    def program() -> Tensor:
        x = torch.linspace(-1, 1, 3).requires_grad_()
        (gradients,) = torch.autograd.grad(x.sin(), x, torch.eye(3), is_grads_batched=True)
        found.append(gradients)
        return gradients.relu()

    run = _run(program)
    assert torch.equal(found[0], torch.linspace(-1, 1, 3).cos().diag())
    assert torch.equal(run.value(run.node("relu").inputs[0].node), found[0])
    assert _is_tied(run, "sin", "relu")


def test_a_gradient_that_stands_for_a_batch_is_none_of_a_value():
    def program() -> None:
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        torch.autograd.grad(y, x, torch.eye(3), is_grads_batched=True, retain_graph=True)
        y.sum().backward()

    run = _run(program)
    assert torch.equal(run.gradient("exp"), torch.ones(3))
    with pytest.raises(NotRecorded):
        run.gradient("exp", number=1)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_a_vectorized_jacobian_is_tied_to_its_input(strategy: str):
    def program() -> Tensor:
        x = torch.ones(3).exp()
        jacobian = torch.autograd.functional.jacobian(lambda z: z.tanh(), x, vectorize=True, strategy=strategy)
        return jacobian.relu()

    assert _is_tied(_run(program), "exp", "relu")


def test_the_function_that_vjp_gives_back_can_be_called_after_the_transform():
    def program() -> Tensor:
        x = torch.ones(3).exp()
        _, pull_back = vjp(torch.tanh, x)
        return pull_back(torch.ones(3))[0].relu()

    assert _is_tied(_run(program), "exp", "relu")


def test_what_torch_computes_about_shapes_inside_a_transform_is_not_taken_for_its_result():
    def program() -> Tensor:
        x = torch.ones(3).exp()
        return hessian(lambda z: (z**3).sum())(x).relu()

    run = _run(program)
    assert _is_tied(run, "exp", "relu")
    assert all(output.device != "meta" for node in run.structure().nodes for output in node.outputs)


def test_a_lazy_module_can_be_made_inside_a_recorded_step():
    def program() -> None:
        nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())(torch.ones(4, 3)).sum().backward()

    assert torch.equal(_run(program).gradient("sum"), torch.ones(()))


def test_a_function_can_be_traced_by_torchscript_inside_a_recorded_step():
    found: list[Tensor] = []

    def program() -> None:
        traced = torch.jit.trace(lambda x: x.tanh() * 2, torch.ones(3))
        x = torch.ones(3, requires_grad=True).exp()
        y = traced(x)
        y.sum().backward()
        found.append(y)

    run = gnn.trace(program)
    assert torch.equal(found[0], torch.ones(3).exp().tanh() * 2)
    assert _is_tied(run, "exp", "sum")


def test_a_backward_pass_over_meta_tensors_has_no_loss():
    run = gnn.trace(lambda: torch.ones(3, requires_grad=True, device="meta").sum().backward())
    assert run.steps[0].loss is None


def test_a_module_that_torchscript_traces_begins_no_step():
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    with gnn.record(None, model, every=1) as recording:
        torch.jit.trace(model, torch.ones(1, 3))
        assert recording.steps_seen == 0
        model(torch.ones(1, 3)).sum().backward()
    assert len(recording.run.steps) == 1

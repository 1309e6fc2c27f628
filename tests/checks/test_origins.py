"""Where a NaN or infinity began, of programs that end early and of infinities that are computed and not put there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.nodes import Input, Node, Output
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import Run
from tests.checks.training import recorded

RULE = ["nonfinite_forward"]


def raising(before: Callable[[Tensor], Tensor]) -> Run:
    """A forward pass alone that computes something and then fails."""

    def program(x: Tensor) -> Tensor:
        return before(x) @ torch.zeros(7, 7)

    with pytest.raises(RuntimeError, match="shapes"), torch.no_grad():
        gnn.trace(program, torch.ones(3, 4), keep="stats")
    run = gnn.partial_run()
    assert run is not None
    return run


def blamed(run: Run) -> list[str]:
    found = run.findings(RULE)
    return [run.structure(finding.step).nodes[finding.node].name for finding in found if finding.node is not None]


class TestAProgramThatRaises:
    def test_a_nan_before_the_error(self) -> None:
        assert blamed(raising(lambda x: (x - x) / (x - x) + 1)) == ["div"]

    def test_finite_numbers(self) -> None:
        assert blamed(raising(lambda x: x / 2 + 1)) == []

    def test_a_mask_that_nothing_has_used_yet(self) -> None:
        assert blamed(raising(lambda x: x.masked_fill(x > 0, -torch.inf))) == []

    def test_a_nan_that_was_selected_away(self) -> None:
        assert blamed(raising(lambda x: torch.where(x > 0, x, (x - x) / (x - x)))) == []


class Head(nn.Module):
    """A layer over a function of the input."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.function(x))


class TestMinusInfinity:
    def test_that_was_computed_is_where_it_began(self) -> None:
        torch.manual_seed(0)
        run = gnn.trace(Head(torch.log), torch.tensor([[0.0, 1, 2, 0]]), loss=lambda y: y.mean(), keep="stats")
        assert bool(run.stats("layer", "output").nan)
        assert blamed(run) == ["log"]

    def test_that_was_put_there_is_where_it_became_nan(self) -> None:
        def masked(x: Tensor) -> Tensor:
            return torch.softmax(x.masked_fill(x > -9, -torch.inf), 1)

        run = gnn.trace(Head(masked), torch.zeros(1, 4), loss=lambda y: y.mean(), keep="stats")
        assert blamed(run) == ["softmax"]


def chain(*phases: str) -> Lineage:
    """One value through linear → between → relu, with a call in each given phase; the weight goes through one, too."""

    def node(number: int, op: str, phase: str, *reads: int, kind: str = "op") -> Node:
        inputs = tuple(Input(read, 0, "input") for read in reads)
        output = Output((2, 2), "float32", "cpu", True, 16)
        names = (op,) if kind == "parameter" else ()
        name = f"{op}_{number}"
        return Node(number, kind, op, name, "", 1, None, None, phase, None, "", None, {}, inputs, (output,), names)

    nodes = [
        node(0, "input", "forward", kind="input"),
        node(1, "parameter", "forward", kind="parameter"),
        node(2, "all_gather", phases[0], 1),
        node(3, "linear", "forward", 0, 2),
        *(node(4 + k, "all_reduce", phase, 3 + k) for k, phase in enumerate(phases)),
    ]
    nodes.append(node(len(nodes), "relu", "forward", len(nodes) - 1))
    return Lineage(Structure(tuple(nodes), (), ()), plugins().layer_types)


class TestInfrastructure:
    """What a parallel program does between two layers does not part them."""

    def test_lineage_passes_through(self) -> None:
        lineage = chain("infra", "infra")
        relu = len(lineage.structure.nodes) - 1
        assert lineage.readers[3] == [relu]
        assert lineage.descendants([3]) == {3, relu}
        assert [node.op for node in lineage.weighted] == ["linear"]
        assert lineage.layers_below([relu]).tolist() == [1, 1, 1, 1, 0, 0, 0]

    def test_its_calls_are_judged_by_no_rule(self) -> None:
        assert {node.op for node in chain("infra").forward} == {"input", "parameter", "linear", "relu"}

    def test_other_phases_still_part(self) -> None:
        lineage = chain("optimizer")
        assert lineage.readers[3] == []
        assert lineage.weighted == ()

    def test_readers_stand_in_order_and_once_for_each_edge(self) -> None:
        lineage = chain("infra")
        assert lineage.readers[0] == lineage.readers[2] == [3]
        assert lineage.readers[1] == [3]


@pytest.mark.parametrize("steps", [3, 40])
def test_the_origin_is_found_however_long_ago_it_was(steps):
    def train() -> None:
        model = nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(steps + 2):
            optimizer.zero_grad()
            outputs = model(torch.randn(8, 4))
            ((outputs * 0).log() if step == 1 else outputs).mean().backward()
            optimizer.step()

    torch.manual_seed(0)
    model = nn.Linear(4, 4)
    (model(torch.randn(8, 4)) * 0).log().mean().backward()
    assert model.weight.grad.isnan().all()
    run = recorded(train)
    found = [finding for finding in run.findings() if finding.rule == "nonfinite_forward"]
    assert [(finding.step, run.node(finding.node, step=1).op) for finding in found] == [(1, "log")]

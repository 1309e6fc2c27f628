"""What a run is, in numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.cli.summary import module_outputs, summarise
from graphviz_nn.cli.summary_table import level, readable_depth
from graphviz_nn.cli.text import plural, quantity
from graphviz_nn.errors import OptionError
from graphviz_nn.model.steps import MemoryRun


class Shared(nn.Module):
    """Calls one layer twice and gives back two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3)
        self.layer = nn.Linear(6, 6)
        self.recurrent = nn.LSTM(6, 5)

    def forward(self, images):
        x = self.layer(self.stem(images).flatten(2))
        x = self.layer(x).relu()
        y, (hidden, _) = self.recurrent(x)
        return y * 2, hidden


def row(summary, path):
    (found,) = [module for module in summary.step.modules if module.path == path]
    return found


@pytest.fixture(scope="module")
def run():
    torch.manual_seed(0)
    images = torch.randn(3, 1, 4, 5)
    return gnn.trace(Shared(), images, loss=lambda outputs: outputs[0].square().sum(), keep="all")


def test_counts_what_was_recorded(run):
    summary = summarise(run.data)
    step = summary.step
    assert (summary.steps, step.index, step.passes, step.forward_only) == (1, 0, 1, False)
    assert step.nodes == len(run.structure().nodes)
    assert summary.loss_last == pytest.approx(run.steps[0].loss)
    assert step.parameters == sum(p.numel() for p in Shared().parameters())


def test_rows_follow_the_first_call_of_each_module(run):
    modules = summarise(run.data).step.modules
    assert [(module.path, module.type, module.calls) for module in modules] == [
        ("", "Shared", 1),
        ("stem", "Conv2d", 1),
        ("layer", "Linear", 2),
        ("recurrent", "LSTM", 1),
    ]


def test_norms_are_those_of_the_modules_last_output(run):
    summary, outputs = summarise(run.data), module_outputs(run.structure())
    for path in ("", "stem", "layer", "recurrent"):
        found, ref = row(summary, path), outputs[path]
        assert found.output == tuple(run.value(*ref).shape)
        assert found.activation == pytest.approx(run.value(*ref).norm().item(), rel=1e-5)
        assert found.gradient == pytest.approx(run.gradient(*ref).norm().item(), rel=1e-5)


def test_a_modules_output_is_what_leaves_its_last_call(run):
    structure = run.structure()
    outputs = module_outputs(structure)
    second = [node for node in structure.nodes if node.module == "layer" and node.op == "linear"][-1]
    assert structure.nodes[outputs["layer"].node] == second
    assert structure.nodes[outputs[""].node].op == "mul"
    assert (structure.nodes[outputs["recurrent"].node].op, outputs["recurrent"].index) == ("lstm", 0)


def test_without_numbers_norms_are_missing_not_zero():
    summary = summarise(gnn.trace(nn.Linear(2, 2), torch.ones(1, 2), keep="none").data)
    found = row(summary, "")
    assert (found.output, found.activation, found.gradient) == ((1, 2), None, None)
    assert summary.step.forward_only


def test_an_empty_run_is_a_summary_too():
    summary = summarise(MemoryRun())
    assert (summary.steps, summary.step) == (0, None)


def test_a_step_that_is_not_there_is_named(run):
    with pytest.raises(OptionError, match="numbered 0 to 0"):
        summarise(run.data, 3)


def test_an_error_names_its_node():
    with pytest.raises(RuntimeError):
        gnn.trace(nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)), torch.ones(1, 2))
    (error,) = summarise(gnn.partial_run().data).errors
    assert (error.type, error.node, error.phase) == ("RuntimeError", "1", "forward")


def test_a_long_table_shows_the_upper_levels():
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(1, 1), nn.Identity()) for _ in range(30)))
    modules = summarise(gnn.trace(blocks, torch.ones(1), keep="none").data).step.modules
    assert len(modules) == 91
    assert max(level(module) for module in modules) == 2
    assert readable_depth(modules) == 1
    assert readable_depth(modules[:40]) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1234, "1.23 k"), (25_600_000, "25.6 M"), (4.1e9, "4.1 G"), (2e12, "2 T")],
)
def test_large_numbers_have_units(value, text):
    assert quantity(value) == text


def test_plurals():
    assert [plural(1, "step"), plural(0, "step"), plural(2, "backward pass"), plural(1200, "box")] == [
        "1 step",
        "0 steps",
        "2 backward passes",
        "1,200 boxes",
    ]

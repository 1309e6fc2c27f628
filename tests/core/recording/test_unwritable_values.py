"""Text and numbers that no file format holds do not end a recording: they are escaped, or written as text."""

from __future__ import annotations

import enum

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from tests.core.recording.programs import batch

SURROGATE = "caf\udce9"
ESCAPED = "caf\\udce9"
HUGE = 2**70


class Odd(nn.Module):
    """Plain attributes, a child, a parameter and an argument that UTF-8 and 64 bits cannot hold."""

    def __init__(self) -> None:
        super().__init__()
        self.comment = SURROGATE
        self.seed = HUGE
        self.pair = (1, -HUGE)
        self.register_parameter(SURROGATE, nn.Parameter(torch.ones(3)))
        self.add_module(f"child_{SURROGATE}", nn.Linear(3, 2))

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        (x,) = batch.values()
        child = getattr(self, f"child_{SURROGATE}")
        return child(x * getattr(self, SURROGATE))


@pytest.fixture
def run() -> gnn.Run:
    return gnn.trace(Odd(), {SURROGATE: batch()})


def test_the_structure_can_be_written(run, tmp_path):
    run.save(tmp_path / "run.gvnn")
    with gnn.load(tmp_path / "run.gvnn") as loaded:
        assert loaded.structure() == run.structure()
        assert loaded.structure().digest == run.structure().digest


def test_names_are_escaped(run):
    structure = run.structure()
    assert f"child_{ESCAPED}" in structure.modules_by_path
    assert f"batch.{ESCAPED}" in structure.by_name
    assert ESCAPED in structure.parameters_by_name
    assert structure.by_name[ESCAPED].names == (ESCAPED,)


def test_attributes_of_modules(run):
    attributes = run.structure().modules_by_path[""].attributes
    assert (attributes["comment"], attributes["seed"], attributes["pair"]) == (ESCAPED, str(HUGE), [1, str(-HUGE)])


class Big(enum.IntEnum):
    VALUE = HUGE


@pytest.mark.parametrize("mode", [SURROGATE, HUGE, -HUGE, Big.VALUE, {SURROGATE: HUGE}, [HUGE, (SURROGATE,)], 2**63])
def test_arguments_of_calls(mode, tmp_path):
    class Passed(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, mode):
            return x * 2

    run = gnn.trace(lambda: Passed.apply(batch(), mode))
    run.save(tmp_path / "run.gvnn")
    with gnn.load(tmp_path / "run.gvnn") as loaded:
        assert loaded.structure() == run.structure()
        assert loaded.node("Passed").attributes["mode"] is not None


def test_a_message_of_the_call_that_failed(tmp_path):
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            raise ValueError(SURROGATE)

    with (
        pytest.raises(ValueError, match="caf"),
        gnn.record(tmp_path / "run.gvnn", every=1) as recorder,
        recorder.step(),
    ):
        Fails.apply(batch())
    with gnn.load(tmp_path / "run.gvnn") as loaded:
        assert ESCAPED in loaded.steps[0].info.error.message
        assert any(ESCAPED in node.attributes.get("error", "") for node in loaded.structure().nodes)


def test_code_of_a_file_whose_name_is_no_text(tmp_path):
    scope = {"torch": torch}
    exec(compile("def program(x):\n    return x + 1\n", f"/tmp/{SURROGATE}.py", "exec"), scope)
    run = gnn.trace(scope["program"], batch())
    run.save(tmp_path / "run.gvnn")
    assert run.node("add").source.file.endswith(f"{ESCAPED}.py")

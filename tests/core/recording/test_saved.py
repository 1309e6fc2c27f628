"""What autograd saved of each call is listed by name, shape and bytes, and reading it changes nothing."""

from __future__ import annotations

from typing import Any
from weakref import ref

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by
from torch.utils.checkpoint import checkpoint

import graphviz_nn as gnn
from graphviz_nn.graph.schema import validate
from graphviz_nn.model.nodes import Saved
from graphviz_nn.recording.saved import SavedTensors
from graphviz_nn.recording.tape import Tape
from tests.core.recording.programs import Training, batch, mlp, nodes, record
from tests.support.outcome import observe
from tests.support.program import Program
from tests.support.programs import PROGRAMS

Table = dict[str, tuple[tuple[int, ...], str, int]]


def leaf(*shape: int) -> Tensor:
    return torch.linspace(-1, 1, torch.Size(shape).numel()).reshape(shape).requires_grad_()


def table(saved: tuple[Saved, ...] | None) -> Table:
    assert saved is not None
    return {each.name: (each.shape, each.dtype, each.bytes) for each in saved}


def saved_of(function: Any, *arguments: Any, **options: Any) -> Table:
    """What was saved of the last call that `function(*arguments)` makes."""
    run = gnn.trace(lambda: function(*arguments), **options)
    return table(run.structure().nodes[-1].saved)


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x, None, x.sum().double())
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 2


class TestNames:
    def test_convolution(self) -> None:
        found = saved_of(F.conv2d, leaf(2, 3, 8, 8), leaf(4, 3, 3, 3))
        assert found == {"input": ((2, 3, 8, 8), "float32", 1536), "weight": ((4, 3, 3, 3), "float32", 432)}

    def test_linear_saves_the_input_only_where_the_weight_is_trained(self) -> None:
        frozen = leaf(5, 4).detach()
        assert saved_of(F.linear, leaf(3, 4), frozen, leaf(5)) == {"mat2": ((4, 5), "float32", 80)}
        assert saved_of(F.linear, leaf(3, 4), leaf(5, 4), leaf(5)) == {
            "mat1": ((3, 4), "float32", 48),
            "mat2": ((4, 5), "float32", 80),
        }

    def test_a_call_that_makes_several_autograd_nodes(self) -> None:
        """A linear layer on three dimensions is a product of matrices and a view of its result."""
        assert set(saved_of(F.linear, leaf(2, 3, 4), leaf(5, 4), leaf(5))) == {"mat1", "mat2"}

    def test_several_autograd_nodes_that_save_something_are_told_apart(self) -> None:
        found = saved_of(F.cross_entropy, leaf(3, 4), torch.tensor([0, 1, 2]))
        assert found == {
            "log_softmax.result": ((3, 4), "float32", 48),
            "nll_loss.self": ((3, 4), "float32", 48),
            "nll_loss.target": ((3,), "int64", 24),
            "nll_loss.total_weight": ((), "float32", 4),
        }

    def test_results_are_saved(self) -> None:
        assert saved_of(torch.relu, leaf(2, 3)) == {"result": ((2, 3), "float32", 24)}
        assert saved_of(F.softmax, leaf(2, 3), 1) == {"result": ((2, 3), "float32", 24)}

    def test_batch_norm(self) -> None:
        found = saved_of(F.batch_norm, leaf(4, 3), torch.zeros(3), torch.ones(3), leaf(3), leaf(3), True)
        assert found["input"] == ((4, 3), "float32", 48)
        assert found["weight"] == ((3,), "float32", 12)
        assert {name: shape for name, (shape, _, _) in found.items() if name.startswith("result")} == {
            "result1": (3,),
            "result2": (3,),
        }

    def test_matmul_and_dropout(self) -> None:
        assert saved_of(torch.matmul, leaf(2, 3), leaf(3, 4)) == {
            "mat2": ((3, 4), "float32", 48),
            "self": ((2, 3), "float32", 24),
        }
        (mask,) = saved_of(F.dropout, leaf(8, 8)).values()
        assert mask[0] == (8, 8)

    def test_lists_of_tensors(self) -> None:
        picked = torch.tensor([2, 0])
        assert saved_of(lambda x: x[picked, :], leaf(3, 4)) == {"indices[0]": ((2,), "int64", 16)}

    def test_a_custom_function(self) -> None:
        found = saved_of(lambda x: Scaled.apply(x), leaf(2, 3))  # noqa: PLW0108  # `apply` as it is while recording
        assert found == {"saved_tensors[0]": ((2, 3), "float32", 24), "saved_tensors[2]": ((), "float64", 8)}

    def test_nothing(self) -> None:
        assert saved_of(torch.add, leaf(2), leaf(2)) == {}
        with torch.no_grad():
            assert saved_of(torch.exp, leaf(2)) == {}

    def test_each_tensor_of_a_call_with_several_results_once(self) -> None:
        assert set(saved_of(lambda x: x.max(dim=0), leaf(3, 4))) == {"indices"}

    def test_a_write_in_place(self) -> None:
        assert set(saved_of(lambda x: x.exp_(), leaf(3).clone())) == {"result"}


class TestWhere:
    def test_in_the_graph_by_the_table_of_attributes(self) -> None:
        run = gnn.trace(mlp(), batch(), loss=lambda y: y.sum(), keep="stats")
        validate(run.graph)
        node = run.node("0").id
        assert run.graph.nodes[node]["saved"] == [{"name": "mat1", "shape": (5, 3), "dtype": "float32", "bytes": 60}]
        assert "saved" not in run.graph.nodes[run.node("0.weight").id]

    @pytest.mark.parametrize(("keep", "saved", "expected"), [
        ("none", None, False), ("none", True, True), ("stats", None, True), ("all", None, True), ("all", False, False),
    ])  # fmt: skip
    def test_trace_notes_it_unless_nothing_is_kept(self, keep: str, saved: bool | None, expected: bool) -> None:
        run = gnn.trace(mlp(), batch(), keep=keep, saved=saved)
        assert (run.node("0").saved is not None) is expected

    def test_record_notes_it_where_asked_and_the_file_keeps_it(self, tmp_path: Any) -> None:
        training = Training()
        assert record(lambda: training.steps(2)).node("0").saved is None
        run = record(lambda: training.steps(2), saved=True)
        assert run.steps[0].info.structure == run.steps[1].info.structure
        run.save(tmp_path / "run.gvnn")
        with gnn.load(tmp_path / "run.gvnn") as loaded:
            assert loaded.node("0").saved == run.node("0").saved == (Saved("mat1", (5, 3), "float32", 60),)

    def test_unknown_inside_hooks_of_the_program(self) -> None:
        """Reading would call the program's hook."""
        called: list[Tensor] = []

        def unpack(saved: Tensor) -> Tensor:
            called.append(saved)
            return saved

        def program() -> None:
            with torch.autograd.graph.saved_tensors_hooks(lambda saved: saved, unpack):
                leaf(2).exp()

        assert nodes(gnn.trace(program), "exp")[0].saved is None
        assert not called

    def test_a_checkpoint_saves_nothing_of_its_calls_but_what_they_compute_again(self) -> None:
        def program() -> None:
            checkpoint(torch.exp, leaf(2), use_reentrant=True).sum().backward()

        first, again = nodes(gnn.trace(program), "exp")
        assert first.saved == ()
        assert table(again.saved) == {"result": ((2,), "float32", 8)}

    def test_a_checkpoint_without_reentry_computes_once_more_and_not_twice(self) -> None:
        runs: list[int] = []

        def segment(x: Tensor) -> Tensor:
            runs.append(1)
            return x.exp()

        def program() -> None:
            checkpoint(segment, leaf(2), use_reentrant=False).sum().backward()

        assert nodes(gnn.trace(program), "exp")[0].saved is None
        assert len(runs) == 2

    def test_what_was_freed_is_left_out(self) -> None:
        y = leaf(1).exp()
        y.backward()
        tape = Tape()
        SavedTensors(tape).value(0, y)
        assert tape.saved == {0: ()}


SOME = PROGRAMS[::5]


class TestNeutral:
    @pytest.mark.parametrize("program", SOME, ids=[program.name for program in SOME])
    def test_no_bit_changes(self, program: Program) -> None:
        def recorded(run: Any) -> None:
            gnn.trace(run, keep="stats", saved=True)

        assert observe(program.fresh()).differences(observe(program.fresh(), recorded)) == []

    def test_nothing_is_held_and_no_version_counted(self) -> None:
        layer = nn.Linear(4, 4)
        x = leaf(2, 3, 4)
        before = layer.weight._version
        hidden: list[Any] = []

        def program() -> None:
            y = layer(x).relu()
            hidden.append(ref(y))
            assert (x._version, y._version, layer.weight._version) == (0, 0, before)
            y.sum().backward()
            del y
            assert hidden[0]() is None

        gnn.trace(program, keep="stats")

    def test_autograd_still_sees_a_write_to_what_it_saved(self) -> None:
        def program() -> None:
            x = leaf(3)
            y = x.exp()
            y.add_(1)
            y.sum().backward()

        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            gnn.trace(program)

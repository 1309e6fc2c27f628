"""Running a recorded step again: what is the same, what an override changes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded, ReplayError, ReplayMismatch, SelectorError, UsageError
from graphviz_nn.graph.replay import replay
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.run import Run


class Hidden(torch.autograd.Function):
    """Doubles its input where no recorder sees it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().numpy() * 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 2


class Open(torch.autograd.Function):
    """Doubles its input, with a gradient that is not its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 100


def trace(program: Callable[..., Any], *inputs: Any, keep: Any = "all") -> Run:
    torch.manual_seed(0)
    return gnn.trace(program, *inputs, keep=keep)


def load_of(run: Run) -> Callable[[TensorKey], TensorData | None]:
    return lambda key: run.data.tensor(0, key)


def from_file(run: Run, **options: Any) -> Mapping[ValueRef, Tensor]:
    """Replays as if the run came from a file: no live functions, a structure that was written and read."""
    return replay(Structure.decode(run.structure().encode()), load_of(run), **options)


def value(run: Run, values: Mapping[ValueRef, Tensor], name: str, index: int = 0) -> Tensor:
    return values[ValueRef(run.node(name).id, index)]


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, requires_grad=True)


# ---- the same again


def test_every_value_comes_back_as_it_was_when_it_was_made():
    def program(x: Tensor) -> Tensor:
        y = x * 2
        row = y[0]
        y.add_(1)
        row.zero_()
        return y.sum()

    x = torch.arange(6.0).reshape(2, 3)
    run = trace(program, x)
    values = run.replay()
    assert value(run, values, "mul").tolist() == [[0, 2, 4], [6, 8, 10]]
    assert value(run, values, "add_").tolist() == [[1, 3, 5], [7, 9, 11]]
    assert value(run, values, "zero_", 1).tolist() == [[0, 0, 0], [7, 9, 11]]
    assert len(values) == run.structure().value_count


def test_views_share_memory_until_they_are_written():
    def program(x: Tensor) -> Tensor:
        y = x * 2
        return y.view(-1).exp()

    run = trace(program, torch.randn(2, 3))
    values = run.replay()
    assert value(run, values, "view").data_ptr() == value(run, values, "mul").data_ptr()


def test_the_random_state_is_replayed_and_left_alone():
    run = trace(lambda x: nn.functional.dropout(x) + torch.rand(100), torch.ones(100))
    torch.manual_seed(123)
    state = torch.get_rng_state()
    values = run.replay()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(value(run, values, "rand"), run.value("rand"))
    assert 0 < int((value(run, values, "dropout") == 0).sum()) < 100


def test_autograd_grad_is_a_call_like_any_other():
    def program(x: Tensor) -> Tensor:
        (first,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
        return second

    run = trace(program, leaf(4))
    values = from_file(run, overrides={0: torch.full((4,), 2.0)})
    assert value(run, values, "grad").tolist() == [12.0] * 4
    assert value(run, values, "grad_2").tolist() == [12.0] * 4


def test_autocast_is_entered_again():
    model = nn.Linear(4, 4)

    def program(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            y = model(x) + model(x)
        return model(y.float())

    run = trace(program, torch.randn(2, 4))
    dtypes = [value.dtype for ref, value in from_file(run).items() if run.structure().nodes[ref.node].op == "linear"]
    assert dtypes == [torch.bfloat16, torch.bfloat16, torch.float32]


def test_a_parameter_is_written_without_the_grad_mode():
    weight = nn.Parameter(torch.ones(3))

    def program(x: Tensor) -> Tensor:
        with torch.no_grad():
            weight.mul_(0.5)
            weight[0].zero_()
        return (weight * x).sum()

    run = trace(program, torch.ones(3))
    assert value(run, from_file(run), "sum").item() == 1.0


def test_a_tensor_made_to_require_a_gradient_is_a_leaf_again():
    def program() -> Tensor:
        x = torch.zeros(3).exp().requires_grad_()
        (gradient,) = torch.autograd.grad((x * x).sum(), x)
        return gradient

    run = trace(program)
    assert value(run, from_file(run), "grad").tolist() == [2.0, 2.0, 2.0]


def test_the_default_dtype_is_that_of_the_program():
    torch.set_default_dtype(torch.float64)
    try:
        run = trace(lambda: torch.ones(3) / torch.arange(1, 4))
    finally:
        torch.set_default_dtype(torch.float32)
    assert value(run, run.replay(), "ones").dtype == torch.float64
    assert torch.get_default_dtype() == torch.float32


def test_what_the_optimizer_wrote_is_taken_as_recorded():
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=1.0)

    def program(x: Tensor) -> Tensor:
        (weight * x).sum().backward()
        optimizer.step()
        return (weight + 1).sum()

    run = trace(program, torch.full((3,), 5.0))
    assert value(run, from_file(run), "add").tolist() == [-3.0, -3.0, -3.0]


def test_uninitialised_memory_is_taken_as_recorded():
    def program() -> Tensor:
        y = torch.empty(4)
        y.fill_(3)
        return y.sum()

    run = trace(program)
    assert value(run, from_file(run), "sum").item() == 12.0


def test_resized_memory_is_taken_as_recorded():
    def program(x: Tensor) -> Tensor:
        y = x.clone().resize_(1000)
        y[3:] = 1
        return y.sum()

    run = trace(program, torch.zeros(3))
    assert value(run, from_file(run), "sum").item() == 997.0


def test_a_composite_runs_by_its_inside():
    attention = nn.MultiheadAttention(8, 2)
    run = trace(lambda x: attention(x, x, x)[0].sum(), torch.randn(3, 1, 8))
    assert any(node.kind == "composite" for node in run.structure().nodes)
    assert from_file(run).keys() == {
        ValueRef(node.id, index) for node in run.structure().nodes for index in range(len(node.outputs))
    }


# ---- what if


def test_an_override_changes_what_is_downstream_and_nothing_else():
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    run = trace(lambda x: (model(x), x.exp()), torch.randn(4, 3))
    hidden = torch.full((4, 3), 2.0)
    values = run.replay({"1": hidden})
    assert torch.equal(value(run, values, "2"), model[2](hidden))
    for name in ("0", "exp"):
        assert torch.equal(value(run, values, name), run.value(name))


@pytest.mark.parametrize("key", ["relu", 1, (1, 0), ValueRef(1, 0)])
def test_a_value_can_be_named_in_several_ways(key: Any):
    run = trace(lambda x: x.relu().sum(), torch.randn(3))
    assert value(run, from_file(run, overrides={key: torch.ones(3)}), "sum").item() == 3.0


def test_the_tensor_of_an_override_is_not_written():
    run = trace(lambda x: x.relu().add_(1), torch.randn(3))
    given = torch.ones(3)
    assert value(run, from_file(run, overrides={"relu": given}), "add_").tolist() == [2.0, 2.0, 2.0]
    assert given.tolist() == [1.0, 1.0, 1.0]


def test_an_overridden_write_is_seen_through_other_views():
    def program(x: Tensor) -> Tensor:
        y = x * 2
        row = y[0]
        row.add_(1)
        return y.sum()

    run = trace(program, torch.zeros(2, 2))
    values = from_file(run, overrides={"add_": torch.full((2,), 5.0)})
    assert value(run, values, "sum").item() == 10.0


def test_gradients_follow_an_override():
    def program(x: Tensor) -> Tensor:
        y = x.exp()
        (gradient,) = torch.autograd.grad((y * y).sum(), y)
        return gradient

    run = trace(program, leaf(3))
    values = from_file(run, overrides={"exp": torch.tensor([1.0, 2.0, 3.0])})
    assert value(run, values, "grad").tolist() == [2.0, 4.0, 6.0]


def test_a_gradient_beyond_an_override_is_left_out():
    run = trace(lambda x: torch.autograd.grad(x.exp().square().sum(), x)[0], leaf(3))
    assert ValueRef(run.node("grad").id, 0) in from_file(run)
    assert ValueRef(run.node("grad").id, 0) not in from_file(run, overrides={"exp": torch.ones(3)})


def test_a_write_is_overridden_in_the_memory_that_other_views_share():
    def program(x: Tensor) -> Tensor:
        y = x * 2
        row = y[0]
        y.add_(1)
        return row.sum()

    run = trace(program, torch.zeros(2, 2))
    values = from_file(run, overrides={"add_": torch.full((2, 2), 5.0)})
    assert value(run, values, "sum").item() == 10.0


def test_what_an_override_would_change_but_cannot_is_left_out():
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=1.0)

    def program(x: Tensor) -> None:
        (weight * x).sum().backward()
        optimizer.step()

    run = trace(program, torch.ones(3))
    parameter = next(node for node in run.structure().nodes if node.kind == "parameter")
    step = next(node for node in run.structure().nodes if node.op == "SGD")
    assert ValueRef(step.id, 0) in from_file(run)
    assert ValueRef(step.id, 0) not in from_file(run, overrides={parameter.id: torch.zeros(3)})


def test_a_reader_of_what_cannot_be_known_is_refused():
    run = trace(lambda x: torch.vmap(lambda row: row * 2)(x.exp()).sin(), leaf(3))
    assert any(node.kind == "opaque" for node in run.structure().nodes)
    assert torch.equal(value(run, from_file(run), "sin"), run.value("sin"))
    with pytest.raises(ReplayError, match="depends on an override and cannot be run again"):
        from_file(run, overrides={"exp": torch.ones(3)})


def test_overrides_that_do_not_fit_are_refused():
    run = trace(lambda x: x.relu().sum(), torch.randn(3))
    with pytest.raises(UsageError, match=r"a tensor of float32 and shape \(4,\); it must be like the value"):
        from_file(run, overrides={"relu": torch.ones(4)})
    with pytest.raises(UsageError, match="is a float"):
        from_file(run, overrides={"relu": 1.0})
    with pytest.raises(SelectorError, match=r"No node is named 'rely'. Did you mean 'relu'\?"):
        from_file(run, overrides={"rely": torch.ones(3)})
    with pytest.raises(SelectorError, match="there is no output 1"):
        from_file(run, overrides={("relu", 1): torch.ones(3)})
    with pytest.raises(SelectorError, match="There is no node 99"):
        from_file(run, overrides={99: torch.ones(3)})


# ---- checks and refusals


def changed(run: Run, name: str, array: list[float]) -> Callable[[TensorKey], TensorData | None]:
    """A `load` that gives other numbers for one value."""
    node = run.node(name).id
    original = load_of(run)

    def load(key: TensorKey) -> TensorData | None:
        data = original(key)
        if data is None or key != TensorKey("value", node, 0):
            return data
        return TensorData(data.dtype, data.shape, torch.tensor(array).view(torch.uint8).numpy())

    return load


def test_a_difference_names_the_node_and_both_values():
    run = trace(lambda x: x.relu().sum(), torch.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(ReplayMismatch) as caught:
        replay(run.structure(), changed(run, "relu", [1.0, 2.5, 3.0]))
    assert str(caught.value) == (
        "Replaying 'relu' (node 1, relu), output 0, gave another value: 1 of 3 elements differ, by at most 0.5: "
        "at [1] it was 2.5, and is 2.0."
    )
    assert replay(run.structure(), changed(run, "relu", [1.0, 2.5, 3.0]), check=False)


def test_the_sign_of_zero_counts_and_nan_equals_nan():
    run = trace(lambda x: (x * 1).sum(), torch.tensor([0.0, float("nan"), float("inf")]))
    run.replay()
    with pytest.raises(ReplayMismatch, match=r"1 of 3 elements differ, by at most 0: at \[0\] it was -0.0, and is 0.0"):
        replay(run.structure(), changed(run, "mul", [-0.0, float("nan"), float("inf")]))


def test_nothing_downstream_of_an_override_is_checked():
    run = trace(lambda x: x.relu().exp(), torch.tensor([1.0, 2.0, 3.0]))
    load = changed(run, "exp", [0.0, 0.0, 0.0])
    replay(run.structure(), load, {"relu": torch.ones(3)})
    with pytest.raises(ReplayMismatch, match="'exp'"):
        replay(run.structure(), load)


def test_a_custom_function_is_replayed_from_a_file_by_its_inside():
    run = trace(lambda x: Open.apply(x.exp()).sum(), leaf(3))
    values = from_file(run, overrides={"exp": torch.ones(3)})
    assert value(run, values, "sum").item() == 6.0


def test_a_gradient_through_a_custom_function_is_its_own_or_as_recorded():
    def program(x: Tensor) -> Tensor:
        return torch.autograd.grad(Open.apply(x.exp()).sum(), x)[0]

    run = trace(program, leaf(3))
    assert torch.equal(value(run, run.replay(), "grad"), run.value("grad"))
    assert torch.equal(value(run, from_file(run), "grad"), run.value("grad"))
    halved = {"exp": run.value("exp") / 2}
    assert torch.equal(value(run, run.replay({0: run.value(0)}), "grad"), run.value("grad"))
    assert ValueRef(run.node("grad").id, 0) not in from_file(run, overrides=halved)


def test_a_custom_function_that_hides_its_work_needs_the_recording_process():
    run = trace(lambda x: Hidden.apply(x.exp()).sum(), leaf(3))
    assert value(run, run.replay({"exp": torch.ones(3)}), "sum").item() == 6.0
    with pytest.raises(ReplayError, match=r"'Hidden' .* from a file: a file holds no code. Replay in the process"):
        from_file(run)
    made = ValueRef(run.node("Hidden").id, 0)
    assert value(run, from_file(run, overrides={made: torch.ones(3)}), "sum").item() == 3.0


def test_a_write_that_cannot_be_made_again_can_be_overridden():
    generator = torch.Generator()
    run = trace(lambda x: x.exp().bernoulli_(generator=generator).sum(), torch.zeros(4))
    with pytest.raises(ReplayError, match="override its value"):
        from_file(run)
    assert value(run, from_file(run, overrides={"bernoulli_": torch.ones(4)}), "sum").item() == 4.0


def test_an_argument_that_cannot_be_written_down_needs_the_recording_process():
    generator = torch.Generator()
    run = trace(lambda x: torch.bernoulli(x, generator=generator).sum(), torch.full((8,), 0.5))
    assert torch.equal(value(run, run.replay(), "sum"), run.value("sum"))
    with pytest.raises(ReplayError, match=r"'bernoulli' .* not all of its arguments could be written down"):
        from_file(run)


def test_a_call_that_raises_is_named():
    run = trace(lambda x: torch.linalg.inv(x).sum(), torch.eye(2))
    with pytest.raises(ReplayError, match=r"'linalg_inv' .* raised when run again: .*singular"):
        from_file(run, overrides={0: torch.zeros(2, 2)})


def test_a_value_that_was_not_kept_is_named():
    run = trace(lambda x: x.relu().sum(), torch.randn(3), keep="stats")
    with pytest.raises(NotRecorded, match=r".* which 'relu' reads, was not kept. Record with keep='all'"):
        from_file(run)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_tensor_from_outside_is_given_as_an_override():
    parts = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)])
    run = trace(lambda x: (x * 2).to_padded_tensor(0.0).sum(), parts)
    with pytest.raises(NotRecorded, match="No run keeps nested tensors: override 'input' with one"):
        from_file(run)
    assert value(run, from_file(run, overrides={"input": parts}), "sum") == 36
    with pytest.raises(UsageError, match=r"shape \(2, 6\); it must be like the value: .* shape \(2, -1, 3\)"):
        from_file(run, overrides={"input": torch.ones(2, 6)})


def test_a_step_that_failed_is_replayed_up_to_the_failure(tmp_path: Path):
    with pytest.raises(RuntimeError), gnn.record(tmp_path / "run.gvnn", keep="all") as recorder, recorder.step():
        torch.arange(6.0).reshape(2, 3).exp() @ torch.ones(7)
    with gnn.load(tmp_path / "run.gvnn") as run:
        assert run.structure().nodes[-1].attributes["error"]
        assert torch.equal(value(run, run.replay(), "exp"), torch.arange(6.0).reshape(2, 3).exp())


# ---- memory


def test_only_what_is_wanted_is_kept():
    run = trace(lambda x: x.relu().exp().sum(), torch.randn(3))
    values = from_file(run, keep=lambda ref: ref.node == 2)
    assert list(values) == [ValueRef(2, 0)]
    assert torch.equal(values[ValueRef(2, 0)], run.value(2))


def test_values_that_nobody_wants_are_freed_after_their_last_use(monkeypatch: pytest.MonkeyPatch):
    import weakref

    from graphviz_nn.graph import replay as module

    def program(x: Tensor) -> Tensor:
        for _ in range(20):
            x = x.exp().log()
        return x

    run = trace(program, torch.ones(5))
    alive: list[weakref.ref[Tensor]] = []
    most = 0
    original = module._Replay._bind

    def bind(self: Any, node: Any, version: str, tensors: list[Tensor]) -> None:
        nonlocal most
        alive.extend(weakref.ref(tensor) for tensor in tensors)
        most = max(most, sum(reference() is not None for reference in alive))
        original(self, node, version, tensors)

    monkeypatch.setattr(module._Replay, "_bind", bind)
    from_file(run, keep=lambda ref: False)
    assert len(alive) == 40
    assert most <= 2

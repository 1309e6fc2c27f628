"""What a recorded graph says of each call: names, arguments, places, versions, kinds, phases, parents."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

import graphviz_nn as gnn
from graphviz_nn.recording.argument_forms import ArgumentForms
from graphviz_nn.recording.tape import SLOT
from tests.core.recording.programs import batch, feeding, nodes, operators

# ---- names and arguments

CALLS: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "conv2d": (
        lambda x: F.conv2d(x.reshape(1, 1, 5, 3), torch.ones(2, 1, 3, 3), None, stride=(1, 2), padding=1),
        {"stride": [1, 2], "padding": 1},
        ["input", "weight"],
    ),
    "cat": (lambda x: torch.cat([x, x, x], dim=1), {"dim": 1}, ["tensors[0]", "tensors[1]", "tensors[2]"]),
    "stack": (lambda x: torch.stack((x, x)), {}, ["tensors[0]", "tensors[1]"]),
    "getitem": (lambda x: x[1:, ..., None], {"idx": ["1:", "...", None]}, ["input"]),
    "transpose": (lambda x: x.transpose(0, 1), {"dim0": 0, "dim1": 1}, ["input"]),
    "sum": (lambda x: x.sum(-1, keepdim=True), {"dim": -1, "keepdim": True}, ["input"]),
    "to": (lambda x: x.to(torch.float64), {"dtype": "torch.float64"}, ["input"]),
    "addmm": (lambda x: torch.addmm(x, x, torch.ones(3, 3), beta=0.5), {"beta": 0.5}, ["input", "mat1", "mat2"]),
    "where": (lambda x: torch.where(x > 0, x, 0.5), {"other": 0.5}, ["condition", "input"]),
    "einsum": (
        lambda x: torch.einsum("ij,kj->ik", x, x), {"equation": "ij,kj->ik"}, ["operands[0]", "operands[1]"],
    ),
    "permute": (lambda x: x.permute(1, 0), {"dims": [1, 0]}, ["input"]),
    "view": (lambda x: x.view(3, -1), {"size": [3, -1]}, ["input"]),
    "clamp": (lambda x: x.clamp(min=0), {"min": 0}, ["input"]),
    "softmax": (lambda x: F.softmax(x, dim=0), {"dim": 0}, ["input"]),
    "topk": (lambda x: x.topk(2), {"k": 2}, ["input"]),
    "gelu": (lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"}, ["input"]),
    "embedding": (
        lambda x: F.embedding(torch.tensor([1]), x, padding_idx=2),
        {"padding_idx": 2, "scale_grad_by_freq": False, "sparse": False},
        ["weight", "indices"],
    ),
    "scaled_dot_product_attention": (
        lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None], is_causal=True),
        {"is_causal": True},
        ["query", "key", "value"],
    ),
    "rsub": (lambda x: 2 - x, {"other": 2}, ["input"]),
    "mul": (lambda x: 2 * x, {"other": 2}, ["input"]),
    "div": (lambda x: x / x, {}, ["input", "other"]),
    "matmul": (lambda x: x @ x.mT, {}, ["input", "other"]),
    "eq": (lambda x: x == x + 1, {}, ["input", "other"]),
    "neg": (lambda x: -x, {}, ["input"]),
}  # fmt: skip


@pytest.mark.parametrize("op", CALLS)
def test_attributes_and_argument_names(op: str):
    call, attributes, arguments = CALLS[op]
    node = nodes(gnn.trace(call, batch()), op)[0]
    assert {key: value for key, value in node.attributes.items() if key in attributes} == attributes
    assert [edge.argument for edge in node.inputs] == arguments
    assert node.kind == "op"


def test_names_are_unique_and_readable():
    run = gnn.trace(lambda x: (x + x).relu() + (x * x).relu(), batch())
    assert [node.name for node in run.structure().nodes] == ["input", "add", "relu", "mul", "relu_2", "add_2"]


def test_a_name_that_looks_numbered_stays_unique():
    model = nn.ModuleDict({"relu": nn.ReLU(), "relu_2": nn.ReLU()})
    model.forward = lambda x: model["relu_2"](model["relu"](model["relu"](x)))
    names = [node.name for node in gnn.trace(model, batch()).structure().nodes]
    assert len(set(names)) == len(names) == 4


def test_the_source_of_a_call_is_the_users_line():
    def step(x: Tensor) -> Tensor:
        y = x.exp()  # first
        return F.relu(y).sum()

    run = gnn.trace(nn.Sequential(nn.Linear(3, 3)), batch(), loss=step)
    first = inspect.getsourcelines(step)[1] + 1
    assert run.node("exp").source.file == str(Path(__file__).resolve())
    assert [run.node(name).source.line for name in ("exp", "relu", "sum")] == [first, first + 1, first + 1]
    assert run.node("exp").source.function.endswith("step")
    assert run.data.sources()[run.node("exp").source.file] == Path(__file__).read_text()


def test_the_source_of_a_call_inside_torch_is_where_the_program_entered_it():
    model = nn.Sequential(nn.Linear(3, 4))

    def step(x: Tensor) -> Tensor:
        return model(x)

    source = nodes(gnn.trace(step, batch()), "linear")[0].source
    assert source.file == str(Path(__file__).resolve())
    assert "return model(x)" in Path(__file__).read_text().splitlines()[source.line - 1]


def test_several_outputs_are_several_values():
    run = gnn.trace(lambda x: torch.linalg.svd(x)[1], batch())
    (svd,) = nodes(run, "linalg_svd")
    assert [output.shape for output in svd.outputs] == [(5, 5), (3,), (3, 3)]
    run = gnn.trace(lambda x: x.split(2)[2] + 1, batch())
    assert feeding(run, nodes(run, "add")[0])["input"] == "split"
    assert nodes(run, "add")[0].inputs[0].output == 2


def test_values_know_shape_dtype_device_and_bytes():
    run = gnn.trace(lambda x: (x.to(torch.float16), x > 0), batch())
    (half,), (mask,) = nodes(run, "to")[0].outputs, nodes(run, "gt")[0].outputs
    assert (half.shape, half.dtype, half.device, half.bytes) == ((5, 3), "float16", "cpu", 30)
    assert (mask.dtype, mask.bytes, mask.requires_grad) == ("bool", 15, False)


# ---- kinds


def test_what_leaves_the_graph_is_a_scalar():
    def step(x: Tensor) -> Tensor:
        return x * x.sum().item() if bool((x > 5).any()) else x * int(x.argmax())

    run = gnn.trace(step, batch())
    assert [(node.kind, node.op) for node in run.structure().nodes if node.kind == "scalar"] == [
        ("scalar", "bool"), ("scalar", "int"),
    ]  # fmt: skip
    assert all(not node.outputs for node in run.structure().nodes if node.kind == "scalar")


def test_what_gives_back_its_argument_is_a_noop():
    def step(x: Tensor) -> Tensor:
        return F.dropout(x.contiguous(), 0.5, training=False).to(torch.float32).sum()

    run = gnn.trace(step, batch())
    assert [node.op for node in run.structure().nodes if node.kind == "noop"] == ["contiguous", "dropout", "to"]
    assert feeding(run, nodes(run, "sum")[0]) == {"input": "input"}


def test_looking_at_a_tensor_is_not_recorded():
    def step(x: Tensor) -> Tensor:
        assert x.shape == (5, 3)
        assert x.dim() == x.ndim == 2
        assert x.is_contiguous()
        assert x.dtype.is_floating_point
        assert not x.requires_grad
        assert x.grad is None
        assert len(x) == x.size(0)
        assert repr(x)
        return x + 1

    assert operators(gnn.trace(step, batch())) == ["add"]


def test_attention_can_be_opened():
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    x = torch.linspace(-1, 1, 12).reshape(1, 3, 4)
    run = gnn.trace(attention, x, x, x, loss=lambda y: y[0].mean())
    (composite,) = [node for node in run.structure().nodes if node.kind == "composite"]
    assert composite.op == "multi_head_attention_forward"
    inside = [node for node in run.structure().nodes if node.parent == composite.id]
    assert {"linear", "softmax", "bmm"} <= {node.op for node in inside}
    assert max(node.id for node in inside) < composite.id
    assert composite.outputs == ()


@pytest.mark.parametrize("direct", [True, False])
def test_a_custom_function_can_be_opened_and_says_what_it_returned(direct):
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
            return x.exp() * factor

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
            return gradient * 2, None

    scaled = Scaled.apply  # Bound before the recording, as many files do at their head.
    program = (lambda x: Scaled.apply(x, 3.0).sum()) if direct else (lambda x: scaled(x, 3.0).sum())
    run = gnn.trace(program, batch().requires_grad_(), loss=lambda y: y)
    (custom,) = [node for node in run.structure().nodes if node.kind == "custom"]
    assert (custom.op, custom.attributes) == ("Scaled", {"factor": 3.0})
    assert [node.op for node in run.structure().nodes if node.parent == custom.id] == ["exp", "mul"]
    assert feeding(run, custom) == {"x": "input", "result": "mul"}
    assert feeding(run, nodes(run, "sum")[0]) == {"input": custom.name}
    assert nodes(run, "mul")[1].phase == "backward"


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*")
def test_a_scripted_function_is_one_opaque_node():
    scripted = torch.jit.script(swish)
    run = gnn.trace(lambda x: scripted(x.exp()).sum(), batch().requires_grad_(), loss=lambda y: y)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert set(feeding(run, opaque).values()) == {"exp"}
    assert feeding(run, nodes(run, "sum")[0]) == {"input": opaque.name}


def swish(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def test_work_in_another_thread_is_tied_to_what_it_read():
    def step(x: Tensor) -> Tensor:
        results: list[Tensor] = []
        y = x.exp()
        thread = threading.Thread(target=lambda: results.append((y * 2).relu()))
        thread.start()
        thread.join()
        return results[0].sum()

    run = gnn.trace(step, batch().requires_grad_(), loss=lambda y: y)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert opaque.op == "relu"
    assert set(feeding(run, opaque).values()) == {"exp"}


def test_a_tensor_from_numpy_is_a_source():
    array = batch().numpy()
    run = gnn.trace(lambda x: x + torch.from_numpy(array), batch())
    assert set(feeding(run, nodes(run, "add")[0])) == {"input", "other"}
    assert {node.kind for node in run.structure().nodes} == {"input", "op"}


def test_equal_numbers_of_different_types_stay_apart() -> None:
    """`t * 2` of integers is of integers, `t * 2.0` is not; a replay must be given what the program gave."""

    def program() -> tuple[torch.Tensor, torch.Tensor]:
        t = torch.arange(3)
        return t * 2, t * 2.0

    replayed = gnn.trace(program).replay()
    assert [value.dtype for value in replayed.values()] == [torch.int64, torch.int64, torch.float32]


def test_zeros_of_different_signs_stay_apart() -> None:
    run = gnn.trace(lambda: (torch.full((2,), 0.0), torch.full((2,), -0.0)))
    assert [bool(value.signbit().all()) for value in run.replay().values()] == [False, True]


@pytest.mark.parametrize(
    ("given", "other"),
    [
        (1, True), (0.0, -0.0), (0j, -0j), ([1, 2], [1, 2.0]), ((0.0,), (-0.0,)), ([0j], [-0j]), ([[0.0]], [[-0.0]]),
        (slice(0, 1), slice(False, True)), ([SLOT, 1], [SLOT, True]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("by_name", [False, True])
def test_equal_arguments_are_told_apart(given: Any, other: Any, by_name: bool) -> None:
    def calls(argument: Any) -> list[tuple[Any, ...]]:
        arguments, keywords = ((SLOT,), {"value": argument}) if by_name else ((SLOT, argument), None)
        return [(None,) * 10 + (arguments, keywords)]

    assert given == other
    forms = ArgumentForms(calls(given))
    assert forms.match(calls(given))
    assert not forms.match(calls(other))


@pytest.mark.parametrize(("first", "second"), [(0.0, -0.0), (1, True), (2, 2.0), (0j, -0j)])
@pytest.mark.parametrize("call", [lambda x: torch.full((2,), x), lambda x: torch.tensor([3, x])])
def test_steps_whose_arguments_are_equal_but_not_the_same_are_told_apart(
    first: complex, second: complex, call: Callable[[complex], torch.Tensor]
) -> None:
    def structures(*arguments: complex) -> int:
        with gnn.record(None, every=1) as recording:
            for given in arguments:
                with recording.step():
                    call(given)
        return len({each.info.structure for each in recording.run.steps})

    assert structures(first, first) == 1
    assert structures(first, second) == 2

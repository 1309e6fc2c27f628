"""What a recorded graph says of each call: names, arguments, places, versions, kinds, phases, parents."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name
from torch.utils.checkpoint import checkpoint

import graphviz_nn as gnn
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, feeding, mlp, nodes, operators, record

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


def test_a_custom_function_can_be_opened_and_says_what_it_returned():
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
            return x.exp() * factor

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
            return gradient * 2, None

    run = gnn.trace(lambda x: Scaled.apply(x, 3.0).sum(), batch().requires_grad_(), loss=lambda y: y)
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


# ---- versions


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


# ---- phases and roles


def test_phases_of_a_training_step():
    training = Training(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)))

    def loop() -> None:
        training.backward()
        nn.utils.clip_grad_norm_(training.model.parameters(), 0.1)
        training.optimizer.step()

    run = record(loop, training.model)
    clipping = operators(run, phase="optimizer")
    assert clipping[-1] == "SGD"
    assert any("norm" in op for op in clipping)
    assert set(operators(run, phase="infra")) == {"add_"}, "the batch norm's counter"
    assert operators(run, phase="forward")[-3:] == ["square", "mean", "item"]
    assert next(node.name for node in run.structure().nodes if node.kind == "constant") == "gradient"


def test_the_optimizers_node_reads_and_writes_every_parameter():
    training = Training()
    run = record(training.step, training.model)
    (sgd,) = nodes(run, "SGD")
    assert [run.structure().nodes[edge.node].name for edge in sgd.inputs] == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]
    assert [output.version for output in sgd.outputs] == ["mutated"] * 4


def test_a_frozen_parameter_is_not_updated():
    training = Training()
    training.model[0].requires_grad_(False)
    run = record(training.step, training.model)
    (sgd,) = nodes(run, "SGD")
    assert {run.structure().nodes[edge.node].name for edge in sgd.inputs} == {"2.weight", "2.bias"}


def test_loss_and_outputs_have_roles():
    run = gnn.trace(mlp(), batch(), loss=lambda y: y.mean())
    roles = {node.name: output.role for node in run.structure().nodes for output in node.outputs if output.role}
    assert roles == {"2": "output", "mean": "loss"}
    assert run.steps[-1].loss == pytest.approx(run.value("mean").item(), abs=0)


def test_outputs_in_containers_have_their_role():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> dict[str, Any]:
            y = self.linear(x)
            return {"logits": y, "hidden": (y.exp(), [y.tanh()])}

    run = gnn.trace(Net(), batch())
    assert [node.op for node in run.structure().nodes for output in node.outputs if output.role == "output"] == [
        "linear", "exp", "tanh",
    ]  # fmt: skip


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputed_calls_say_what_they_compute_again(reentrant: bool):
    model = mlp()
    run = gnn.trace(
        lambda x: checkpoint(model, x, use_reentrant=reentrant).sum(), batch().requires_grad_(), loss=lambda y: y
    )
    again = [node for node in run.structure().nodes if node.phase == "recompute"]
    originals = [run.structure().nodes[node.attributes["recompute_of"]] for node in again]
    assert [node.op for node in originals] == [node.op for node in again]
    assert {node.phase for node in originals} == {"forward"}
    assert [node.op for node in again][:2] == ["linear", "relu"]
    assert not any("error" in node.attributes for node in run.structure().nodes)
    assert run.gradient(nodes(run, "relu")[0]).shape == (5, 4)


def test_autocast_is_noted_where_a_replay_needs_it():
    model = nn.Linear(3, 2)

    def step(x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = model(x)
        return y.float().sum()

    run = gnn.trace(step, batch())
    (linear,) = nodes(run, "linear")
    assert linear.attributes["autocast"]["dtype"] == "bfloat16"
    assert linear.outputs[0].dtype == "bfloat16"
    assert "autocast" not in nodes(run, "sum")[0].attributes


def test_autograd_grad_is_a_call_with_results():
    def step(w: Tensor) -> Tensor:
        y = (w**3).sum()
        (slope,) = torch.autograd.grad(y, w, create_graph=True)
        return slope.square().sum()

    w = batch().requires_grad_()
    run = gnn.trace(step, w, loss=lambda y: y)
    (grad,) = nodes(run, "grad")
    assert feeding(run, grad) == {"outputs[0]": "sum", "inputs[0]": "input"}
    assert grad.attributes["create_graph"] is True
    assert feeding(run, nodes(run, "square")[0]) == {"input": "grad"}
    assert run.steps[-1].info.passes == 2
    assert torch.equal(run.value("grad"), (3 * w**2).detach())


def test_a_torch_func_transform_is_one_opaque_node_and_said():
    run = gnn.trace(lambda x: torch.vmap(lambda row: row * 2)(x.exp()).sum(), batch())
    assert any("torch.func" in note for note in run.meta.notes)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert set(feeding(run, opaque).values()) == {"exp"}


def test_the_arguments_of_a_module_reach_into_a_transform():
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.vmap(lambda row: row * 2)(x).sum()

    run = gnn.trace(Net(), batch())
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert set(feeding(run, opaque).values()) == {"x"}


def test_inputs_stand_outside_modules():
    run: Run = gnn.trace(mlp(), batch())
    (source,) = [node for node in run.structure().nodes if node.kind == "input"]
    assert (source.module, source.call, source.parent, source.source) == (None, 0, None, None)

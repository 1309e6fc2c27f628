"""Compiled, traced, scripted, quantised and replicated modules: recorded eagerly, or one labelled node, and said so."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tests.core.recording.programs import Training, batch, feeding, mlp, operators, record, sources

NOTE = "torch.compile"


@pytest.fixture(autouse=True)
def _no_compiled_code_left() -> Iterator[None]:
    """torch remembers every compiler that the process has used."""
    yield
    torch._dynamo.reset()


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Some of these interfaces warn that they will go away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_compiled_model_runs_eager_in_a_recorded_step_and_is_recorded():
    training = Training()
    compiled = torch.compile(training.model, backend="eager")

    def loop() -> None:
        for _ in range(2):
            compiled(batch()).square().mean().backward()
            training.optimizer.step()

    run = record(loop)
    assert operators(run, 0, "forward") == operators(run, 1, "forward")
    assert operators(run)[-6:] == ["linear", "relu", "linear", "square", "mean", "SGD"]
    assert any(NOTE in note and "eager" in note for note in run.meta.notes)


def test_a_compiled_function_inside_a_step():
    training = Training()
    loss = torch.compile(lambda y: y.sin().mean(), backend="eager")

    def loop() -> None:
        loss(training.model(batch())).backward()
        training.optimizer.step()

    run = record(loop, training.model)
    assert {"sin", "mean"} <= set(operators(run))
    assert any(NOTE in note for note in run.meta.notes)


def test_compiled_code_is_compiled_again_after_the_recording():
    compilations: list[int] = []

    def backend(module: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        compilations.append(1)
        return module

    model = mlp()
    compiled = torch.compile(model, backend=backend)
    torch.optim.SGD(model.parameters(), 0.1).step()
    record(lambda: compiled(batch()), compiled)
    assert compilations == []
    compiled(batch())
    assert compilations == [1]


def test_an_eager_program_is_not_said_to_be_compiled():
    training = Training()
    assert record(lambda: training.steps(2), training.model).meta.notes == ()


@pytest.mark.usefixtures("_quiet")
def test_a_traced_module_is_one_opaque_node():
    model = torch.jit.trace(mlp(), batch())
    alone, training = Training(), Training(model)
    alone.model.load_state_dict(model.state_dict())
    alone.steps(2)
    run = record(lambda: training.steps(2), model)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    parameters = {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert set(feeding(run, opaque).values()) >= parameters
    assert parameters <= set(sources(run, "parameter"))
    assert training.losses == alone.losses


@pytest.mark.usefixtures("_quiet")
def test_a_scripted_function_between_recorded_ones():
    @torch.jit.script
    def swish(x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)

    training = Training()

    def loop() -> None:
        swish(training.model(batch())).sum().backward()
        training.optimizer.step()

    run = record(loop, training.model)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert list(feeding(run, opaque).values()) == ["2"]
    assert feeding(run, run.node("sum")) == {"input": opaque.name}


def test_data_parallel_without_devices_is_transparent():
    training = Training(nn.DataParallel(mlp()))
    run = record(lambda: training.steps(2))
    assert operators(run, phase="forward")[:5] == ["linear", "relu", "linear", "square", "mean"]
    assert "module.0.weight" in sources(run, "parameter")


@pytest.mark.usefixtures("_quiet")
def test_a_dynamically_quantised_model():
    model = torch.ao.quantization.quantize_dynamic(mlp(), {nn.Linear}, dtype=torch.qint8)

    def loop() -> None:
        with torch.no_grad():
            model(batch())

    for keep in ("none", "stats", "all"):
        run = record(loop, model, keep=keep)
        assert run.meta.complete
        assert "relu" in operators(run)
        assert len(run.steps) == 1


@pytest.mark.usefixtures("_quiet")
def test_quantised_tensors_are_kept_and_measured():
    model = nn.Sequential(nn.Linear(3, 3))

    def forward() -> Tensor:
        q = torch.quantize_per_tensor(model(batch()), 0.1, 0, torch.qint8)
        return q.dequantize() + 1

    def loop() -> None:
        with torch.no_grad():
            forward()

    run = record(loop, model, keep="all")
    (quantised,) = [node for node in run.structure().nodes if node.op == "quantize_per_tensor"]
    value = run.value(quantised)
    assert torch.allclose(value / 0.1, (value / 0.1).round(), atol=1e-4)
    assert run.stats(quantised.name).max == pytest.approx(value.max().item())
    assert quantised.outputs[0].dtype == "qint8"

"""The recorder keeps nothing of the program alive, and does not grow with the number of steps."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import ref

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.steps import RunMeta, StepRecord
from graphviz_nn.recording import memory
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.recorder import Recorder
from tests.core.recording.programs import Training, batch, mlp

KEEP = ["none", "stats", "all"]


class NoSink:
    """Forgets everything that it is given."""

    def write(self, step: StepRecord) -> None:
        pass

    def add_source(self, file: str, text: str) -> None:
        pass

    def set_meta(self, meta: RunMeta) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def recorder(model: nn.Module, keep: str) -> Iterator[Recorder]:
    with Recorder(NoSink(), model, keep=KeepPolicy.parse(keep)) as recording:
        yield recording


@contextmanager
def no_collection() -> Iterator[None]:
    """What is freed in here is freed by reference counts alone."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("keep", KEEP)
def test_no_tensor_outlives_its_step(keep: str):
    training = Training()
    with recorder(training.model, keep), no_collection():
        y = training.model(batch())
        loss = y.square().mean()
        loss.backward()
        gradients = [parameter.grad for parameter in training.model.parameters()]
        alive = [ref(tensor) for tensor in (y, loss, *gradients)]
        training.optimizer.step()
        training.optimizer.zero_grad()
        del y, loss, gradients
        training.step()
        assert [reference() for reference in alive] == [None] * len(alive)


@pytest.mark.parametrize("keep", KEEP)
def test_no_module_outlives_its_step(keep: str):
    training = Training()
    with recorder(training.model, keep), no_collection():
        criterion = nn.MSELoss()
        criterion(training.model(batch()), torch.zeros(5, 1)).backward()
        alive = ref(criterion)
        del criterion
        training.optimizer.step()
        training.step()
        assert alive() is None


def test_a_tensor_that_nobody_keeps_dies_inside_the_step():
    died: list[bool] = []

    def step(x: Tensor) -> Tensor:
        y = x * 2
        alive = ref(y)
        y = y + 1
        died.append(alive() is None)
        return y.sum()

    gnn.trace(step, batch(), keep="none")
    assert died == [True]


@pytest.mark.parametrize("keep", KEEP)
def test_an_output_that_the_program_keeps_keeps_nothing_else_alive(keep: str):
    training = Training()
    kept: list[Tensor] = []
    alive: list[ref[Tensor]] = []
    with recorder(training.model, keep):
        for _ in range(3):
            hidden = training.model[0](batch()).detach()
            alive.append(ref(hidden))
            y = training.model(batch())
            kept.append(y.detach())
            y.square().mean().backward()
            training.optimizer.step()
            del y, hidden
    gc.collect()
    assert len(kept) == 3
    assert [reference() for reference in alive] == [None] * 3


@pytest.mark.parametrize("keep", KEEP)
def test_memory_does_not_grow_with_the_number_of_steps(keep: str):
    """Python's own pools fill up first."""
    training = Training()
    with recorder(training.model, keep):
        tracemalloc.start()
        training.steps(120)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        training.steps(50)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert after - before < 50 * 1_000, (
        "a step of this program leaves over 8,000 bytes of records behind while it is kept"
    )


def test_finding_the_name_of_a_root_keeps_no_variable_alive():
    def loop() -> None:
        value = torch.ones(3)
        alive = ref(value)
        model = mlp()
        model(batch()).mean().backward()
        del value
        assert alive() is None

    with gnn.record(None, every=1) as recording:
        loop()
    assert "0.weight" in recording.run.structure().by_name


def test_the_programs_own_copy_of_its_variables_is_left_alone():
    def loop() -> dict[str, object]:
        value = torch.ones(3)
        mine = locals()
        encoder, decoder = nn.Linear(3, 3), nn.Linear(3, 1)
        decoder(encoder(value)).mean().backward()
        return mine

    with gnn.record(None, every=1) as recording:
        assert "value" in loop()
    assert "encoder.weight" in recording.run.structure().by_name


def test_a_model_lives_no_longer_for_having_been_recorded():
    model = mlp()
    run = gnn.trace(model, batch(), loss=lambda y: y.mean(), keep="stats")
    alive = ref(model)
    del model
    gc.collect()
    assert alive() is None
    assert len(run.structure().modules) == 4


def test_no_hook_is_left_on_a_parameter():
    training = Training()

    def hook(gradient: Tensor) -> None:
        pass

    training.model[0].weight.register_hook(hook)
    with gnn.record(None, training.model, every=1):
        training.steps(2)
    assert list(training.model[0].weight._backward_hooks.values()) == [hook]
    assert training.model[2].weight._backward_hooks is None


def peak_of_a_chain(calls: int) -> int:
    """Returns the most bytes that Python holds at once while a step of elementwise calls is recorded."""
    x = torch.ones(4, requires_grad=True)
    tracemalloc.start()
    try:
        with Recorder(NoSink(), keep=KeepPolicy.parse("none")) as recording, recording.step():
            y = x
            for _ in range(calls // 2):
                y = (y * 0.999) + 0.001
            y.sum().backward()
            del y
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_recorded_call_takes_at_most_700_bytes():
    peak_of_a_chain(100)  # what is set up once
    few, many = 2_000, 6_000
    assert (peak_of_a_chain(many) - peak_of_a_chain(few)) / (many - few) <= 700


def test_only_a_long_step_has_the_c_library_give_its_memory_back(monkeypatch: pytest.MonkeyPatch):
    given_back = []
    monkeypatch.setattr(memory, "_trim", lambda: given_back.append)
    memory.give_back_after(1_000)
    assert not given_back
    memory.give_back_after(100_000)
    assert given_back == [0]

"""A recording stands beside whatever else the program does: modes, patches, copies, pickles, random numbers."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import graphviz_nn as gnn
from tests.core.recording.programs import Training, batch, indices, mlp, nodes, operators, passes, record


class CountingMode(TorchFunctionMode):
    """Counts the calls that it sees, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.seen.append(getattr(function, "__name__", ""))
        return function(*args, **(kwargs or {}))


@contextmanager
def default_device(device: str) -> Iterator[None]:
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


# ---- modes


def test_a_mode_of_the_users_sees_what_it_would_see():
    def seen(loop: Callable[[Training], object]) -> list[str]:
        torch.manual_seed(0)
        training, mode = Training(), CountingMode()
        with mode:
            loop(training)
        return mode.seen

    plain = seen(lambda training: training.steps(2))
    assert seen(lambda training: record(lambda: training.steps(2), training.model, keep="all")) == plain


def test_a_mode_entered_before_the_step_and_left_in_it():
    training, mode = Training(), CountingMode()

    def loop() -> None:
        mode.__enter__()
        y = training.model(batch())
        mode.__exit__(None, None, None)
        y.square().mean().backward()
        training.optimizer.step()
        training.step()

    run = record(loop, training.model)
    assert indices(run) == [0, 1]
    assert operators(run, 0, "forward") == operators(run, 1, "forward")[:-1]
    assert "linear" in mode.seen
    assert "square" not in mode.seen


def test_a_mode_entered_in_a_step_and_left_after_it():
    training, mode = Training(), CountingMode()

    def loop() -> None:
        y = training.model(batch())
        mode.__enter__()
        y.square().mean().backward()
        training.optimizer.step()
        training.step()
        mode.__exit__(None, None, None)

    run = record(loop, training.model)
    assert indices(run) == [0, 1]
    assert passes(run) == [1, 1]


def test_a_device_context_around_the_model():
    training = Training()

    def loop() -> None:
        for _ in range(2):
            with torch.device("cpu"):
                y = training.model(batch() + torch.zeros(3))
            y.square().mean().backward()
            training.optimizer.step()

    run = record(loop, training.model)
    assert indices(run) == [0, 1]
    assert "relu" in operators(run)


def test_the_default_device_may_change_in_a_step():
    training = Training()

    def loop() -> None:
        for _ in range(2):
            y = training.model(batch())
            with default_device("meta"):
                assert torch.zeros(2).is_meta
            assert not torch.zeros(2).is_meta
            y.square().mean().backward()
            training.optimizer.step()

    assert indices(record(loop, training.model)) == [0, 1]


def test_a_default_device_set_before_may_be_dropped_in_a_step():
    training = Training()
    with default_device("cpu"):

        def loop() -> None:
            y = training.model(batch())
            torch.set_default_device(None)
            y.square().mean().backward()
            training.optimizer.step()

        assert indices(record(loop, training.model)) == [0]


# ---- the collector


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled: bool):
    training = Training()
    states: list[bool] = []

    def loop() -> None:
        for _ in range(2):
            training.step()
            states.append(gc.isenabled())

    if not enabled:
        gc.disable()
    try:
        record(loop, training.model)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert states[-1] is enabled


def test_the_garbage_collector_is_back_after_a_failed_step():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        gnn.trace(mlp(), batch()[:, :2])
    assert gc.isenabled()


# ---- patches


def test_a_patch_that_the_program_puts_over_ours_stays():
    training = Training()
    original = nn.Module.__call__
    called: list[str] = []
    try:
        with gnn.record(None, training.model, every=1) as recording:
            training.step()
            ours = nn.Module.__call__

            def traced(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
                called.append(type(self).__name__)
                return ours(self, *args, **kwargs)

            nn.Module.__call__ = traced
            training.step()
        assert nn.Module.__call__ is traced
        training.step()
        assert called == ["Sequential", "Linear", "ReLU", "Linear"] * 2
        assert indices(recording.run) == [0, 1]
    finally:
        nn.Module.__call__ = original


def test_a_patch_from_before_is_called_through():
    training = Training()
    original = nn.Module.__call__
    called: list[str] = []

    def traced(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        called.append(type(self).__name__)
        return original(self, *args, **kwargs)

    nn.Module.__call__ = traced
    try:
        run = record(lambda: training.steps(1), training.model)
        assert nn.Module.__call__ is traced
    finally:
        nn.Module.__call__ = original
    assert called == ["Sequential", "Linear", "ReLU", "Linear"]
    assert [m.path for m in run.structure().modules] == ["", "0", "1", "2"]


def test_forward_hooks_run_inside_their_module():
    model = mlp()
    model[0].register_forward_hook(lambda module, args, output: output * 2)
    model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    run = gnn.trace(model, batch())
    assert nodes(run, "mul")[0].module == "0"
    assert nodes(run, "add")[0].module == ""


# ---- copies and pickles


def test_the_model_may_be_saved_and_copied_in_a_step():
    training = Training()
    copies: list[nn.Module] = []
    stored = io.BytesIO()

    def loop() -> None:
        loss = training.model(batch()).square().mean()
        copies.append(copy.deepcopy(training.model))
        loss.backward()
        torch.save(training.model, stored)
        torch.save(training.model.state_dict(), io.BytesIO())
        copies.append(pickle.loads(pickle.dumps(training.model)))
        training.optimizer.step()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = record(loop, training.model, keep="all")
    assert indices(run) == [0]
    stored.seek(0)
    copies.append(torch.load(stored, weights_only=False))
    for copied in copies:
        for old, new in zip(training.model.parameters(), copied.parameters(), strict=True):
            assert new is not old
            assert new.shape == old.shape
            assert not new._backward_hooks
    assert run.gradient("0.weight") is not None


def test_a_value_may_be_copied_and_saved_in_a_step():
    def step(x: Tensor) -> Tensor:
        y = (x * 2).detach()
        again = copy.deepcopy(y)
        torch.save(y, io.BytesIO())
        return (y + again).sum()

    x = batch()
    run = gnn.trace(step, x)
    assert torch.equal(run.value("sum"), (x * 4).sum())


def test_tensors_carry_no_attribute_of_ours():
    kept: list[Tensor] = []

    def step(x: Tensor) -> Tensor:
        y = x * 2
        kept.append(y)
        return y.sum()

    gnn.trace(step, batch().requires_grad_(), loss=lambda y: y)
    assert vars(kept[0]) == {}
    assert pickle.loads(pickle.dumps(kept[0].detach())).tolist() == kept[0].tolist()


# ---- what torch does by itself


def test_no_warning_is_ours():
    training = Training(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.LSTM(4, 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gnn.trace(
            lambda x: training.model(x)[0].square().mean(), batch(), loss=lambda y: y, optimizer=training.optimizer
        )


def test_random_numbers_come_in_their_order():
    model = nn.Sequential(nn.Linear(3, 64), nn.Dropout(0.5))
    torch.manual_seed(5)
    plain = model(batch())
    after = torch.rand(3)
    torch.manual_seed(5)
    run = gnn.trace(model, batch())
    assert torch.equal(run.value("1"), plain)
    assert torch.equal(torch.rand(3), after)

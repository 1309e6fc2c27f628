"""Programs that fail while they are recorded, and an error of ours, which must never become the program's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.errors import RunFileError
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.steps import MemoryRun
from graphviz_nn.recording import step as step_module
from graphviz_nn.recording.assemble import Assembly
from graphviz_nn.recording.beginnings import Beginnings
from graphviz_nn.recording.delivery import Delivery
from graphviz_nn.recording.finish import Finisher
from graphviz_nn.recording.identity import Identity
from graphviz_nn.recording.module_calls import ModuleCalls
from graphviz_nn.recording.observe import Observations
from graphviz_nn.recording.step import RecordedStep
from graphviz_nn.recording.steps import Steps
from graphviz_nn.recording.updates import Updates
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, events, indices, mlp, record

# ---- a program that fails


def record_failing(loop: Callable[[], object], error: type[BaseException], path: Path | None = None) -> Run:
    """Records a loop that raises `error`, and returns what was recorded until then."""
    with pytest.raises(error), gnn.record(path, every=1) as recording:
        loop()
    return recording.run


def test_a_failing_step_leaves_its_partial_graph():
    training = Training()

    def loop() -> None:
        training.step()
        training.model(batch()[:, :2])

    run = record_failing(loop, RuntimeError)
    assert indices(run) == [0, 1]
    error = run.steps[1].info.error
    assert (error.type, error.phase) == ("RuntimeError", "forward")
    failed = run.structure().nodes[error.node]
    assert (failed.op, failed.module, failed.outputs) == ("linear", "0", ())
    assert failed.attributes["error"].startswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied")
    assert list(events(run))[-1] == ("error", failed.id)
    assert run.meta.complete


def test_the_module_in_which_it_failed_is_left_in_order():
    run = record_failing(lambda: mlp()(batch()[:, :2]), RuntimeError)
    kinds = [kind for kind, _ in events(run, EventKind.MODULE_ENTER, EventKind.MODULE_EXIT)]
    assert kinds == ["module_enter", "module_enter", "module_exit", "module_exit"]


def test_an_error_that_no_call_raised_has_no_node():
    model = mlp()

    def loop() -> None:
        model(batch())
        raise ValueError("mine")

    run = record_failing(loop, ValueError)
    error = run.steps[-1].info.error
    assert (error.type, error.message, error.node) == ("ValueError", "mine", None)
    assert list(events(run))[-1] == ("error", -1)


def test_an_error_in_the_backward_pass_is_placed_there():
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient @ gradient

    with pytest.raises(RuntimeError, match=r"mat1 and mat2|shape"):
        gnn.trace(lambda x: Broken.apply(x).sum(), torch.ones(2, 3, requires_grad=True), loss=lambda y: y)
    run = gnn.partial_run()
    error = run.steps[-1].info.error
    assert error.phase == "backward"
    assert run.structure().nodes[error.node].op == "matmul"
    assert [kind for kind, _ in events(run, EventKind.PASS_BEGIN, EventKind.PASS_END)] == ["pass_begin", "pass_end"]


def test_an_error_that_the_program_catches_is_marked_and_no_more():
    def step(x: Tensor) -> Tensor:
        try:
            x @ torch.ones(7)
        except RuntimeError:
            x = x + 1
        return x.sum()

    run = gnn.trace(step, batch())
    (failed,) = [node for node in run.structure().nodes if "error" in node.attributes]
    assert failed.op == "matmul"
    assert run.steps[-1].info.error is None
    assert "error" not in {kind for kind, _ in events(run)}


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_step_and_passes_through(interrupt: type[BaseException]):
    class Interrupted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.linear(x)
            raise interrupt

    run = record_failing(lambda: Interrupted()(batch()), interrupt)
    assert run.steps[-1].info.error.type == interrupt.__name__
    assert [node.op for node in run.structure().nodes][-1] == "linear"


def test_a_step_marked_by_hand_that_fails_does_not_end_the_recording():
    training = Training()
    with gnn.record(None, training.model, every=1) as recording:
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), recording.step():
            training.step(batch()[:, :2])
        with recording.step():
            training.step()
    assert [step.info.error is None for step in recording.run.steps] == [False, True]


def test_a_failed_run_is_on_disk(tmp_path: Path):
    path = tmp_path / "run.gvnn"
    training = Training()

    def loop() -> None:
        training.step()
        training.model(batch()[:, :2])

    record_failing(loop, RuntimeError, path)
    with gnn.load(path) as run:
        assert [step.info.error is None for step in run.steps] == [True, False]
        assert run.structure().nodes[run.steps[-1].info.error.node].op == "linear"


# ---- an error of ours


def plain_losses() -> list[float]:
    torch.manual_seed(7)
    training = Training()
    training.steps(3)
    return training.losses


PLACES = [
    (Identity, "read"),
    (Identity, "bind"),
    (Observations, "value"),
    (Observations, "gradient"),
    (Observations, "leaf_gradient"),
    (Observations, "totals"),
    (Observations, "update"),
    (Observations, "flush"),
    (Observations, "source"),
    (Updates, "begin"),
    (Updates, "end"),
    (RecordedStep, "begin"),
    (ModuleCalls, "_enter_new"),
    (RecordedStep, "optimizer_begins"),
    (RecordedStep, "optimizer_ends"),
    (RecordedStep, "release"),
    (Finisher, "record"),
    (Assembly, "__init__"),
    (step_module, "push_below"),
    (Steps, "decide"),
    (Beginnings, "_at_call_between_steps"),
    (Delivery, "write"),
    (MemoryRun, "write"),
    (MemoryRun, "close"),
]


@pytest.mark.parametrize(("owner", "name"), PLACES, ids=[f"{owner.__name__}.{name}" for owner, name in PLACES])
@pytest.mark.parametrize("failing_after", [0, 3], ids=["at once", "later"])
def test_our_own_error_is_logged_once_and_the_program_goes_on(
    owner: Any, name: str, failing_after: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    expected = plain_losses()
    original = getattr(owner, name)
    calls = 0

    def broken(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > failing_after:
            raise RuntimeError("broken on purpose")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, broken)
    torch.manual_seed(7)
    training = Training()
    with caplog.at_level(logging.ERROR):
        run = record(lambda: training.steps(3), training.model, keep="all")
    assert training.losses == expected
    failed = calls > failing_after
    assert [(r.levelname, str(r.exc_info[1])) for r in caplog.records] == [("ERROR", "broken on purpose")] * failed
    if failed and name != "close":
        assert not run.meta.complete
        assert any("broken on purpose" in note for note in run.meta.notes)
    for step in run.steps:
        assert len(step.events) > 0
    monkeypatch.undo()
    assert len(record(lambda: training.steps(2), training.model).steps) == 2, "the next recording works"


def test_our_own_error_inside_a_composite_or_custom_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient * 2

    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    x = torch.linspace(-1, 1, 12).reshape(1, 3, 4)

    def step() -> list[Tensor]:
        attention.zero_grad()
        loss = Twice.apply(attention(x, x, x)[0]).square().sum()
        loss.backward()
        return [loss.detach(), *(p.grad.clone() for p in attention.parameters())]

    expected = step()
    original = Identity.read
    for allowed in range(0, 60, 7):
        calls = iter(range(allowed))

        def broken(self: Identity, tensor: Tensor, calls: Any = calls) -> int:
            if next(calls, None) is None:
                raise RuntimeError("broken on purpose")
            return original(self, tensor)

        monkeypatch.setattr(Identity, "read", broken)
        with gnn.record(None, attention, every=1) as recording:
            found = step()
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        assert len(recording.run.steps) <= 1
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_a_sink_that_cannot_be_opened_refuses_at_once(tmp_path: Path):
    with pytest.raises(RunFileError), gnn.record(tmp_path / "missing" / "run.gvnn"):
        pass
    training = Training()
    assert indices(record(lambda: training.steps(1), training.model)) == [0]


def test_a_sink_that_fails_at_the_start_leaves_room_for_another(monkeypatch: pytest.MonkeyPatch):
    def broken(*args: Any) -> None:
        raise RunFileError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryRun, "set_meta", broken)
        with pytest.raises(RunFileError, match="no room"), gnn.record(None):
            pass
    training = Training()
    assert indices(record(lambda: training.steps(1), training.model)) == [0]


def test_an_error_in_the_users_own_callback_is_ours_to_log(caplog: pytest.LogCaptureFixture):
    training = Training()

    def on_step(record: Any) -> None:
        raise RuntimeError("in the callback")

    run = record(lambda: training.steps(3), training.model, on_step=on_step)
    assert len(training.losses) == 3
    assert indices(run) == [0]
    assert [str(r.exc_info[1]) for r in caplog.records] == ["in the callback"]

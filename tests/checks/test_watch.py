"""Findings while a program runs: told once, kept in the run, never in the way, and stopping it where that is asked."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.overrides import _get_current_function_mode_stack

import graphviz_nn as gnn
from graphviz_nn.analysis.context import WINDOW
from graphviz_nn.analysis.recent import RecentSteps
from graphviz_nn.analysis.watch import Watch
from graphviz_nn.cli.main import cli
from graphviz_nn.errors import FindingWarning, OptionError, TrainingStopped
from graphviz_nn.model.findings import Check, Finding
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.manager import plugins
from tests.checks.training import data, fit, recorded, stack

STEPS = 5
BAD = 2


def train(bad: int | None = BAD, after: Callable[[int], None] = lambda step: None) -> None:
    """Five steps; in step `bad` the output becomes NaN, and the optimizer gets no gradient."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(STEPS):
        optimizer.zero_grad()
        output = model(torch.randn(16, 4))
        if step == bad:
            output = output - torch.inf * (output - output)
        output.square().mean().backward()
        if step == bad:
            optimizer.zero_grad()
        optimizer.step()
        after(step)


def test_a_function_is_told_each_finding_once_behind_its_step():
    told: list[tuple[int, Finding]] = []
    done: list[int] = []
    with gnn.record(None, every=1, on_finding=lambda finding: told.append((len(done), finding))) as recording:
        train(after=done.append)
    assert [(after, finding.rule, finding.step) for after, finding in told] == [(BAD, "nonfinite_forward", BAD)]
    assert done == list(range(STEPS))
    assert recording.findings == (told[0][1],) == recording.run.data.findings()
    assert recording.run.findings() == [told[0][1]]


def test_findings_stay_in_the_file_when_the_window_has_gone_on(tmp_path):
    def long() -> None:
        for bad in (BAD, *[None] * 3):
            train(bad)

    with gnn.record(tmp_path / "run.gvnn", every=1, on_finding=lambda finding: None):
        long()
    with gnn.load(tmp_path / "run.gvnn") as run:
        assert len(run.steps) == 4 * STEPS > WINDOW + BAD
        assert [(finding.rule, finding.step) for finding in run.findings()] == [("nonfinite_forward", BAD)]
        assert run.findings(["gradients"]) == []
        assert run.findings(["numbers"]) == run.findings()
        kept = gnn.load(run.save(tmp_path / "copy.gvnn"))
        assert kept.findings() == run.findings()
        kept.close()
    assert "nonfinite_forward" not in {finding.rule for finding in recorded(long).findings()}


def test_nothing_is_checked_unless_asked_for():
    with gnn.record(None, every=1) as recording:
        train()
    assert recording.findings == ()
    assert recording.run.data.findings() == ()
    assert [finding.rule for finding in recording.run.findings()] == ["nonfinite_forward"]


def test_thresholds_count_while_the_program_runs():
    torch.manual_seed(0)
    inputs, targets = data(16)
    for ratio, expected in ((1e-4, {"vanishing_depth"}), (1e-30, set())):
        thresholds = {"vanishing_depth.ratio": ratio}
        with gnn.record(None, every=1, on_finding=lambda finding: None, thresholds=thresholds) as recording:
            fit(stack(16, 10, nn.Sigmoid), inputs, targets)
        assert {finding.rule for finding in recording.findings} == expected


def test_what_was_found_with_other_thresholds_does_not_count():
    torch.manual_seed(0)
    inputs, targets = data(16)
    with gnn.record(None, every=1, on_finding=lambda finding: None) as recording:
        fit(stack(16, 10, nn.Sigmoid), inputs, targets)
    assert [finding.rule for finding in recording.run.findings()] == ["vanishing_depth"]
    assert recording.run.findings(thresholds={"vanishing_depth.ratio": 1e-30}) == []
    assert len(recording.run.findings(thresholds={"exploding.ratio": 1e30})) == 1


def test_warn_gives_a_warning_at_the_users_line():
    told = r"^nonfinite_forward at \w+ \(training step 2\): .* Keep "
    with pytest.warns(FindingWarning, match=told) as caught, gnn.record(None, every=1, on_finding="warn"):
        train()
    (warning,) = caught
    assert warning.filename == __file__
    assert isinstance(warning.message, FindingWarning)
    assert warning.message.finding.rule == "nonfinite_forward"


def test_a_healthy_program_hears_nothing():
    with gnn.record(None, every=1, on_finding="stop") as recording:
        train(bad=None)
    assert [finding for finding in recording.findings if finding.severity != "info"] == []
    assert len(recording.run.steps) == STEPS


@pytest.mark.parametrize("handlers", ["error", "default"])
def test_what_the_function_or_the_filter_raises_is_logged_once(caplog, handlers):
    def broken(finding: Finding) -> None:
        raise ValueError(finding.rule)

    done: list[int] = []
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter(handlers)
        reaction = "warn" if handlers == "error" else broken
        with gnn.record(None, every=1, on_finding=reaction) as recording:
            train(after=done.append)
            train(after=done.append)
    assert done == 2 * list(range(STEPS))
    assert [record.getMessage() for record in caplog.records] == [
        f"on_finding raised {'FindingWarning' if handlers == 'error' else 'ValueError'}; training goes on"
    ]
    assert len(recording.run.steps) == 2 * STEPS


def test_stop_ends_the_training_behind_the_step_and_leaves_nothing(tmp_path):
    before = (vars(nn.Module)["__call__"], vars(torch.autograd.Function)["apply"])
    done: list[int] = []

    def train_on_after_errors() -> None:
        with gnn.record(tmp_path / "run.gvnn", every=1, on_finding="stop"):
            try:
                train(after=done.append)
            except Exception:
                done.append(-1)

    with pytest.raises(TrainingStopped, match="nonfinite_forward") as stopped:
        train_on_after_errors()
    assert stopped.value.finding.step == BAD
    assert done == list(range(BAD))
    assert (vars(nn.Module)["__call__"], vars(torch.autograd.Function)["apply"]) == before
    with gnn.load(tmp_path / "run.gvnn") as run:
        assert len(run.steps) == BAD + 1
        assert run.meta.complete
        assert __file__ in run.data.sources()
        assert [finding.rule for finding in run.findings()] == ["nonfinite_forward"]
    with gnn.record(None, every=1) as recording:  # another one can begin
        train(bad=None)
    assert len(recording.run.steps) == STEPS


def train_by(kind: str, bad: int | None) -> torch.Tensor:
    """Trains with a plain optimizer, one that calls its closure, or a scaler; returns the parameters."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    closing = kind == "closure"
    optimizer = (torch.optim.LBFGS if closing else torch.optim.SGD)(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", enabled=kind == "scaler")

    def pass_over(step: int) -> torch.Tensor:
        optimizer.zero_grad()
        output = model(torch.ones(8, 4)) * (torch.inf * 0 if step == bad else 1)
        loss = output.square().mean()
        scaler.scale(loss).backward()
        return loss

    for step in range(STEPS):
        if closing:
            optimizer.step(lambda step=step: pass_over(step))
        else:
            pass_over(step)
            scaler.step(optimizer)
            scaler.update()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("kind", ["plain", "closure", "scaler"])
@pytest.mark.parametrize("bad", [0, 2, STEPS - 1])
def test_what_follows_a_stop_is_as_if_there_had_been_none(kind, bad):
    expected = train_by(kind, bad=None)
    with pytest.raises(TrainingStopped) as stopped, gnn.record(None, every=1, on_finding="stop") as recording:
        train_by(kind, bad)
    assert (stopped.value.finding.step, len(recording.run.steps)) == (bad, bad + 1)
    assert _get_current_function_mode_stack() == []
    assert torch.equal(train_by(kind, bad=None), expected)


def test_stop_reaches_a_program_whose_last_step_ends_with_the_recording():
    model = nn.Linear(4, 1)
    with pytest.raises(TrainingStopped), gnn.record(None, every=1, on_finding="stop"):
        (model(torch.ones(16, 4)) * torch.inf * 0).sum().backward()


def test_stop_does_not_hide_the_error_of_a_program():
    model = nn.Linear(4, 1)
    recordings = []

    def fail() -> None:
        with gnn.record(None, every=1, on_finding="stop") as recording:
            recordings.append(recording)
            (model(torch.ones(16, 4)) * torch.inf * 0).sum().backward()
            raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        fail()
    assert [finding.severity for finding in recordings[0].findings][:1] == ["error"]


def test_stop_warns_of_what_is_no_error():
    torch.manual_seed(0)
    inputs, targets = data(16)
    with pytest.warns(FindingWarning, match="vanishing_depth"), gnn.record(None, every=1, on_finding="stop") as it:
        fit(stack(16, 10, nn.Sigmoid), inputs, targets)
    assert len(it.run.steps) == 4


@pytest.mark.parametrize("options", [{"on_finding": "stopp"}, {"on_finding": 3}, {"thresholds": {"exploding.rato": 1}}])
def test_wrong_options_are_told_before_anything_is_written(tmp_path, options):
    hint = {"stopp": "Did you mean 'stop'", 3: "function", None: "Did you mean 'exploding.ratio'"}
    given = {"on_finding": "warn"} | options
    with pytest.raises(OptionError, match=hint[options.get("on_finding")]), gnn.record(tmp_path / "run.gvnn", **given):
        pytest.fail("it must not begin")
    assert list(tmp_path.iterdir()) == []


# What it costs


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watch_over(program_seconds: list[float], share: float, allowance: float) -> list[int]:
    """How many steps had been recorded at each look, where a step takes so long and a look one second."""
    clock, seen = Clock(), []

    def slow(context, thresholds):
        clock.now += 1
        seen.append(len(context.steps))
        return ()

    manager = plugins()
    kept, manager.__dict__["checks"] = manager.checks, (Check("slow", "own", slow),)
    try:
        watch = Watch(lambda finding: None, lambda finding: None, share=share, allowance=allowance, clock=clock)
    finally:
        manager.__dict__["checks"] = kept
    for record, seconds in zip(recorded(lambda: train(None)).data, program_seconds, strict=True):
        clock.now += seconds
        watch.step(record)
    watch.finish()
    return seen


def test_checks_stay_within_their_share_of_the_time():
    assert watch_over([4, 4, 4, 4, 4], share=0.1, allowance=0) == [1, 5], "a second look fits after 20 s, or at the end"
    assert watch_over([1, 1, 30, 1, 1], share=0.1, allowance=0) == [1, 3, 4, 5]
    assert watch_over([1, 1, 1, 1, 1], share=1, allowance=0) == [1, 2, 3, 4, 5]
    assert watch_over([0, 0, 0, 0, 0], share=0, allowance=3) == [1, 2, 3, 5]


def test_memory_is_bounded_and_positions_stay():
    steps = list(recorded(lambda: [train(None) for _ in range(4)]).data)
    recent = RecentSteps()
    for record in steps:
        recent.write(record)
    assert len(recent.steps()) == len(steps) == 20
    for position in (0, *range(20 - WINDOW, 20)):
        assert recent.events(position) is steps[position].events
        assert recent.stats(position, "output") is steps[position].stats["output"]
    for position in range(1, 20 - WINDOW):
        assert len(recent.events(position)) == 0
        assert recent.stats(position, "output") is None
    assert all(not recent.tensor_keys(position) for position in range(20))


# The command line


SCRIPT = """
import torch
from torch import nn
from torch.overrides import _get_current_function_mode_stack
torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(4):
    try:
        optimizer.zero_grad()
        (model(torch.randn(8, 4)) * (torch.inf * 0 if step == 1 else 1)).sum().backward()
        optimizer.step()
    except Exception:
        pass
print("ended")
"""


@pytest.mark.parametrize(("reaction", "code", "steps"), [("warn", 0, 4), ("stop", 1, 2)])
def test_run_on_finding(tmp_path, monkeypatch, reaction, code, steps):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)  # as in a shell
    Path("train.py").write_text(SCRIPT, encoding="utf-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = CliRunner().invoke(cli, ["run", "--every", "1", "--on-finding", reaction, "train.py"])
    assert done.exit_code == code
    assert ("TrainingStopped: nonfinite_forward" in done.output) == (reaction == "stop")
    assert [Path(str(warning.filename)).name for warning in caught] == ["train.py"] * (reaction == "warn")
    with gnn.load("train.gvnn") as run:
        assert len(run.steps) == steps
        assert [(finding.rule, finding.step) for finding in run.data.findings()] == [("nonfinite_forward", 1)]


def test_run_refuses_wrong_thresholds_before_the_script_starts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    Path("pyproject.toml").write_text("[tool.graphviz_nn.checks]\nexploding.rato = 3\n", encoding="utf-8")
    done = CliRunner().invoke(cli, ["run", "--on-finding", "warn", "train.py"])
    assert done.exit_code == 2
    assert "Did you mean 'exploding.ratio'" in done.output


def test_a_check_that_raises_is_left_out_for_good(caplog):
    class Plugin:
        @hookimpl
        def register_checks(self) -> list[Check]:
            return [Check("broken", "own", lambda context, thresholds: 1 / 0)]

    plugins().register(Plugin(), "broken checks")
    try:
        with caplog.at_level(logging.WARNING), gnn.record(None, every=1, on_finding=lambda finding: None):
            train(None)
    finally:
        plugins.cache_clear()
    assert [record.getMessage() for record in caplog.records] == [
        "check 'broken' is left out: it raised ZeroDivisionError: division by zero"
    ]

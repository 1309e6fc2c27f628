"""When a finding began: what the checks would have said of a run that ended earlier."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import graphviz_nn as gnn
from graphviz_nn.analysis import since as looking
from graphviz_nn.analysis.check import findings
from graphviz_nn.analysis.since import UpTo, since
from graphviz_nn.model.findings import Finding
from graphviz_nn.run import Run
from tests.checks.training import recorded


def dying(at: int, steps: int = 30) -> Run:
    """A network whose units all die at one step, and stay so."""

    def program() -> None:
        model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for number in range(steps):
            if number == at:
                with torch.no_grad():
                    model[0].bias.fill_(-50.0)
            optimizer.zero_grad()
            functional.cross_entropy(model(torch.randn(32, 6)), torch.randint(0, 3, (32,))).backward()
            optimizer.step()

    return recorded(program)


def begun(run: Run) -> dict[str, Finding]:
    return {finding.rule: finding for finding in since(run.data, run.findings())}


@pytest.mark.parametrize("at", [3, 14, 17])
def test_the_first_step_at_which_the_checks_could_have_said_it(at):
    run = dying(at)
    last = {finding.rule: finding for finding in run.findings()}
    assert last["dead_units"].step == 29
    # Twelve steps are looked at, so the last one in which a unit lived must have left them.
    step = begun(run)["dead_units"].step
    assert step == at + 11
    assert "dead_units" in {finding.rule for finding in findings(UpTo(run.data, step + 1))}
    assert "dead_units" not in {finding.rule for finding in findings(UpTo(run.data, step))}


def test_what_is_there_from_the_start_begins_there():
    run = dying(0, steps=9)
    assert begun(run)["dead_units"].step == 0
    assert {finding.rule for finding in run.findings()} == set(begun(run))


def test_what_was_told_while_the_program_ran_is_left_as_it_is():
    torch.manual_seed(0)
    with gnn.record(None, every=1, on_finding=lambda finding: None) as recording:
        model = nn.Linear(4, 2)
        for _ in range(4):
            functional.cross_entropy(torch.log(model(torch.randn(8, 4))), torch.zeros(8).long()).backward()
    run = recording.run
    told = run.data.findings()
    assert told
    assert [f for f in since(run.data, run.findings()) if f in told] == list(told)


def test_rules_that_nobody_knows_are_left_as_they_are():
    run = dying(0, steps=3)
    strange = Finding("not_installed", "warning", 2, 0, None, {}, "cause", "remedy")
    assert since(run.data, [strange]) == [strange]


def test_long_runs_are_looked_at_a_limited_number_of_times(monkeypatch):
    run, looks = dying(14), []
    monkeypatch.setattr(looking, "MOST_LOOKS", 2)
    found = since(run.data, run.findings(), lambda: looks.append(1))
    assert len(looks) == 2
    assert {finding.rule for finding in found} == {finding.rule for finding in run.findings()}

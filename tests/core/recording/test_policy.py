"""Which steps are recorded, decided on made-up durations."""

from __future__ import annotations

import pytest

from graphviz_nn.errors import OptionError
from graphviz_nn.recording.policy import Budget, EveryNth, parse_policy


def simulate(policy: Budget, steps: int, plain: float, recorded: float, first: float) -> tuple[list[int], float]:
    """Runs the policy over steps of fixed durations. Returns which were recorded, and the share that it cost."""
    chosen, spent = [], 0.0
    for index in range(steps):
        if policy.wants(index):
            seconds = recorded if chosen else first
            chosen.append(index)
            spent += seconds - plain
            policy.recorded(seconds)
        else:
            policy.plain(plain)
    return chosen, spent / (steps * plain)


def test_every_nth_begins_with_the_first_step():
    policy = EveryNth(3)
    assert [index for index in range(10) if policy.wants(index)] == [0, 3, 6, 9]


@pytest.mark.parametrize("budget", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("recorded", [1.5, 3.0, 20.0])
def test_a_budget_is_kept_and_used(budget: float, recorded: float):
    chosen, share = simulate(Budget(budget), 20_000, 1.0, recorded, first=3 * recorded)
    assert chosen[0] == 0
    assert share <= budget
    assert share >= 0.6 * budget


def test_recording_that_costs_nothing_is_done_always():
    chosen, _ = simulate(Budget(0.05), 100, 1.0, 1.0, first=1.0)
    assert len(chosen) >= 95


def test_a_slow_first_step_is_paid_back_before_the_next():
    chosen, _ = simulate(Budget(0.05), 1_000, 1.0, 1.1, first=21.0)
    assert chosen[1] > 20 / 0.05


@pytest.mark.parametrize(("every", "kind"), [("auto", Budget), (1, EveryNth), ("7", EveryNth)])
def test_every_is_read(every: int | str, kind: type):
    assert isinstance(parse_policy(every), kind)


@pytest.mark.parametrize("every", [0, -1, "often", "", True, 1.5])
def test_an_unknown_every_is_refused(every: object):
    with pytest.raises(OptionError, match="every="):
        parse_policy(every)  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", ["5 %", "5%", 0.05, "0.05"])
def test_a_budget_is_read_as_a_share_or_in_percent(budget: float | str):
    assert parse_policy("auto", budget)._budget == pytest.approx(0.05)  # type: ignore[attr-defined]


@pytest.mark.parametrize("budget", [0, -0.1, "much", "5%%", 11])
def test_an_unknown_budget_is_refused(budget: float | str):
    with pytest.raises(OptionError, match="budget="):
        parse_policy("auto", budget)

"""Which steps the policies want, with durations made up for the purpose."""

from __future__ import annotations

from itertools import pairwise

import pytest

from graphviz_nn.errors import OptionError
from graphviz_nn.recording.policy import DEFAULT_BUDGET, Budget, EveryNth, Policy, parse_policy


def run(policy: Policy, steps: int, plain: float, cost: float, first: float = 0.0) -> list[int]:
    """Plays a training run of steps that take `plain` seconds, and `cost` more when recorded."""
    recorded = []
    for index in range(steps):
        usual = plain + (first if index == 0 else 0.0)
        if policy.wants(index):
            recorded.append(index)
            policy.recorded(usual + cost)
        else:
            policy.plain(usual)
    return recorded


def share(recorded: list[int], steps: int, plain: float, cost: float) -> float:
    """What recording cost, as a share of the program's own time."""
    return len(recorded) * cost / (steps * plain)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_every_nth_step_begins_with_the_first(n: int):
    assert run(EveryNth(n), 20, 1.0, 5.0) == list(range(0, 20, n))


@pytest.mark.parametrize("budget", [0.01, 0.05, 0.25])
@pytest.mark.parametrize("cost", [0.001, 0.1, 1.0, 5.0])
def test_the_whole_cost_stays_within_the_budget(budget: float, cost: float):
    recorded = run(Budget(budget), 2000, 1.0, cost)
    assert recorded[0] == 0
    assert share(recorded[1:], 2000, 1.0, cost) <= budget
    possible = min(budget * 2000 / cost, 2000)
    assert len(recorded) >= 0.7 * possible, "and it is used"


def test_a_cheap_recording_takes_nearly_every_step_and_times_a_plain_one_now_and_then():
    recorded = run(Budget(0.05), 1000, 1.0, 0.0)
    assert 940 <= len(recorded) < 1000
    gaps = [after - before for before, after in pairwise(recorded[1:])]
    assert max(gaps) == 2


def test_the_second_recorded_step_comes_soon_and_shows_what_the_first_one_cost():
    recorded = run(Budget(0.05), 1000, 1.0, 0.5)
    assert recorded[1] <= 40


def test_a_slow_first_step_of_the_program_is_not_taken_for_the_cost_of_recording():
    """The first step of a program loads libraries and warms up caches."""
    recorded = run(Budget(0.05), 1000, 0.1, 0.05, first=30.0)
    assert len(recorded) > 20
    assert len(recorded) * 0.05 <= 0.05 * (30.0 + 1000 * 0.1)


def test_a_recording_that_becomes_dear_becomes_rare():
    policy = Budget(0.05)
    cheap = run(policy, 500, 1.0, 0.01)
    began = len(cheap)
    seen = 0
    for index in range(500, 2500):
        if policy.wants(index):
            seen += 1
            policy.recorded(1.0 + 10.0)
        else:
            policy.plain(1.0)
    assert began > 400
    assert seen * 10.0 <= 0.05 * 2500 + 10.0


def test_a_program_that_gets_faster_is_noticed():
    policy = Budget(0.05)
    run(policy, 200, 10.0, 0.1)
    recorded = [index for index in range(200, 3000) if _step(policy, index, 0.1, 0.1)]
    assert len(recorded) * 0.1 <= 0.05 * (200 * 10.0 + 2800 * 0.1)


def _step(policy: Policy, index: int, plain: float, cost: float) -> bool:
    wanted = policy.wants(index)
    if wanted:
        policy.recorded(plain + cost)
    else:
        policy.plain(plain)
    return wanted


@pytest.mark.parametrize(("every", "budget"), [("auto", 0.05), ("auto", "5%"), ("auto", " 12.5 % "), ("auto", "0.1")])
def test_budgets_are_read(every: str, budget: float | str):
    assert isinstance(parse_policy(every, budget), Budget)


def test_percent_and_share_mean_the_same():
    recorded = [run(parse_policy("auto", budget), 500, 1.0, 0.4) for budget in ("5%", 0.05, "0.05", DEFAULT_BUDGET)]
    assert all(indices == recorded[0] for indices in recorded)
    assert recorded[0] != run(parse_policy("auto", "20%"), 500, 1.0, 0.4)


@pytest.mark.parametrize("every", [3, "3"])
def test_numbers_of_steps_are_read(every: int | str):
    assert run(parse_policy(every), 7, 1.0, 1.0) == [0, 3, 6]


@pytest.mark.parametrize("every", [0, -1, "often", "0", "1.5", 2.5, True, None])
def test_an_unknown_every_is_refused(every: object):
    with pytest.raises(OptionError, match="use 'auto' or a number of steps"):
        parse_policy(every)


@pytest.mark.parametrize("budget", ["a lot", "5 percent", "", "-5%", 0, -0.1, "0%", 11, float("nan")])
def test_an_unknown_budget_is_refused(budget: float | str):
    with pytest.raises(OptionError, match="use a share"):
        parse_policy("auto", budget)

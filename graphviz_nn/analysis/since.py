"""When what is wrong with a run began."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from graphviz_nn.analysis.check import place_of, run_checks, set_thresholds
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import RunData, StepInfo
from graphviz_nn.plugin.manager import plugins

MOST_LOOKS: Final = 24
"""Looks at earlier ends of a run, for all findings together."""

_Key = tuple[str, str, str]
"""Rule, place and severity."""


class UpTo:
    """A run as it was when its first `count` steps had been recorded."""

    def __init__(self, data: RunData, count: int) -> None:
        self._data = data
        self._count = count

    def steps(self) -> Sequence[StepInfo]:
        return self._data.steps()[: self._count]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)


def since(data: RunData, found: Iterable[Finding], go_on: Callable[[], None] = lambda: None) -> list[Finding]:
    """Returns the findings as the checks would have made them when they first could, in the same order.

    Checks judge the last recorded steps. For each finding the earlier ends of the run are searched by bisection, as if
    a finding that is there once stayed: of one that comes and goes, a later beginning may be given. What was told while
    the program ran has its first step already. `go_on` is called before each look, and may raise.
    """
    wanted = list(found)
    told = {_key(finding, data) for finding in data.findings()}
    rules = {finding.rule for finding in wanted}
    checks = [check for check in plugins().checks if check.name in rules]
    thresholds = set_thresholds(checks, {})
    looks: dict[int, dict[_Key, Finding]] = {}

    def look(count: int) -> dict[_Key, Finding]:
        if count not in looks:
            go_on()
            then = run_checks(cast(RunData, UpTo(data, count)), plugins().layer_types, checks, thresholds)
            looks[count] = {_key(finding, data): finding for finding in reversed(then)}
        return looks[count]

    begun = []
    for finding in wanted:
        key = _key(finding, data)
        earliest = finding
        absent, there = 0, len(data.steps())
        while key not in told and there - absent > 1:
            middle = (absent + there) // 2
            if middle not in looks and len(looks) >= MOST_LOOKS:
                break
            earlier = look(middle).get(key)
            if earlier is None:
                absent = middle
            else:
                earliest, there = earlier, middle
        begun.append(earliest)
    return begun


def _key(finding: Finding, data: RunData) -> _Key:
    return finding.rule, place_of(finding, data), finding.severity

"""Runs checks over a run: which of them, with which thresholds."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence

from graphviz_nn.analysis.context import CheckContext
from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.model.findings import SEVERITIES, Check, Finding
from graphviz_nn.model.steps import RunData
from graphviz_nn.plugin.layer_types import LayerTypes
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.store.checks import check_finding

_logger = logging.getLogger(__name__)


def findings(
    data: RunData, rules: Iterable[str] | None = None, thresholds: Mapping[str, float] | None = None
) -> list[Finding]:
    """Returns what the registered checks find in the last recorded steps, and what they found while the program ran.

    The most severe come first. Of one rule at one place there is one finding: the earliest of the most severe ones.

    Args:
        rules: names of rules or families; all where None.
        thresholds: by "rule.threshold". What a rule found before by others does not count.

    Raises:
        OptionError: an unknown rule or threshold; names the nearest.
    """
    known = plugins().checks
    chosen, values = select(known, rules), set_thresholds(known, thresholds or {})
    computed = run_checks(data, plugins().layer_types, chosen, values)
    changed = {key.partition(".")[0] for key in thresholds or {}}
    names = {check.name for check in chosen}
    told = [each for each in data.findings() if each.rule not in changed and (rules is None or each.rule in names)]
    return joined(told, computed, data)


def joined(told: Iterable[Finding], computed: Iterable[Finding], data: RunData) -> list[Finding]:
    """Returns what was told while the program ran, and what that does not say already or not so severely, the most
    severe first."""
    earlier = {(finding.rule, place_of(finding, data)): finding for finding in told}
    new = []
    for finding in computed:
        key = (finding.rule, place_of(finding, data))
        if key not in earlier or rank(finding) > rank(earlier[key]):
            earlier.pop(key, None)
            new.append(finding)
    return sorted((*earlier.values(), *new), key=rank, reverse=True)


def place_of(finding: Finding, data: RunData) -> str:
    """Returns the name of the finding's node, else the path of its module, else "the whole model"."""
    if finding.node is None:
        return finding.module or "the whole model"
    return data.structure(data.steps()[finding.step].structure).nodes[finding.node].name


def rank(finding: Finding) -> int:
    """Returns how severe the finding is, from 0."""
    return SEVERITIES.index(finding.severity)


def select(known: Sequence[Check], rules: Iterable[str] | None) -> list[Check]:
    """Returns the checks that the names of rules or families stand for, in order of registration.

    Raises:
        OptionError: a name that is neither.
    """
    if rules is None:
        return list(known)
    wanted = set(rules)
    names = {check.name for check in known} | {check.family for check in known}
    for name in sorted(wanted - names):
        families = ", ".join(sorted({check.family for check in known}))
        hint = did_you_mean(name, names) or f" Families are {families}."
        raise OptionError(f"There is no rule or family {name!r}.{hint}")
    return [check for check in known if check.name in wanted or check.family in wanted]


def set_thresholds(known: Sequence[Check], given: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns the thresholds of every rule: its defaults, and what is given by "rule.threshold".

    Raises:
        OptionError: an unknown rule or threshold, or a value that is no finite number.
    """
    found = {check.name: dict(check.thresholds) for check in known}
    every = [f"{rule}.{name}" for rule, values in found.items() for name in values]
    for key, value in given.items():
        if key not in every:
            raise OptionError(f"There is no threshold {key!r}.{did_you_mean(key, every)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise OptionError(f"The threshold {key} is {value!r}; it must be a number.")
        rule, _, name = key.partition(".")
        found[rule][name] = float(value)
    return found


def run_checks(
    data: RunData, layer_types: LayerTypes, checks: Iterable[Check], thresholds: Mapping[str, Mapping[str, float]]
) -> list[Finding]:
    """Runs the checks once: see `Checker`."""
    return Checker(layer_types, checks, thresholds).findings(data)


class Checker:
    """Runs checks, also again and again as a run grows.

    A check that raises, or gives what is no proper finding, is logged and left out from then on: it must not hide what
    the others find.
    """

    def __init__(
        self, layer_types: LayerTypes, checks: Iterable[Check], thresholds: Mapping[str, Mapping[str, float]]
    ) -> None:
        self._layer_types = layer_types
        self._checks = list(checks)
        self._thresholds = thresholds

    def findings(self, data: RunData) -> list[Finding]:
        """Returns what they find in the last recorded steps, the most severe first."""
        context = CheckContext(data, self._layer_types)
        found: list[Finding] = []
        for check in tuple(self._checks):
            try:
                found += _proper(check.run(context, self._thresholds[check.name]), data)
            except Exception as error:
                self._checks.remove(check)
                _logger.warning("check %r is left out: it raised %s: %s", check.name, type(error).__name__, error)
        return sorted(found, key=rank, reverse=True)


def _proper(found: Iterable[Finding], data: RunData) -> list[Finding]:
    """The findings, each of which a run file can hold. Raises `ValueError` for another."""
    steps = data.steps()
    listed = list(found)
    for finding in listed:
        if not 0 <= finding.step < len(steps):
            raise ValueError(f"a finding of step {finding.step}, which is not there")
        check_finding(finding, len(data.structure(steps[finding.step].structure).nodes))
    return listed

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

_logger = logging.getLogger(__name__)


def findings(
    data: RunData, rules: Iterable[str] | None = None, thresholds: Mapping[str, float] | None = None
) -> list[Finding]:
    """Returns what the registered checks find in the last recorded steps, the most severe first.

    Args:
        rules: names of rules or families; all where None.
        thresholds: by "rule.threshold".

    Raises:
        OptionError: an unknown rule or threshold; names the nearest.
    """
    known = plugins().checks
    return run_checks(data, plugins().layer_types, select(known, rules), set_thresholds(known, thresholds or {}))


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
        raise OptionError(f"There is no rule or family {name!r}.{did_you_mean(name, names)}")
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
    """Runs the checks. One that raises is left out, and logged: it must not hide what the others found."""
    context = CheckContext(data, layer_types)
    found: list[Finding] = []
    for check in checks:
        try:
            found += check.run(context, thresholds[check.name])
        except Exception as error:
            _logger.warning("check %r is left out: it raised %s: %s", check.name, type(error).__name__, error)
    return sorted(found, key=lambda finding: -SEVERITIES.index(finding.severity))

"""What a check reports, and how a check is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SEVERITIES: Final = ("info", "warning", "error")
"""From least to most severe: worth knowing; training suffers; the step's numbers are lost or wrong."""

Evidence = float | str | list[float] | list[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a run, and where.

    Attributes:
        rule: name of the check that found it.
        severity: one of `SEVERITIES`.
        step: position of the recorded step, as in `run.steps[step]`.
        node: id of the node in that step's graph, or None where no call is at fault.
        module: dotted path of the module, "" for the root, or None outside any.
        evidence: the numbers that prove it, by name; ratios have no unit, the rest those of the tensor.
        cause: one sentence. remedy: one sentence.
    """

    rule: str
    severity: str
    step: int
    node: int | None
    module: str | None
    evidence: Mapping[str, Evidence]
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, registered through `register_checks`.

    Attributes:
        name: unique, in snake case: "vanishing_depth".
        family: what it is about: "gradients", "numbers".
        run: takes a `graphviz_nn.analysis.context.CheckContext` and the thresholds by name; yields findings. Its
            docstring is the rule's page: symptom, mathematics, criterion, healthy look-alikes, remedy, source.
        thresholds: defaults by name.
        metrics: names of the metrics that it reads; they are taken while it is on (`register_metrics`).
    """

    name: str
    family: str
    run: Callable[[Any, Mapping[str, float]], Iterable[Finding]]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()

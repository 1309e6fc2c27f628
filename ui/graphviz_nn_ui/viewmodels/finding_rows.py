"""What the checks found: in words, as numbers and curves, and the place in the run where each began."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from math import prod
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.model.events import STATE_TENSOR, EventKind
from graphviz_nn.model.findings import SEVERITIES, Check, Evidence, Finding
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.views import Curve, Curves
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.session import ModuleSelection, NodeSelection, Session
from graphviz_nn.session.order import StepOrder
from graphviz_nn.session.state import NEVER, States
from graphviz_nn_ui.viewmodels.magnitudes import Magnitudes, magnitudes
from graphviz_nn_ui.viewmodels.numbers import NOTHING, number_text
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

SIGNS: Final = {"error": "✖", "warning": "▲", "info": "●"}
"""Severities are never told by colour alone."""

_BACKWARD: Final = ("gradient", "backward", "vanishing", "exploding", "underflow", "cut_off")
"""Parts of the names of rules whose trouble begins where a gradient arrives."""


class Place(NamedTuple):
    """A place in a run: the position of a step, and an event of it."""

    step: int
    seq: int


def worst_first(findings: Iterable[Finding], severities: Iterable[str] = SEVERITIES) -> list[Finding]:
    """Returns the findings of some severities, the most severe first, otherwise in the order in which they came."""
    wanted = set(severities)
    chosen = (finding for finding in findings if finding.severity in wanted)
    return sorted(chosen, key=lambda finding: -SEVERITIES.index(finding.severity))


def count_text(findings: Sequence[Finding]) -> str:
    """Returns "no findings", or how many there are of each severity: "✖ 1 error · ▲ 2 warnings"."""
    parts = []
    for severity in reversed(SEVERITIES):
        count = sum(finding.severity == severity for finding in findings)
        if count:
            word = severity if severity == "info" or count == 1 else f"{severity}s"
            parts.append(f"{SIGNS[severity]} {count} {word}")
    return " · ".join(parts) or "no findings"


def where_text(finding: Finding, data: RunData) -> str:
    """Returns the name of the node, else the module, at fault; "the whole step" where neither is."""
    if finding.node is not None:
        try:
            return data.structure(data.steps()[finding.step].structure).nodes[finding.node].name
        except (GraphvizNNError, LookupError):
            return f"node {finding.node}"
    if finding.module is not None:
        return finding.module or "(root)"
    return "the whole step"


def step_number(finding: Finding, data: RunData) -> int:
    """Returns the number of the training step that a finding is about."""
    return data.steps()[finding.step].index


def evidence_rows(finding: Finding) -> list[tuple[str, str]]:
    """Returns the evidence by name, in words; lists that are drawn as curves are left out."""
    drawn = curves(finding)
    titles = {plot.title for plot in drawn}
    labels = {name for name, texts in _texts(finding) if any(texts == plot.ticks for plot in drawn)}
    rows = ((name.replace("_", " "), name, value) for name, value in finding.evidence.items())
    return [(title, _evidence_text(value)) for title, name, value in rows if title not in titles and name not in labels]


def curves(finding: Finding) -> list[Curves]:
    """Returns the evidence that is best drawn: each list of at least two finite numbers as a plot.

    A ratio to the gradient at the output is drawn with the band that the rule takes for healthy.
    """
    found = []
    for name, value in finding.evidence.items():
        numbers = _numbers(value)
        if len(numbers) < 2 or not np.isfinite(numbers).all():
            continue
        labels = next((texts for _, texts in _texts(finding) if len(texts) == len(numbers)), ())
        curve = Curve(name.replace("_", " "), np.arange(len(numbers), dtype=np.float64), numbers, _hue(finding.rule))
        found.append(
            Curves(
                title=curve.label,
                curves=(curve,),
                x_axis="" if labels else "place",
                y_axis=curve.label,
                logarithmic=bool(numbers.min() > 0 and numbers.max() / numbers.min() > 30),
                ticks=labels,
                band=_healthy(finding.rule, name, numbers),
            )
        )
    return found


def histogram_of(finding: Finding, numbers: StepNumbers) -> tuple[str, str, Magnitudes] | None:
    """Returns the magnitudes at fault, after a title and a phase: of the gradient of the finding's node where the rule
    is about gradients, else of its output. None where the step, which must be the finding's, holds none.
    """
    nodes = numbers.step.structure.nodes
    if finding.node is None or not 0 <= finding.node < len(nodes) or not nodes[finding.node].outputs:
        return None
    backward = _in_backward(finding.rule)
    table, value = "gradient" if backward else "output", ValueRef(finding.node, 0)
    elements = prod(nodes[finding.node].outputs[0].shape)
    bars = magnitudes(numbers.histogram(table, value), numbers.stats(table, value), elements)
    if bars is None:
        return None
    return f"{table} of {nodes[finding.node].name}, by magnitude", "backward" if backward else "forward", bars


def rule_text(rule: str) -> str:
    """Returns a rule's own documentation as Markdown: symptom, mathematics, criterion, remedy; "" where it has none."""
    check = _check(rule)
    return "" if check is None else inspect.getdoc(check.run) or ""


def begins_at(finding: Finding, order: StepOrder, states: States) -> int:
    """Returns the event at which a finding's trouble first shows: the call, or the gradient, of its node.

    The end of the step where it is about no node.
    """
    end = len(order) - 1
    node = finding.node
    if node is None or not 0 <= node < len(order.structure.nodes):
        return end
    if _in_backward(finding.rule):
        events = order.events_of(node)
        arrived = events[(order.kind[events] == EventKind.GRADIENT) & (order.state[events] == STATE_TENSOR)]
        if len(arrived):
            return int(arrived[0])
    events = order.events_of(node)
    failed = events[order.kind[events] == EventKind.ERROR]
    if len(failed):
        return int(failed[0])
    made = int(states.value_at[node])
    return end if made == NEVER else made


def go_to(session: Session, finding: Finding, *, origin: object = None) -> None:
    """Opens the finding's step, puts the cursor where its trouble begins, and selects the node or module at fault.

    Raises `GraphvizNNError` where the step cannot be read.
    """
    session.go_to_step(finding.step, origin=origin)
    session.scrub(begins_at(finding, session.step.order, session.step.states), origin=origin)
    if finding.node is not None:
        session.select(NodeSelection(finding.node), origin=origin)
    elif finding.module is not None and finding.module in session.structure.modules_by_path:
        session.select(ModuleSelection(finding.module), origin=origin)


def next_finding(session: Session, findings: Iterable[Finding], *, back: bool = False) -> Finding | None:
    """Returns the finding that begins next after the cursor (or last before it), in this step or another, or None.

    Where findings begin is known exactly in the open step; those of other steps count from the step's border.
    """
    here = Place(session.position, session.cursor)
    places = [(place_of(finding, session), finding) for finding in findings]
    ahead = [(place, finding) for place, finding in places if (place < here if back else place > here)]
    if not ahead:
        return None
    choose = max if back else min
    return choose(ahead, key=lambda pair: pair[0])[1]


def place_of(finding: Finding, session: Session) -> Place:
    """Returns where a finding begins; in a step that is not open, the step with event 0."""
    if finding.step != session.position:
        return Place(finding.step, 0)
    return Place(finding.step, begins_at(finding, session.step.order, session.step.states))


def _check(rule: str) -> Check | None:
    return next((check for check in plugins().checks if check.name == rule), None)


def _healthy(rule: str, name: str, numbers: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """The band of a ratio to the gradient at the output, from the rule's own threshold to beyond the numbers."""
    check = _check(rule)
    if check is None or not name.startswith("by_layer") or "ratio" not in check.thresholds:
        return None
    limit = float(check.thresholds["ratio"])
    lowest, highest = float(numbers.min()), float(numbers.max())
    return (limit, max(highest, limit) * 10) if limit < 1 else (min(lowest, limit) / 10, limit)


def _numbers(value: Evidence) -> npt.NDArray[np.float64]:
    listed = value if isinstance(value, list) else []
    return np.array([float(each) for each in listed if not isinstance(each, str)], np.float64)


def _hue(rule: str) -> str:
    return "backward" if _in_backward(rule) else "forward"


def _in_backward(rule: str) -> bool:
    return any(part in rule for part in _BACKWARD)


def _texts(finding: Finding) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (name, tuple(str(each) for each in value))
        for name, value in finding.evidence.items()
        if isinstance(value, list) and value and isinstance(value[0], str)
    ]


def _evidence_text(value: Evidence) -> str:
    if isinstance(value, list):
        return ", ".join(each if isinstance(each, str) else number_text(float(each)) for each in value) or NOTHING
    return value if isinstance(value, str) else number_text(float(value))

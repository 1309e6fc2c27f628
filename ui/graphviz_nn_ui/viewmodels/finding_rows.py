"""What the checks found: in words, as numbers and curves, and the place in the run where each began."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Final, NamedTuple

import graphviz_nn
from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.model.events import STATE_TENSOR, EventKind
from graphviz_nn.model.findings import SEVERITIES, Evidence, Finding
from graphviz_nn.model.nodes import Input, Node, ValueRef
from graphviz_nn.model.steps import RunData
from graphviz_nn.session import ModuleSelection, NodeSelection, Session
from graphviz_nn.session.order import StepOrder
from graphviz_nn.session.state import NEVER, States
from graphviz_nn_ui.viewmodels.finding_curves import check_of, drawn_lists, in_backward, places
from graphviz_nn_ui.viewmodels.magnitudes import Magnitudes, magnitudes
from graphviz_nn_ui.viewmodels.numbers import NOTHING, number_text
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

SIGNS: Final = {"error": "✖", "warning": "▲", "info": "●"}
"""Severities are never told by colour alone."""

_OF_INPUT: Final = frozenset({"near_edge", "zero_gradient", "nonfinite_backward"})
"""Rules outside the family "data" that find fault with what a call reads, or with the gradient of that."""

_OF_TARGET: Final = frozenset({"targets_out_of_range"})
_OF_WEIGHT: Final = frozenset({"symmetric_init", "init_scale"})
"""Rules that find fault with the targets of a loss, and with the weights that a layer begins with."""

_TO_ALL_RULES: Final = "[All rules](README.md)\n\n"


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
    """Returns the name of the node, else the module, at fault; "the whole step" where neither is.

    A layer of a `Sequential` has a number for a name, which says nothing without its operator: "0 (linear)".
    """
    if finding.node is not None:
        try:
            return _title(data.structure(data.steps()[finding.step].structure).nodes[finding.node])
        except (GraphvizNNError, LookupError):
            return f"node {finding.node}"
    if finding.module is not None:
        return finding.module or "(root)"
    return "the whole step"


def step_number(finding: Finding, data: RunData) -> int:
    """Returns the number of the training step that a finding is about."""
    return data.steps()[finding.step].index


def evidence_rows(finding: Finding) -> list[tuple[str, str]]:
    """Returns the evidence by name, in words; lists that are drawn as curves are left out, and their labels."""
    drawn = drawn_lists(finding)
    labels = {places(finding, len(numbers)) for numbers in drawn.values()}
    rows = [
        (name, value) for name, value in finding.evidence.items() if name not in drawn and not _is_in(value, labels)
    ]
    return [(name.replace("_", " "), _evidence_text(value)) for name, value in rows]


def histogram_of(finding: Finding, numbers: StepNumbers) -> tuple[str, str, Magnitudes] | None:
    """Returns the magnitudes at fault, after a title and a phase: of the gradient of the finding's node where the rule
    is about gradients, else of its output; of what the node reads where that is at fault. None where the step, which
    must be the finding's, holds none, and of a single number.
    """
    nodes = numbers.step.structure.nodes
    if finding.node is None or not 0 <= finding.node < len(nodes) or not nodes[finding.node].outputs:
        return None
    backward = in_backward(finding.rule)
    table, value = "gradient" if backward else "output", ValueRef(finding.node, 0)
    read = _read(finding, nodes)
    if read is not None:
        value = ValueRef(read.node, read.output)
    elements = prod(nodes[value.node].outputs[value.index].shape)
    if elements < 2:
        return None
    bars = magnitudes(numbers.histogram(table, value), numbers.stats(table, value), elements)
    if bars is None:
        return None
    made = nodes[value.node].kind not in ("parameter", "buffer", "input", "constant")
    what = "Gradient" if backward else "Result" if made else "Numbers"
    return f"{what} of {_title(nodes[value.node])}, by magnitude", "backward" if backward else "forward", bars


def rule_text(rule: str) -> str:
    """Returns a rule's page as Markdown: symptom, mathematics, criterion, remedy; "" where it has none.

    In a copy of the repository it is the page of the documentation, with its example and pictures in `rule_pages()`;
    elsewhere the docstring that the page is made of.
    """
    check, page = check_of(rule), rule_pages() / f"{rule}.md"
    if check is None:
        return ""
    if page.is_file():
        return page.read_text(encoding="utf-8").replace(_TO_ALL_RULES, "")
    words = inspect.getdoc(check.run) or ""
    thresholds = "".join(f"\n| `{rule}.{name}` | {value:g} |" for name, value in check.thresholds.items())
    return f"{words}\n\n| threshold | default |\n|---|---|{thresholds}\n" if words and thresholds else words


def rule_pages() -> Path:
    """Returns the folder of the rules' pages, which is there in a copy of the repository only."""
    return Path(graphviz_nn.__file__).parents[1] / "docs" / "rules"


def begins_at(finding: Finding, order: StepOrder, states: States) -> int:
    """Returns the event at which a finding's trouble first shows: the call, or the gradient, of its node.

    The end of the step where it is about no node.
    """
    end = len(order) - 1
    node = finding.node
    if node is None or not 0 <= node < len(order.structure.nodes):
        return end
    if in_backward(finding.rule):
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


def _title(node: Node) -> str:
    return f"{node.name} ({node.op})" if node.name.rpartition(".")[2].isdecimal() else node.name


def _read(finding: Finding, nodes: Sequence[Node]) -> Input | None:
    """What a finding's node reads that is at fault, or gets the gradient that is; None where its result is."""
    assert finding.node is not None
    inputs, check = nodes[finding.node].inputs, check_of(finding.rule)
    if finding.rule in _OF_WEIGHT:
        return next((each for each in inputs if nodes[each.node].kind == "parameter"), None)
    if finding.rule in _OF_TARGET:
        return next((each for each in inputs if each.argument == "target"), None)
    if finding.rule in _OF_INPUT or (check is not None and check.family == "data"):
        return next((each for each in inputs if nodes[each.node].kind != "parameter"), None)
    return None


def _is_in(value: Evidence, labels: set[tuple[str, ...]]) -> bool:
    return isinstance(value, list) and bool(value) and tuple(map(str, value)) in labels


def _evidence_text(value: Evidence) -> str:
    if isinstance(value, list):
        return ", ".join(each if isinstance(each, str) else number_text(float(each)) for each in value) or NOTHING
    return value if isinstance(value, str) else number_text(float(value))

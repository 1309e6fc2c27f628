"""What the boxes of a picture show of a session: what exists at the cursor, findings, breakpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.tables import BoxTable, Integers, SceneTables
from graphviz_nn.session import Session
from graphviz_nn.session.state import TENSOR_GRADIENT, State

Flags = npt.NDArray[np.bool_]

NO_FINDING = -1


def standing_for(tables: SceneTables, structure: Structure, node: int) -> int:
    """Returns the box that stands for a node, or -1 where none does.

    A call of the forward pass that is not drawn, as `detach` is, has the box of the result that it reads first.
    """
    nodes, home = structure.nodes, tables.home
    while 0 <= node < min(len(home), len(nodes)) and home[node] < 0:
        passed = nodes[node].kind not in ("composite", "custom") and nodes[node].phase == "forward"
        read = (each.node for each in nodes[node].inputs if nodes[each.node].kind != "parameter")
        node = next(read, -1) if passed else -1
    return int(home[node]) if 0 <= node < len(home) else -1


class BoxState(NamedTuple):
    """By box: whether it has no value yet, whether it has a gradient, whether the number that colours it is known."""

    pending: Flags
    arrived: Flags
    known: Flags


def box_state(boxes: BoxTable, state: State, color_by: str) -> BoxState:
    """Returns what exists at a place in the order of events."""
    value = gather(boxes.members, boxes.member_starts, state.value)
    arrived = gather(boxes.members, boxes.member_starts, state.gradient == TENSOR_GRADIENT)
    if color_by == "gradient":
        known = arrived
    elif color_by == "update":
        known = gather(boxes.parameters, boxes.parameter_starts, state.updated)
    else:
        known = value
    return BoxState(~value, arrived, known)


def complete_state(boxes: BoxTable) -> BoxState:
    """Returns the state of a step whose events were not kept: all is taken to be there."""
    there = np.ones(len(boxes), np.bool_)
    return BoxState(~there, ~there, there)


def severities(
    tables: SceneTables, structure: Structure, findings: Iterable[Finding], position: int
) -> npt.NDArray[np.int8]:
    """Returns by box the place in `SEVERITIES` of the most severe finding in the step at `position`, or -1."""
    found = np.full(len(tables.boxes), NO_FINDING, np.int8)
    findings = [finding for finding in findings if finding.step == position]
    of_modules = any(finding.node is None for finding in findings)
    by_path = {path: place for place, path in enumerate(tables.boxes.paths)} if of_modules else {}
    for finding in findings:
        box = standing_for(tables, structure, finding.node) if finding.node is not None else -1
        if box < 0 and finding.module is not None:
            box = by_path.get(finding.module, -1)
        if box >= 0:
            found[box] = max(int(found[box]), SEVERITIES.index(finding.severity))
    return found


def stopping(tables: SceneTables, session: Session) -> Flags:
    """Returns by box whether a breakpoint that is enabled stops at a node of it."""
    flags = np.zeros(len(tables.boxes), np.bool_)
    order = session.step.order
    for breakpoint in session.breakpoints:
        if breakpoint.enabled and breakpoint.on in ("node", "module", "op", "source"):
            nodes = _nodes(order.node, _hits(session, breakpoint))
            homes = tables.home[nodes]
            flags[homes[homes >= 0]] = True
    return flags


def findings_of(
    tables: SceneTables, structure: Structure, box: int, findings: Sequence[Finding], position: int
) -> list[Finding]:
    """Returns the findings of a step that are about a node for which a box stands, or about its module."""
    path = tables.boxes.paths[box]

    def is_here(finding: Finding) -> bool:
        if finding.node is None:
            return finding.module == path
        return standing_for(tables, structure, finding.node) == box

    return [finding for finding in findings if finding.step == position and is_here(finding)]


def all_among(boxes: BoxTable, nodes: Collection[int]) -> Flags:
    """Returns by box whether every node of it is among some."""
    if not nodes:
        return np.zeros(len(boxes), np.bool_)
    outside = ~np.isin(boxes.members, list(nodes))
    rows = np.repeat(np.arange(len(boxes)), np.diff(boxes.member_starts))
    found: Flags = np.bincount(rows, outside, len(boxes)) == 0
    return found


def gather(members: Integers, starts: Integers, flags: Flags) -> Flags:
    """Returns by group whether a flag of any of its members is set."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return np.bincount(rows, flags[members], len(starts) - 1) > 0


def _hits(session: Session, breakpoint: object) -> npt.NDArray[np.intp]:
    try:
        return session.step.hits(breakpoint)  # type: ignore[arg-type]  # one of its breakpoints
    except NotRecorded:
        return np.empty(0, np.intp)


def _nodes(node_of: npt.NDArray[np.int32], seqs: npt.NDArray[np.intp]) -> npt.NDArray[np.int32]:
    nodes = np.unique(node_of[seqs])
    return nodes[nodes >= 0]

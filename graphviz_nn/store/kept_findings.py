"""What the checks found while a program ran, as its run file holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from graphviz_nn.model.findings import Finding
from graphviz_nn.store.checks import check_finding
from graphviz_nn.store.encoding import decode_finding
from graphviz_nn.store.rows import FindingRow
from graphviz_nn.store.step_list import StepEntry
from graphviz_nn.store.tables import Columns, RunTables

_SINCE: Final = 3
"""The first version of the format whose files hold findings."""


def kept_findings(
    tables: RunTables, entries: Sequence[StepEntry], node_count: Callable[[str], int]
) -> tuple[Finding, ...]:
    """Returns the findings in the steps that have been read, in the order in which they were written.

    Raises `DamagedRunFile` where one of them cannot be read. `node_count` tells of a structure's digest how many nodes
    it has.
    """
    if tables.version < _SINCE:
        return ()
    places = {entry.position: place for place, entry in enumerate(entries)}
    found: list[Finding] = []
    last = -1

    def take(columns: Columns) -> None:
        nonlocal last
        row = tables.checked(FindingRow, "a finding", columns)
        if row.number != last + 1:
            raise tables.damaged("the list of findings", f"finding {row.number} comes after finding {last}")
        last = row.number
        if row.step in places:
            found.append(tables.decoded(f"finding {row.number}", lambda: decoded(row, places[row.step])))

    def decoded(row: FindingRow, place: int) -> Finding:
        finding = decode_finding(row, place)
        check_finding(finding, node_count(entries[place].structure))
        return finding

    tables.visit(FindingRow, "ORDER BY number", (), take)
    return tuple(found)

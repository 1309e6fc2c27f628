"""The list of a run's steps, as far as it can be read."""

from __future__ import annotations

from typing import NamedTuple, cast

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.steps import StepInfo
from graphviz_nn.store.encoding import decode_step
from graphviz_nn.store.rows import StepRow
from graphviz_nn.store.tables import Columns, RunTables


class StepEntry(NamedTuple):
    """Where the parts of a step are, and which of them it has.

    `position` is the step's key in the file. It is its place in the list, too, unless steps before it are damaged.
    """

    position: int
    structure: str
    event_order: str
    stats: tuple[str, ...]
    histograms: tuple[str, ...]
    tensors: int
    metrics: tuple[str, ...]


class StepList:
    """Every step of a file that can be read, in order. What cannot is told in `damage`, one sentence each."""

    def __init__(self, tables: RunTables) -> None:
        self.infos: list[StepInfo] = []
        self.entries: list[StepEntry] = []
        self.damage: list[str] = []
        self._tables = tables
        self._last = -1
        self.extend()

    def extend(self) -> int:
        """Takes in the steps written since; returns how many."""
        before = len(self.infos)
        try:
            self._tables.visit(StepRow, "WHERE position > ? ORDER BY position", (self._last,), self._take)
        except DamagedRunFile as error:
            self.damage.append(str(error))
            self._salvage()
        return len(self.infos) - before

    def _take(self, columns: Columns) -> None:
        position = cast(int, columns[0])  # SQLite's own key of the row
        if position <= self._last:
            raise self._tables.damaged("the list of steps", f"step {position} comes after step {self._last}")
        if position > self._last + 1:
            self.damage.append(f"Steps {self._last + 1} to {position - 1} are missing or cannot be read.")
        self._last = position
        try:
            row = self._tables.checked(StepRow, f"step {position}", columns)
            info = self._tables.decoded(f"step {position}", lambda: decode_step(row))
        except DamagedRunFile as error:
            self.damage.append(str(error))
            return
        self.infos.append(info)
        self.entries.append(
            StepEntry(
                position,
                info.structure,
                row.event_order,
                tuple(row.stats.split()),
                tuple(row.histograms.split()),
                row.tensors,
                tuple(row.metrics.split()),
            )
        )

    def _salvage(self) -> None:
        """Takes the steps behind a place that cannot be read: from the last step back to that place."""
        found: list[Columns] = []

        def collect(columns: Columns) -> None:
            if found and cast(int, columns[0]) >= cast(int, found[-1][0]):
                raise self._tables.damaged("the list of steps", "it leads in a circle")
            found.append(columns)

        try:
            self._tables.visit(StepRow, "WHERE position > ? ORDER BY position DESC", (self._last,), collect)
        except DamagedRunFile as error:
            if str(error) not in self.damage:
                self.damage.append(str(error))
        for columns in reversed(found):
            self._take(columns)

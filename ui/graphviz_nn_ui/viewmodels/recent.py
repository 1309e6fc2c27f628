"""Runs that were open before, the newest first, each with a line of facts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from graphviz_nn.signal import Signal

LIMIT: Final = 12


class RecentRun(msgspec.Struct, frozen=True):
    """A run file by absolute path, what was in it when it was open last, and when (seconds since 1970)."""

    path: str
    facts: str
    opened: float

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def exists(self) -> bool:
        return os.path.exists(self.path)


class Recent:
    """The list, at most `LIMIT` long. Attributes: changed: ()."""

    def __init__(self) -> None:
        self.changed: Signal[()] = Signal()
        self._runs: list[RecentRun] = []

    def __iter__(self) -> Iterator[RecentRun]:
        return iter(tuple(self._runs))

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, path: str, facts: str) -> None:
        """Puts a run at the top."""
        absolute = os.path.abspath(path)
        others = [run for run in self._runs if run.path != absolute]
        self._runs = [RecentRun(absolute, facts, time.time()), *others][:LIMIT]
        self.changed.emit()

    def remove(self, path: str) -> None:
        self._runs = [run for run in self._runs if run.path != path]
        self.changed.emit()

    def clear(self) -> None:
        self._runs = []
        self.changed.emit()

    def to_json(self) -> str:
        return msgspec.json.encode(self._runs).decode()

    def from_json(self, text: str) -> None:
        """Takes the list from what `to_json` gave; what cannot be read counts as an empty list."""
        try:
            self._runs = msgspec.json.decode(text, type=list[RecentRun])[:LIMIT]
        except msgspec.MsgspecError:
            self._runs = []
        self.changed.emit()

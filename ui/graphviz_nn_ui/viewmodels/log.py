"""What was logged since the window opened, for the log panel and for reports."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphviz_nn.signal import Signal

LIMIT: Final = 5000
"""Entries that are kept; older ones go."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record: seconds since 1970, a level of `logging`, who logged it, its text with the traceback."""

    time: float
    level: int
    source: str
    text: str


class LogBook(logging.Handler):
    """Keeps what is logged at INFO and above.

    Attributes:
        added: (entry), emitted in the thread that logged it.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.added: Signal[LogEntry] = Signal()
        self._entries: deque[LogEntry] = deque(maxlen=LIMIT)

    @property
    def entries(self) -> Sequence[LogEntry]:
        return tuple(self._entries)

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.write(LogEntry(record.created, record.levelno, record.name, text))

    def write(self, entry: LogEntry) -> None:
        """Adds what did not come from a logger, such as a line that a program printed."""
        self._entries.append(entry)
        self.added.emit(entry)

    def clear(self) -> None:
        self._entries.clear()

"""Ctrl+C in the terminal, and SIGTERM: noted, so that the app can leave in good order. Without Qt."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruptions:
    """Inside its context the signals that ask the process to end are noted, and `leave` is called.

    An exception in their place would come at any line: in the middle of a class of Qt's, it crashes the process.

    Attributes:
        came: numbers of the signals that came, in order.
        leave: called at each one.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self.leave: Callable[[], object] = _nothing

    def __enter__(self) -> Interruptions:
        self._former = {number: signal.signal(number, self._note) for number in _NUMBERS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self.leave = _nothing

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.came.append(number)
        self.leave()


def _nothing() -> None:
    pass

"""Memory that a long step leaves behind in the C library.

Its autograd graph is freed before its record is made, but in small pieces, which the C library keeps for the next
request of that size: the record, which Python makes in memory of its own, would stand on top of them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Final

_FEW: Final = 20_000
"""Calls whose graph is not worth the milliseconds; a graph takes about a kilobyte a call."""


def give_back_after(calls: int) -> None:
    """Gives the freed memory of a step of so many calls back to the system, where the C library can (glibc)."""
    trim = _trim() if calls > _FEW else None
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or a system without one to ask
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    found: Callable[[int], int] = trim
    return found

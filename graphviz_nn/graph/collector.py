"""Python's cyclic garbage collector, and when not to run it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keeps the cyclic collector off while a graph is made.

    A graph is hundreds of thousands of dicts, none of them garbage: looking through them again and again as they
    grow in number takes longer than making them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

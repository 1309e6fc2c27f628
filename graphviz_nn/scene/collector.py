"""Python's garbage collector, paused while much is made that is all kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses the cyclic collector inside the block.

    A picture of 100,000 boxes is a million small objects; walking them again and again as their number grows takes
    most of the time otherwise.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

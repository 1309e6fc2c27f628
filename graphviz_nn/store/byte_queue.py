"""A queue between two threads that is bounded by the memory its items hold."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ByteQueue(Generic[Item]):
    """First in, first out, for one consumer, who iterates over it until it is closed and empty."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes held by items that wait or are being consumed, from which on `put` waits."""
        self._limit = limit
        self._items: deque[tuple[Item, int]] = deque()
        self._held = 0
        self._busy = False
        self._closed = False
        self._change = threading.Condition()

    def put(self, item: Item, size: int) -> bool:
        """Adds an item of `size` bytes; returns False, and drops it, where the queue is closed.

        Waits while it would lift the queue over its limit, but for an item that is alone: that one is let in
        whatever its size.
        """
        with self._change:
            self._change.wait_for(lambda: self._closed or not self._held or self._held + size <= self._limit)
            if self._closed:
                return False
            self._items.append((item, size))
            self._held += size
            self._change.notify_all()
            return True

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._items or self._closed)
                if not self._items:
                    return
                item, size = self._items.popleft()
                self._busy = True
            yield item
            with self._change:
                self._held -= size
                self._busy = False
                self._change.notify_all()

    def drain(self) -> None:
        """Returns when every item put so far has been consumed or dropped."""
        with self._change:
            self._change.wait_for(lambda: not self._items and not self._busy)

    def close(self, *, drop: bool = False) -> None:
        """Takes no more items. With `drop` those that wait are let go, too."""
        with self._change:
            self._closed = True
            if drop:
                self._held -= sum(size for _, size in self._items)
                self._items.clear()
            self._change.notify_all()

"""Finding nodes: the query, what it found, and which of them is looked at."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from graphviz_nn.errors import GraphvizNNError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from graphviz_nn.run import Run
    from graphviz_nn.session.step import OpenStep

BIG: Final = 20_000
"""Nodes from which a step is searched away from the window's thread."""


class Found:
    """Nodes in order of execution, and a place among them.

    Attributes:
        nodes: their ids. place: index of the one that is looked at, or -1. error: why nothing could be searched.
    """

    def __init__(self, nodes: Sequence[int] | npt.NDArray[np.intp] = (), error: str = "") -> None:
        self.nodes = nodes
        self.error = error
        self.place = -1

    @property
    def words(self) -> str:
        """What to say: the error, "nothing found", or "3 of 17"."""
        if self.error:
            return self.error
        if not len(self.nodes):
            return "nothing found"
        return f"{self.place + 1:,} of {len(self.nodes):,}" if self.place >= 0 else f"{len(self.nodes):,} found"

    def go(self, from_node: int, back: bool) -> int | None:
        """Goes on to the next node after (or before) one, round the end; returns it, or None where there is none."""
        count = len(self.nodes)
        if not count:
            return None
        if back:
            self.place = (bisect_left(self.nodes, from_node) - 1) % count
        else:
            self.place = bisect_right(self.nodes, from_node) % count
        return int(self.nodes[self.place])


def find(step: OpenStep, query: str) -> Found:
    """Searches a step. What cannot be read is said in `error`, with its place in words."""
    try:
        return Found(step.finder.find(query))
    except GraphvizNNError as error:
        return Found(error=str(error))


class Apart:
    """The same step read once more, through a connection of its own, for threads to search in."""

    def __init__(self, path: str, position: int) -> None:
        self.key = (path, position)
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._step: OpenStep | None = None

    def find(self, query: str) -> Found:
        """In a thread; one search at a time."""
        with self._lock:
            if self._step is None:
                from graphviz_nn.run import load
                from graphviz_nn.session.step import OpenStep

                path, position = self.key
                self._run = load(path)
                self._step = OpenStep(self._run.data, position)
            return find(self._step, query)

    def close(self) -> None:
        """To be called once nothing searches any more."""
        if self._run is not None:
            self._run.close()

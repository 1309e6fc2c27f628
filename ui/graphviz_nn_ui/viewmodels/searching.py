"""Finding nodes: the query, what it found, and which of them is looked at."""

from __future__ import annotations

import threading
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.run import Run, load
from graphviz_nn.session.step import OpenStep

BIG: Final = 20_000
"""Nodes from which a step is searched away from the window's thread."""

Nodes = npt.NDArray[np.intp]


class Found:
    """Nodes in order of execution, and a place among them.

    Attributes:
        nodes: their ids. place: index of the one that is looked at, or -1. error: why nothing could be searched.
    """

    def __init__(self, nodes: Nodes | None = None, error: str = "") -> None:
        self.nodes = np.empty(0, np.intp) if nodes is None else nodes
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
            self.place = (int(np.searchsorted(self.nodes, from_node, side="left")) - 1) % count
        else:
            self.place = int(np.searchsorted(self.nodes, from_node, side="right")) % count
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
                path, position = self.key
                self._run = load(path)
                self._step = OpenStep(self._run.data, position)
            return find(self._step, query)

    def close(self) -> None:
        """To be called once nothing searches any more."""
        if self._run is not None:
            self._run.close()

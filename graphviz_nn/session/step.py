"""One step as a session looks at it: what is worked out of it once, and kept while it is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property

import numpy as np

from graphviz_nn.errors import GraphvizNNError, NotRecorded
from graphviz_nn.model.steps import RunData, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session.breakpoints import Breakpoint
from graphviz_nn.session.find import Finder
from graphviz_nn.session.order import StepOrder
from graphviz_nn.session.readings import Readings, Rows
from graphviz_nn.session.state import States
from graphviz_nn.session.textbook import Readers


class OpenStep:
    """A step of a run.

    Attributes:
        position: among the steps of the run.
        info: the run's line about it.
        order: its events. A step that did the same as `former` shares what was worked out of that one's.
        states: what exists at each event.
        readers: how often each value is read.
        readings: its numbers by event.
    """

    def __init__(self, data: RunData, position: int, former: OpenStep | None = None) -> None:
        """Raises `DamagedRunFile` where the step cannot be read."""
        self._data = data
        self.position = position
        self.info: StepInfo = data.steps()[position]
        structure = data.structure(self.info.structure)
        events = data.events(position)
        shared = former is not None and former.order.describes(structure, events)
        self.order: StepOrder = former.order if former is not None and shared else StepOrder(structure, events)
        self.states: States = former.states if former is not None and shared else States(self.order)
        self.readings: Readings = Readings(data, position, self.order, None if former is None else former.readings)
        self._hits: dict[Breakpoint, Rows] = {}
        self._readers: Readers | None = former._readers if former is not None and shared else None

    @property
    def structure(self) -> Structure:
        return self.order.structure

    @cached_property
    def finder(self) -> Finder:
        return Finder(self.readings)

    @property
    def readers(self) -> Readers:
        """How many calls read each value; counted once for the steps that share an order."""
        if self._readers is None:
            self._readers = Readers(self.order)
        return self._readers

    @cached_property
    def kept(self) -> frozenset[TensorKey]:
        """The tensors that the run holds of this step."""
        return frozenset(self._data.tensor_keys(self.position))

    def look_ahead(self) -> None:
        """Works out what is looked at first, which stays with the step: of large ones a thread of its own may do that.

        What of the file is damaged stays unsaid until somebody asks for it.
        """
        _ = self.order.phase, self.order.phase_starts, self.structure.by_name, self.structure.parameter_readers
        with suppress(GraphvizNNError):
            _ = self.readings.outputs, self.readings.gradients, self.readings.problems, self.kept, self.readers

    def hits(self, breakpoint: Breakpoint) -> Rows:
        """Returns the events at which a breakpoint stops, as `Breakpoint.seqs` does."""
        if breakpoint not in self._hits:
            self._hits[breakpoint] = breakpoint.seqs(self.readings)
        return self._hits[breakpoint]

    def stops(self, breakpoints: Iterable[Breakpoint]) -> Rows:
        """Returns the events at which one of the enabled breakpoints stops, ascending.

        A breakpoint whose condition reads numbers that this step does not hold stops nowhere in it.
        """
        found = [self._known_hits(each) for each in breakpoints if each.enabled]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.intp)

    def _known_hits(self, breakpoint: Breakpoint) -> Rows:
        try:
            return self.hits(breakpoint)
        except NotRecorded:
            return np.empty(0, np.intp)

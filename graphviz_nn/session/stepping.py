"""A place in a step: what there is at it, and the ways to go on from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded, SelectorError
from graphviz_nn.model.structure import Structure
from graphviz_nn.session import moves
from graphviz_nn.session.breakpoints import Breakpoint, Breakpoints
from graphviz_nn.session.cursor import Place, place_at
from graphviz_nn.session.order import START, StepOrder
from graphviz_nn.session.state import State
from graphviz_nn.session.step import OpenStep
from graphviz_nn.session.textbook import Textbook, textbook
from graphviz_nn.signal import Signal


class Stepping:
    """A step and a cursor in it.

    The cursor is the seq of the last event that has happened, -1 before the first. Each move returns whether the cursor
    moved; `origin` is the object that asked for it, whose callbacks are left out.

    Attributes:
        breakpoints: where to stop.
        cursor_moved: (former seq, seq) in the same step.
        breakpoints_changed: ().
    """

    def __init__(self) -> None:
        self.cursor_moved: Signal[int, int] = Signal()
        self.breakpoints_changed: Signal[()] = Signal()
        self.breakpoints = Breakpoints(self.breakpoints_changed)
        self._step: OpenStep | None = None
        self._cursor = START
        self._placed: tuple[StepOrder, Place] | None = None

    @property
    def step(self) -> OpenStep:
        """The open step. Raises `NotRecorded` where the run has none yet."""
        if self._step is None:
            raise NotRecorded("The run has no recorded step yet: wait for the first one to end, then refresh.")
        return self._step

    @property
    def has_step(self) -> bool:
        return self._step is not None

    @property
    def structure(self) -> Structure:
        return self.step.structure

    @property
    def cursor(self) -> int:
        return self._cursor

    @property
    def place(self) -> Place:
        """What happens at the cursor."""
        order = self.step.order
        if self._placed is None or self._placed[0] is not order or self._placed[1].seq != self._cursor:
            self._placed = order, place_at(order, self._cursor)
        return self._placed[1]

    @property
    def state(self) -> State:
        """What exists at the cursor."""
        return self.step.states.at(self._cursor)

    def changed(self, before: int, after: int) -> npt.NDArray[np.intp]:
        """Returns the ids of the nodes whose state differs between two seqs of the open step."""
        return self.step.states.changed(before, after)

    def textbook(self, node: int) -> Textbook:
        """Returns what has come into a node and what goes out of it at the cursor.

        Raises:
            SelectorError: there is no such node.
        """
        self._check_node(node)
        step = self.step
        return textbook(step.order, step.states, step.readers, step.kept, self._cursor, node)

    def find(self, query: str) -> npt.NDArray[np.intp]:
        """Returns the ids of the nodes that a search finds, in order of execution; see `graphviz_nn.session.query`.

        Raises:
            ExpressionError: the search cannot be read. NotRecorded: it asks for numbers that the step does not hold.
        """
        return self.step.finder.find(query)

    # Moves: see `graphviz_nn.session.moves`

    def into(self, *, origin: object = None) -> bool:
        return self._move(moves.into, origin)

    def into_back(self, *, origin: object = None) -> bool:
        return self._move(moves.into_back, origin)

    def over(self, *, origin: object = None) -> bool:
        return self._move(moves.over, origin)

    def over_back(self, *, origin: object = None) -> bool:
        return self._move(moves.over_back, origin)

    def out(self, *, origin: object = None) -> bool:
        return self._move(moves.out, origin)

    def out_back(self, *, origin: object = None) -> bool:
        return self._move(moves.out_back, origin)

    def to_phase_end(self, *, origin: object = None) -> bool:
        return self._move(moves.phase_end, origin)

    def to_phase_start(self, *, origin: object = None) -> bool:
        return self._move(moves.phase_start, origin)

    def to_node(self, node: int, *, back: bool = False, origin: object = None) -> bool:
        """Runs to the next event (or the one before) that names the node.

        Raises `SelectorError` where there is no such node.
        """
        self._check_node(node)
        move = moves.to_node_back if back else moves.to_node
        return self._move(lambda order, seq: move(order, seq, node), origin)

    def to_breakpoint(self, *, back: bool = False, origin: object = None) -> bool:
        """Runs to the next event (or the one before) at which an enabled breakpoint stops."""
        return self._to_one_of(self.step.stops(self.breakpoints), back, origin)

    def to_problem(self, *, back: bool = False, origin: object = None) -> bool:
        """Runs to the next (or the former) error, or NaN or ±Inf in a value, a gradient or an update."""
        return self._to_one_of(self.step.readings.problems, back, origin)

    def scrub(self, seq: int, *, origin: object = None) -> bool:
        """Puts the cursor at `seq`, or at the nearest end of the step."""
        target = min(max(int(seq), START), len(self.step.order) - 1)
        return self._move(lambda order, at: target, origin)

    def stopped_by(self) -> list[Breakpoint]:
        """Returns the enabled breakpoints that stop at the cursor."""
        at = np.array([self._cursor])
        return [each for each in self.breakpoints if np.isin(at, self.step.stops([each]))[0]]

    # Inside

    def _move(self, move: Callable[[StepOrder, int], int | None], origin: object) -> bool:
        target = move(self.step.order, self._cursor)
        if target is None or target == self._cursor:
            return False
        former, self._cursor = self._cursor, target
        self.cursor_moved.emit(former, target, origin=origin)
        return True

    def _to_one_of(self, seqs: npt.NDArray[np.intp], back: bool, origin: object) -> bool:
        choose = moves.preceding if back else moves.following
        return self._move(lambda order, seq: choose(seqs, seq), origin)

    def _check_node(self, node: int) -> None:
        count = len(self.structure.nodes)
        if not 0 <= node < count:
            raise SelectorError(f"There is no node {node}: the step has nodes 0 to {count - 1}.")

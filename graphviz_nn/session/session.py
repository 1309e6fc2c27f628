"""What a person who looks at a run has open: step, cursor, selection, expanded modules, breakpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from graphviz_nn.errors import DamagedRunFile, SelectorError
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.wording import plural
from graphviz_nn.session.cursor import same_place
from graphviz_nn.session.expansion import Expansion, Keys
from graphviz_nn.session.order import START
from graphviz_nn.session.selection import Selection, carried, check
from graphviz_nn.session.step import OpenStep
from graphviz_nn.session.stepping import Stepping
from graphviz_nn.signal import Signal


@runtime_checkable
class Growing(Protocol):
    """A run whose file may have grown, or may have been replaced."""

    @property
    def generation(self) -> int: ...

    def refresh(self) -> int: ...


class Session(Stepping):
    """One run, one cursor, one selection; everything that shows something follows them.

    A session starts in the last step that can be read, at its end. Each method that changes something takes `origin`,
    the object that asked for it, whose callbacks are left out.

    Attributes:
        data: the run.
        follow: whether `refresh` goes on to a new last step where the former last one is open.
        step_changed: (position) another step was opened; cursor and selection have been carried over.
        selection_changed: (selection or None).
        expansion_changed: (keys of what is expanded).
        run_grew: (number of steps now).
    """

    def __init__(self, data: RunData) -> None:
        """Raises `DamagedRunFile` where there are steps and none of them can be read."""
        super().__init__()
        self.data = data
        self.follow = True
        self.step_changed: Signal[int] = Signal()
        self.selection_changed: Signal[Selection | None] = Signal()
        self.expansion_changed: Signal[Keys] = Signal()
        self.run_grew: Signal[int] = Signal()
        self._expansion = Expansion()
        self._selection: Selection | None = None
        self._step = self._newest()
        if self._step is not None:
            self._cursor = len(self._step.order) - 1
        self._count = len(data.steps())
        self._generation = data.generation if isinstance(data, Growing) else 0

    # Steps

    @property
    def position(self) -> int:
        """Position of the open step among the run's steps, or -1 where there is none yet."""
        return -1 if self._step is None else self._step.position

    def go_to_step(self, position: int, *, origin: object = None) -> bool:
        """Opens the step at `position` of the run; returns whether that is another one.

        In a step that did the same the cursor stays where it is; in another it goes to the same event of the node of
        the same name, or to the end. What is selected and expanded stays where the step has it.

        Raises:
            SelectorError: there is no such step. DamagedRunFile: it cannot be read. Both leave all as it was.
        """
        self._check_position(position)
        return position != self.position and self.show_step(self.read_step(position), origin=origin)

    def read_step(self, position: int) -> OpenStep:
        """Reads a step without showing it: a thread of its own may do that, and hand the result to `show_step`.

        Raises:
            SelectorError: there is no such step. DamagedRunFile: it cannot be read.
        """
        self._check_position(position)
        return OpenStep(self.data, position, self._step)

    def show_step(self, step: OpenStep, *, origin: object = None) -> bool:
        """Opens a step that `read_step` returned, as `go_to_step` does; returns whether that is another one.

        Where another recording has taken the file's place since, the step is gone: nothing is opened.
        """
        steps = self.data.steps()
        known = step.position < len(steps) and steps[step.position] is step.info
        if not known or step.position == self.position:
            return False
        self._open(step, origin)
        return True

    def next_step(self, *, origin: object = None) -> bool:
        last = len(self.data.steps()) - 1
        return self.position < last and self.go_to_step(self.position + 1, origin=origin)

    def previous_step(self, *, origin: object = None) -> bool:
        return self.position > 0 and self.go_to_step(self.position - 1, origin=origin)

    def refresh(self, *, go_on: bool = True, origin: object = None) -> int:
        """Takes in what was written to the run since; returns the number of new steps.

        Without `go_on` an open step stays open: whoever follows the run reads the last one by himself. Where another
        recording has taken the file's place, its last step is opened.
        """
        if isinstance(self.data, Growing):
            self.data.refresh()
            if self.data.generation != self._generation:
                return self._start_over(self.data.generation, origin)
        former, self._count = self._count, len(self.data.steps())
        if self._count == former:
            return 0
        at_end = self.position == former - 1
        self.run_grew.emit(self._count, origin=origin)
        if self._step is None or (go_on and self.follow and at_end):
            step = self._newest()
            if step is not None and step.position != self.position:
                self._open(step, origin)
        return self._count - former

    # Selection and expansion

    @property
    def selection(self) -> Selection | None:
        return self._selection

    def select(self, selection: Selection | None, *, origin: object = None) -> bool:
        """Selects something, or nothing; returns whether that is a change.

        Raises `SelectorError` where the step has no such thing.
        """
        if selection is not None:
            check(selection, self.structure)
        if selection == self._selection:
            return False
        self._selection = selection
        self.selection_changed.emit(selection, origin=origin)
        return True

    @property
    def expanded(self) -> Keys:
        """Keys of the groups that are expanded: "m3" for module call 3, "f12" for composite or custom call 12."""
        return self._expansion.keys

    @property
    def can_undo(self) -> bool:
        return self._expansion.can_undo

    @property
    def can_redo(self) -> bool:
        return self._expansion.can_redo

    def expand(self, *keys: str, origin: object = None) -> bool:
        return self.set_expanded(self.expanded | set(keys), origin=origin)

    def collapse(self, *keys: str, origin: object = None) -> bool:
        return self.set_expanded(self.expanded - set(keys), origin=origin)

    def set_expanded(self, keys: Iterable[str], *, origin: object = None) -> bool:
        """Expands exactly these; one change to undo. Returns whether it is a change."""
        return self._tell_expansion(self._expansion.change(keys), origin)

    def begin_expanded(self, keys: Iterable[str], *, origin: object = None) -> bool:
        """Expands exactly these as what a person sees first, which cannot be undone; returns whether it is a change."""
        return self._tell_expansion(self._expansion.begin(keys), origin)

    def undo(self, *, origin: object = None) -> bool:
        """Takes the last change of what is expanded back."""
        return self._tell_expansion(self._expansion.undo(), origin)

    def redo(self, *, origin: object = None) -> bool:
        """Makes it again."""
        return self._tell_expansion(self._expansion.redo(), origin)

    # Inside

    def _check_position(self, position: int) -> None:
        count = len(self.data.steps())
        if not 0 <= position < count:
            raise SelectorError(f"There is no step {position}: the run has {plural(count, 'recorded step')}.")

    def _tell_expansion(self, changed: bool, origin: object) -> bool:
        if changed:
            self.expansion_changed.emit(self.expanded, origin=origin)
        return changed

    def _newest(self) -> OpenStep | None:
        """The last step that can be read, or None where there is no step."""
        first_damage: DamagedRunFile | None = None
        for position in reversed(range(len(self.data.steps()))):
            try:
                return OpenStep(self.data, position, self._step)
            except DamagedRunFile as error:
                first_damage = first_damage or error
        if first_damage is not None:
            raise first_damage
        return None

    def _start_over(self, generation: int, origin: object) -> int:
        self._generation = generation
        self._count = len(self.data.steps())
        self.run_grew.emit(self._count, origin=origin)
        self._cursor, self._step, newest = START, None, self._newest()
        self._selection = None
        if newest is not None:
            self._open(newest, origin)
        else:
            self.step_changed.emit(self.position, origin=origin)
        self.selection_changed.emit(None, origin=origin)
        return self._count

    def _open(self, step: OpenStep, origin: object) -> None:
        """Shows another step; tells of what could not be carried over after telling of the step."""
        former, selection, keys = self._step, self._selection, self.expanded
        self._cursor = len(step.order) - 1 if former is None else same_place(former.order, self._cursor, step.order)
        if former is not None and former.structure is not step.structure:
            if selection is not None:
                self._selection = carried(selection, former.structure, step.structure)
            self._expansion.carry(former.structure, step.structure)
        self._step = step
        self.step_changed.emit(step.position, origin=origin)
        if self._selection != selection:
            self.selection_changed.emit(self._selection, origin=origin)
        self._tell_expansion(self.expanded != keys, origin)

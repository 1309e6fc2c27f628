"""Opens training steps: what takes long to read is read in a thread, and the window goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn_ui.workers.jobs import Jobs

if TYPE_CHECKING:
    from graphviz_nn.session import Session
    from graphviz_nn.session.step import OpenStep

TAG: Final = "reading a step"


class StepReader:
    """Goes from step to step of a session. The newest request counts: one before it that is still read is dropped.

    `failed` is told, as title and remedy, of a step that cannot be read; the open one stays then.
    """

    def __init__(self, jobs: Jobs, failed: Callable[[str, str], object]) -> None:
        self._jobs = jobs
        self._failed = failed
        self._wanted: tuple[Session, int] | None = None

    def is_reading(self, session: Session) -> bool:
        """Whether a step of the session is being read."""
        return self._wanted is not None and self._wanted[0] is session and TAG in self._jobs.tags

    def wanted(self, session: Session) -> int:
        """Position of the step that is being read, or of the open one."""
        return self._wanted[1] if self._wanted is not None and self.is_reading(session) else session.position

    def go_to(
        self, session: Session, position: int, *, origin: object = None, then: Callable[[], object] | None = None
    ) -> None:
        """Opens a step, and calls `then` once it is open.

        A step that did what the open one does is there at once; its numbers are read when somebody asks for them.
        """
        self._jobs.forget(TAG)
        shown = partial(_show, session, origin, then)
        if position == session.position:
            shown(session.step)
        elif _did_the_same(session, position):
            try:
                shown(session.read_step(position))
            except GraphvizNNError as error:
                self._tell(error)
        else:
            self._wanted = session, position
            self._jobs.submit(TAG, lambda ticket: _read(session, position), shown, self._tell)

    def go_by(self, session: Session, offset: int) -> None:
        """Opens the step so many after (or, negative, before) the open one, or after the one that is being read."""
        position = self.wanted(session) + offset
        if 0 <= position < len(session.data.steps()):
            self.go_to(session, position)

    def _tell(self, error: Exception) -> None:
        if not isinstance(error, GraphvizNNError):
            raise error
        self._failed("This step cannot be shown", str(error))


def _read(session: Session, position: int) -> OpenStep:
    """In a thread."""
    step = session.read_step(position)
    step.look_ahead()
    return step


def _show(session: Session, origin: object, then: Callable[[], object] | None, step: OpenStep) -> None:
    session.show_step(step, origin=origin)
    if then is not None and session.position == step.position:
        then()


def _did_the_same(session: Session, position: int) -> bool:
    """Whether a step has the structure and the order of events of the open one, which need not be read again."""
    from graphviz_nn.model.series import KnownLayout

    data = session.data
    if not isinstance(data, KnownLayout) or not session.has_step:
        return False
    return data.layout(position) == data.layout(session.position)

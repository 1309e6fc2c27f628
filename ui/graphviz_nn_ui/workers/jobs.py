"""One queue for all work away from the window's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from PyQt6.QtCore import QObject, QRunnable, QThreadPool, pyqtSignal

from graphviz_nn.signal import Signal

_Result = TypeVar("_Result")
_logger = logging.getLogger(__name__)

THREADS: Final = 2


class Cancelled(BaseException):
    """Raised inside work whose result nobody waits for any more; see `Ticket.check`."""


class Ticket:
    """What a piece of work may ask and tell while it runs, from its own thread."""

    def __init__(self, tag: str, tell: Callable[[float, str], None]) -> None:
        self.tag = tag
        self._tell = tell
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raises `Cancelled` where the result is not wanted any more. Long work calls it now and then."""
        if self.cancelled:
            raise Cancelled

    def progress(self, fraction: float, text: str = "") -> None:
        """Tells how far the work is (0…1, or negative where that is unknown)."""
        self._tell(fraction, text)

    def cancel(self) -> None:
        self._cancelled.set()


@dataclass(frozen=True, slots=True)
class _Outcome:
    ticket: Ticket
    deliver: Callable[[], object]


class Jobs(QObject):
    """Runs immutable requests in threads and delivers their results in the window's thread.

    The newest request with a tag replaces older ones: what has not begun never does, and what runs is told to stop and
    its result is dropped. Work must touch nothing that the window's thread may change.

    Attributes:
        changed: (tags that are being worked on).
        advanced: (tag, fraction, text) as told by `Ticket.progress`.
    """

    _finished = pyqtSignal(object)
    _left = pyqtSignal(object)
    _told = pyqtSignal(object, float, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.changed: Signal[tuple[str, ...]] = Signal()
        self.advanced: Signal[str, float, str] = Signal()
        self._current: dict[str, Ticket] = {}
        self._running: set[Ticket] = set()
        self._waiting: list[tuple[set[Ticket], Callable[[], object]]] = []
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(THREADS)
        self._finished.connect(self._deliver)
        self._left.connect(self._leave)
        self._told.connect(self._advance)

    @property
    def tags(self) -> tuple[str, ...]:
        """What is being worked on."""
        return tuple(self._current)

    def submit(
        self,
        tag: str,
        work: Callable[[Ticket], _Result],
        done: Callable[[_Result], object],
        failed: Callable[[Exception], object] | None = None,
    ) -> Ticket:
        """Runs `work` in a thread, then `done` with its result, or `failed` with its exception, in this one.

        Without `failed` an exception is logged with its traceback.
        """
        self.forget(tag)
        ticket = Ticket(tag, lambda fraction, text: self._told.emit(ticket, fraction, text))
        self._current[tag] = ticket
        self._running.add(ticket)
        self._pool.start(_Runnable(lambda: self._run(ticket, work, done, failed or _log)))
        self.changed.emit(self.tags)
        return ticket

    def forget(self, tag: str) -> None:
        """Cancels the work with this tag, if there is any: neither `done` nor `failed` is called."""
        ticket = self._current.pop(tag, None)
        if ticket is not None:
            ticket.cancel()
            self.changed.emit(self.tags)

    def forget_all(self) -> None:
        for tag in self.tags:
            self.forget(tag)

    def hold(self, tag: str) -> Callable[[], None]:
        """Counts work that goes on elsewhere, as in a process, among `tags` until the returned function is called."""
        self.forget(tag)
        ticket = Ticket(tag, lambda fraction, text: self.advanced.emit(tag, fraction, text))
        self._current[tag] = ticket
        self.changed.emit(self.tags)

        def release() -> None:
            self._release(ticket)

        return release

    def after_running(self, action: Callable[[], object]) -> None:
        """Calls `action` in this thread once all that runs now has ended, wanted or not; at once where nothing runs."""
        if self._running:
            self._waiting.append((set(self._running), action))
        else:
            action()

    def wait(self, seconds: float = 30.0) -> bool:
        """Waits until no thread works; returns whether that came about. Results arrive when events are processed."""
        return self._pool.waitForDone(int(seconds * 1000))

    def _run(
        self,
        ticket: Ticket,
        work: Callable[[Ticket], Any],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """In a thread."""
        try:
            if not ticket.cancelled:
                result = work(ticket)
                self._finished.emit(_Outcome(ticket, lambda: done(result)))
        except Cancelled:
            pass
        except Exception as error:
            caught = error
            self._finished.emit(_Outcome(ticket, lambda: failed(caught)))
        finally:
            self._left.emit(ticket)

    def _deliver(self, outcome: _Outcome) -> None:
        ticket = outcome.ticket
        if not ticket.cancelled and self._release(ticket):
            outcome.deliver()

    def _release(self, ticket: Ticket) -> bool:
        """Takes what has ended off the list; returns whether it was still on it."""
        if self._current.get(ticket.tag) is not ticket:
            return False
        del self._current[ticket.tag]
        self.changed.emit(self.tags)
        return True

    def _leave(self, ticket: Ticket) -> None:
        self._running.discard(ticket)
        for running, action in self._waiting.copy():
            running.discard(ticket)
            if not running:
                self._waiting.remove((running, action))
                action()

    def _advance(self, ticket: Ticket, fraction: float, text: str) -> None:
        if self._current.get(ticket.tag) is ticket:
            self.advanced.emit(ticket.tag, fraction, text)


class _Runnable(QRunnable):
    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__()
        self._function = function

    def run(self) -> None:
        self._function()


def _log(error: Exception) -> None:
    _logger.error("Work in the background failed", exc_info=error)

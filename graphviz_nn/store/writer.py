"""Writes a run file beside a training loop that hardly feels it."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from graphviz_nn.errors import RunFileError
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import RunMeta, StepRecord
from graphviz_nn.store.byte_queue import ByteQueue
from graphviz_nn.store.connection import explain
from graphviz_nn.store.database import RunDatabase, step_bytes
from graphviz_nn.store.destination import Destination

QUEUE_BYTES: Final = 256 << 20
"""Memory that steps may hold while they wait to be written: 256 MiB."""

_logger = logging.getLogger(__name__)


class RunWriter:
    """A `RunSink` that writes a run file in a thread of its own.

    Each step is one transaction: a reader that opens the file meanwhile, or after the program was killed, finds every
    step that was finished, whole. An older run at the same place stays until the first step of the new one is there
    (without a step it stays for good).

    What the disk refuses never reaches the training loop: it is logged once, kept in `error`, and ends the writing,
    while the program and the finished steps in the file live on.
    """

    def __init__(self, path: str | os.PathLike[str], *, queue_bytes: int = QUEUE_BYTES) -> None:
        """Prepares the file; returns when it can be written.

        Raises:
            NotARunFile: something else stands at `path`.
            RunFileError: another recording writes to `path`, or its folder is missing or cannot be written.
        """
        self.error: RunFileError | None = None
        self._process = os.getpid()
        self._closed = False
        self._destination = Destination(path)
        try:
            self._database = RunDatabase(self._destination.staging)
            self._published = False
            if not self._destination.occupied:
                self._publish()
        except (OSError, sqlite3.Error) as error:
            self._give_up()
            raise explain(error, self.path) from error
        self._queue: ByteQueue[Callable[[], None]] = ByteQueue(queue_bytes)
        self._thread = threading.Thread(target=self._work, name="graphviz_nn run writer", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return self._destination.path

    def write(self, step: StepRecord) -> None:
        """Queues a step. Waits only while the steps that are not yet written hold more than `queue_bytes`.

        The step's arrays must not be changed afterwards.
        """
        self._put(lambda: self._write(step), step_bytes(step))

    def add_source(self, file: str, text: str) -> None:
        """Queues the text of one of the user's source files, by absolute name."""
        self._put(lambda: self._database.add_source(file, text), len(text))

    def set_meta(self, meta: RunMeta) -> None:
        """Queues what the run says of itself; it replaces what it said before."""
        self._put(lambda: self._database.set_meta(meta), 0)

    def add_finding(self, finding: Finding) -> None:
        """Queues what a check found in a step that was queued before."""
        self._put(lambda: self._database.add_finding(finding), 0)

    def flush(self) -> None:
        """Returns when everything queued so far is in the file, or lost to `error`."""
        if self._own_process():
            self._queue.drain()

    def close(self) -> None:
        """Ends the writing; everything written is safe when this returns. Does nothing when called again.

        Raises:
            RunFileError: something could not be written; the file holds the steps before it.
        """
        if not self._own_process() or self._closed:
            return
        self._closed = True
        self._queue.close()
        self._thread.join()
        atexit.unregister(self._at_exit)
        if self.error is not None:
            raise self.error

    def _put(self, job: Callable[[], None], size: int) -> None:
        if self._own_process():
            self._queue.put(job, size)

    def _own_process(self) -> bool:
        """A forked child (a data loader's worker, say) has a copy of the writer, but must leave the file alone."""
        return os.getpid() == self._process

    # In the writer's thread

    def _work(self) -> None:
        for job in self._queue:
            try:
                self._destination.check_present()
                job()
            except Exception as error:
                self._fail(error)
        try:
            self._finish()
        except Exception as error:
            self._fail(error)

    def _write(self, step: StepRecord) -> None:
        self._database.add_step(step)
        if not self._published:
            self._publish()

    def _publish(self) -> None:
        """Puts the file in its place, and goes on writing there."""
        self._database.close()
        self._destination.publish()
        self._published = True
        self._database.reopen(self.path)

    def _fail(self, error: Exception) -> None:
        self._queue.close(drop=True)
        if self.error is None:
            self.error = explain(error, self.path)
            refused = isinstance(error, (sqlite3.OperationalError, OSError))
            trace = None if refused else error  # of the disk's refusals the message says all
            _logger.error("%s The recording ends here; the program goes on.", self.error, exc_info=trace)

    def _finish(self) -> None:
        try:
            if self.error is None:
                self._destination.check_present()
                self._database.close()
            else:
                self._database.abandon()
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """Leaves nothing behind but what was published."""
        with suppress(OSError):
            self._destination.discard()
        self._destination.release()

    def _at_exit(self) -> None:
        """A program that ends without closing its recording still gets its last steps."""
        with suppress(RunFileError):
            self.close()

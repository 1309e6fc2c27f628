"""Has pictures laid out away from the window's thread: small ones in a thread, large ones in a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.packing import unpack
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.workers.jobs import Jobs, Ticket
from graphviz_nn_ui.workers.layout_child import structure_message
from graphviz_nn_ui.workers.layout_process import LayoutProcess
from graphviz_nn_ui.workers.layout_request import Composers, LayoutRequest

TAG: Final = "layout"
LARGE_PICTURE: Final = 3_000
"""Boxes from which on a picture is laid out in a process: in a thread, Python code makes the window wait."""

LARGE_STRUCTURE: Final = 20_000
"""Nodes from which on every picture of a structure is."""

Done = Callable[[SceneTables], object]
Failed = Callable[[Exception], object]


class Layouts:
    """Lays out pictures for one window; a new request replaces the one under way."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._composers = Composers()
        self._process = LayoutProcess(jobs)
        self._release: Callable[[], None] = _nothing

    def request(self, structure: Structure, request: LayoutRequest, boxes: int, done: Done, failed: Failed) -> None:
        """Makes a picture of about `boxes` boxes, then calls `done` with it in this thread, or `failed`."""
        self.cancel()
        if boxes < LARGE_PICTURE and len(structure.nodes) < LARGE_STRUCTURE:
            composers = self._composers
            self._jobs.submit(TAG, lambda ticket: _tables(composers, structure, request, ticket), done, failed)
        elif self._process.knows(request.digest):
            self._ask(request, done, failed)
        else:
            self._jobs.submit(
                TAG,
                lambda _: structure_message(request.digest, structure),
                lambda message: self._tell(request, message, done, failed),
                failed,
            )

    def cancel(self) -> None:
        """Gives up what is under way: neither `done` nor `failed` is called."""
        self._jobs.forget(TAG)
        self._process.cancel()
        self._release()

    def forget(self) -> None:
        """Gives up all, and forgets what was worked out of the run that was open."""
        self.cancel()
        self._process.stop()
        self._composers = Composers()

    def _tell(self, request: LayoutRequest, message: bytes, done: Done, failed: Failed) -> None:
        self._process.tell(request.digest, message)
        self._ask(request, done, failed)

    def _ask(self, request: LayoutRequest, done: Done, failed: Failed) -> None:
        release = self._release = self._jobs.hold(TAG)

        def receive(data: bytes) -> None:
            release()
            done(unpack(SceneTables, data))

        def fail(reason: str) -> None:
            release()
            failed(RuntimeError(reason))

        self._process.request(request, receive, fail)


def _tables(composers: Composers, structure: Structure, request: LayoutRequest, ticket: Ticket) -> SceneTables:
    ticket.check()
    return composers.tables(structure, request)


def _nothing() -> None:
    """Nothing is held yet."""

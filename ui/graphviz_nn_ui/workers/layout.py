"""Has pictures laid out away from the window's thread: small ones in a thread, large ones in a process."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Final

from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.packing import unpack
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.workers.jobs import Jobs, Ticket
from graphviz_nn_ui.workers.layout_child import write_structure
from graphviz_nn_ui.workers.layout_process import LayoutProcess
from graphviz_nn_ui.workers.layout_request import Composers, LayoutRequest

TAG: Final = "layout"
_READY: Final = "getting ready"
LARGE_PICTURE: Final = 3_000
"""Boxes from which on a picture is laid out in a process: in a thread, Python code makes the window wait."""

LARGE_STRUCTURE: Final = 20_000
"""Nodes from which on every picture of a structure is."""

Done = Callable[[SceneTables], object]
Failed = Callable[[Exception], object]


class Layouts:
    """Lays out pictures for one window; a new request replaces the one under way.

    Attributes:
        composers: what lays out small pictures, of the run that is open.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.composers = Composers()
        self._process = LayoutProcess(jobs)
        self._release: Callable[[], None] = _nothing

    def request(self, structure: Structure, request: LayoutRequest, boxes: int, done: Done, failed: Failed) -> None:
        """Makes a picture of about `boxes` boxes, then calls `done` with it in this thread, or `failed`."""
        self.cancel()
        if boxes < LARGE_PICTURE and len(structure.nodes) < LARGE_STRUCTURE:
            composers = self.composers
            self._jobs.submit(TAG, lambda ticket: _tables(composers, structure, request, ticket), done, failed)
        else:
            self._tell(TAG, structure, request.digest, lambda: self._ask(request, done, failed), failed)

    def prepare(self, structure: Structure, digest: str) -> None:
        """Gets the process ready for a structure of which a large picture may be asked for."""
        self._tell(_READY, structure, digest, _nothing, None)

    def cancel(self) -> None:
        """Gives up what is under way: neither `done` nor `failed` is called."""
        self._jobs.forget(TAG)
        self._process.cancel()
        self._release()

    def forget(self) -> None:
        """Gives up all, and forgets what was worked out of the run that was open."""
        self.cancel()
        self._process.stop()
        self.composers = Composers()

    def _tell(
        self, tag: str, structure: Structure, digest: str, then: Callable[[], object], failed: Failed | None
    ) -> None:
        """Tells the process of a structure, if it does not know it yet."""
        if self._process.knows(digest):
            then()
            return
        file = self._process.new_file()

        def told(_: object) -> None:
            if not self._process.knows(digest):
                self._process.tell(digest, file)
            then()

        self._jobs.submit(tag, lambda _: write_structure(structure, file), told, failed)

    def _ask(self, request: LayoutRequest, done: Done, failed: Failed) -> None:
        release = self._release = self._jobs.hold(TAG)

        def receive(data: mmap.mmap) -> None:
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

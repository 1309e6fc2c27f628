"""Opening and closing runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphviz_nn.errors import DamagedRunFile, GraphvizNNError
from graphviz_nn.signal import Signal
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.viewmodels.recent import Recent
from graphviz_nn_ui.workers.jobs import Ticket
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.document import Document

TAG = "open"
"""Of the work: opening another run takes its place."""

AGAIN = "Copy it once more from where it was recorded, or record it again."


class Opener:
    """Opens run files in the background. What was open stays open where that fails.

    Attributes:
        recent: the runs that were opened. under_way: (name of the file that is being opened; "" when that has ended).
        prepare: called in the thread that reads a run, before it does: imports what showing it needs.
    """

    def __init__(self, workspace: Workspace, recent: Recent) -> None:
        self._workspace = workspace
        self.recent = recent
        self.under_way: Signal[str] = Signal()
        self.prepare: Callable[[], object] = lambda: None

    def open(
        self,
        path: str | Path,
        then: Callable[[Document], object] | None = None,
        *,
        first: Callable[[Document], object] | None = None,
    ) -> None:
        """Opens a run file.

        Args:
            first: called with the document before it is shown, in the thread that reads it: goes to a place in it. What
                it raises is why the run cannot be opened.
            then: called with the document once it is shown.
        """
        name = Path(path).name
        self._tell(name)

        def read(ticket: Ticket) -> Document:
            self.prepare()
            return _read(path, first or (lambda document: None), ticket)

        def done(document: Document) -> None:
            self.show(document)
            if then is not None:
                then(document)

        self._workspace.jobs.submit(TAG, read, done, lambda error: self._fail(name, error))

    def cancel(self) -> None:
        """Opens nothing after all."""
        if TAG in self._workspace.jobs.tags:
            self._workspace.jobs.forget(TAG)
            self._tell("")

    def show(self, document: Document) -> None:
        """Shows an open document, and remembers its file."""
        if document.data.path is not None:
            self.recent.add(document.data.path, document.summary())
        try:
            self._workspace.show(document)
        finally:
            self._tell("")  # also where a panel cannot read all of it

    def _tell(self, name: str) -> None:
        self._workspace.message.emit(f"Opening {name} …" if name else "", 0.0)
        self.under_way.emit(name)

    def save_copy(self, path: str | Path) -> None:
        """Writes the open run to another file, in the background."""
        document = self._workspace.document
        if document is None:
            return

        def write(ticket: Ticket) -> Path:
            if document.data.path is None:
                return document.run.save(path)
            from graphviz_nn.run import load

            with load(document.data.path) as run:
                return run.save(path)

        name = Path(path).name
        self._workspace.jobs.submit(
            "save",
            write,
            lambda written: self._workspace.message.emit(f"Saved {written}", 6.0),
            lambda error: self._fail(name, error, "saved"),
        )

    def _fail(self, name: str, error: Exception, done: str = "opened") -> None:
        self._tell("")
        if not isinstance(error, GraphvizNNError):
            raise error
        tell_refusal(self._workspace, f"{name} cannot be {done}", error)


def tell_refusal(workspace: Workspace, title: str, error: GraphvizNNError) -> None:
    """Says what could not be done, why, and what to do."""
    remedy = f" {AGAIN}" if isinstance(error, DamagedRunFile) else ""
    workspace.problem.emit(title, f"{error}{remedy}")


def _read(path: str | Path, first: Callable[[Document], object], ticket: Ticket) -> Document:
    """In a thread: the document, at its place."""
    from graphviz_nn_ui.viewmodels.document import open_document

    document = open_document(path)
    try:
        ticket.check()
        first(document)
        ticket.check()
    except BaseException:
        document.close()
        raise
    return document


def add_opening_commands(
    workspace: Workspace,
    opener: Opener,
    choose: Callable[[], object],
    choose_copy: Callable[[], object],
    quit_app: Callable[[], object],
) -> None:
    """`choose` and `choose_copy` ask for a file and open it or save to it; `quit_app` closes the window."""

    def is_open() -> bool:
        return workspace.document is not None

    def is_opening() -> bool:
        return TAG in workspace.jobs.tags

    def close() -> None:
        opener.cancel()
        workspace.show(None)

    workspace.commands.add(
        Command("file.open", "Open…", choose, "File", "Ctrl+O", "Open a recorded run", "open"),
        Command("file.save_copy", "Save a copy…", choose_copy, "File", "Ctrl+S", "Keep it elsewhere", "", is_open),
        Command("file.cancel", "Stop opening", opener.cancel, "File", "", "Open nothing after all", "", is_opening),
        Command("file.close", "Close run", close, "File", "Ctrl+W", "Back to the start page", "", is_open),
        Command("app.quit", "Quit", quit_app, "File", "Ctrl+Q", "Close the window"),
    )
    offered: set[str] = set()

    def offer_recent() -> None:
        workspace.commands.remove(*offered)
        offered.clear()
        for place, run in enumerate(opener.recent):
            name = f"recent.{place}"
            offered.add(name)
            again = partial(opener.open, run.path)
            workspace.commands.add(Command(name, run.name, again, "File/Recent runs", tip=f"{run.path}: {run.facts}"))

    opener.recent.changed.connect(offer_recent)

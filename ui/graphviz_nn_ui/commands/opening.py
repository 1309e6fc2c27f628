"""Opening and closing runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.viewmodels.document import Document, open_document
from graphviz_nn_ui.viewmodels.recent import Recent
from graphviz_nn_ui.workspace import Workspace


class Opener:
    """Opens run files in the background. What was open stays open where that fails."""

    def __init__(self, workspace: Workspace, recent: Recent) -> None:
        self._workspace = workspace
        self.recent = recent

    def open(self, path: str | Path, then: Callable[[Document], object] | None = None) -> None:
        """Opens a run file; `then` is called with its document once it is shown."""
        name = Path(path).name
        self._workspace.message.emit(f"Opening {name} …", 0.0)

        def done(document: Document) -> None:
            self.show(document)
            if then is not None:
                then(document)

        self._workspace.jobs.submit(
            "open", lambda ticket: open_document(path), done, lambda error: self._fail(name, error)
        )

    def show(self, document: Document) -> None:
        """Shows an open document, and remembers its file."""
        if document.data.path is not None:
            self.recent.add(document.data.path, document.summary())
        self._workspace.message.emit("", 0.0)
        self._workspace.show(document)

    def _fail(self, name: str, error: Exception) -> None:
        self._workspace.message.emit("", 0.0)
        if not isinstance(error, GraphvizNNError):
            raise error
        self._workspace.problem.emit(f"{name} cannot be opened", str(error))


def add_opening_commands(workspace: Workspace, choose: Callable[[], object], quit_app: Callable[[], object]) -> None:
    """`choose` asks for a file and opens it; `quit_app` closes the window."""

    def is_open() -> bool:
        return workspace.document is not None

    workspace.commands.add(
        Command("file.open", "Open…", choose, "File", "Ctrl+O", "Open a recorded run", "open"),
        Command(
            "file.close",
            "Close run",
            lambda: workspace.show(None),
            "File",
            "Ctrl+W",
            "Back to the start page",
            "",
            is_open,
        ),
        Command("app.quit", "Quit", quit_app, "File", "Ctrl+Q", "Close the window"),
    )

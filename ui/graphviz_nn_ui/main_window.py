"""The window: canvas in the middle, docks around it, menus and tool bar from the commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import QSettings
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QFileDialog, QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.commands.opening import Opener, add_opening_commands
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.recent import Recent
from graphviz_nn_ui.widgets.actions import Actions
from graphviz_nn_ui.widgets.bars import ProblemBar
from graphviz_nn_ui.widgets.docks import Docks
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.status import StatusLine
from graphviz_nn_ui.workspace import Workspace

TITLE = "graphviz_nn"


class MainWindow(QMainWindow):
    """Everything on screen. It knows the parts; none of them knows it."""

    def __init__(self, workspace: Workspace, panels: Sequence[Panel], settings: QSettings) -> None:
        super().__init__()
        self.workspace = workspace
        self._settings = settings
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.setAnimated(False)
        self.resize(1600, 960)
        self.opener = Opener(workspace, Recent())
        self._problem = ProblemBar()
        self.docks = Docks(self, workspace, panels)
        self._build_centre()
        add_opening_commands(workspace, self._choose, self.close)
        self.actions_of = Actions(self, workspace)
        self.setStatusBar(StatusLine(workspace))
        workspace.problem.connect(self._problem.tell)
        self._following = Following(workspace, self, document=self._show)

    def _build_centre(self) -> None:
        self.pages = QStackedWidget()
        self.start = QLabel("Open a run with Ctrl+O, or drop a .gvnn file here.")
        self.pages.addWidget(self.start)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._problem)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _show(self, document: Document | None) -> None:
        self.docks.set_shown(document is not None)
        name = Path(document.data.path).name if document is not None and document.data.path else ""
        self.setWindowTitle(f"{name} – {TITLE}" if name else TITLE)

    @property
    def problem_text(self) -> str:
        """What the problem bar says; "" where it is closed."""
        return self._problem.text if self._problem.isVisible() else ""

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a run", "", "Runs (*.gvnn);;All files (*)")
        if path:
            self.opener.open(path)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802  # Qt's name
        path = _dropped(event) if event is not None else None
        if path is not None and event is not None:
            event.acceptProposedAction()
            self.opener.open(path)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802  # Qt's name
        self.workspace.show(None)
        super().closeEvent(event)


def _dropped(event: QDropEvent) -> str | None:
    """The file that is being dropped, if it is one."""
    data = event.mimeData()
    files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()] if data is not None else []
    return files[0] if files else None

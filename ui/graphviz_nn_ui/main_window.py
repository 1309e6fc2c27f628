"""The window: canvas in the middle, docks around it, menus and tool bar from the commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QFileDialog, QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from graphviz_nn_ui.background.breakpoints import KeptBreakpoints
from graphviz_nn_ui.background.checking import Checking
from graphviz_nn_ui.background.growth import Growth
from graphviz_nn_ui.commands.breaking import add_breakpoint_commands
from graphviz_nn_ui.commands.opening import Opener, add_opening_commands
from graphviz_nn_ui.commands.playing import Player, add_playing_commands
from graphviz_nn_ui.commands.stepping import add_stepping_commands
from graphviz_nn_ui.commands.tracing import Tracer
from graphviz_nn_ui.commands.window import add_help_commands, add_panel_commands, add_search_commands
from graphviz_nn_ui.memory import arrangement, recall, remember, remember_arrangement
from graphviz_nn_ui.panels.start import Example, StartPage
from graphviz_nn_ui.viewmodels.recent import Recent
from graphviz_nn_ui.widgets.actions import Actions
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.widgets.bars import ProblemBar, WorkBar
from graphviz_nn_ui.widgets.docks import Docks
from graphviz_nn_ui.widgets.find_bar import FindBar
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.palette import Palette
from graphviz_nn_ui.widgets.saving import ask_where
from graphviz_nn_ui.widgets.status import StatusLine
from graphviz_nn_ui.widgets.tool_bar import MainToolBar
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.panels import Panel
    from graphviz_nn_ui.viewmodels.document import Document

TITLE: Final = "graphviz_nn"
_EXAMPLES: Final = Path(__file__).parent / "examples"
EXAMPLES: Final = (
    Example(
        "Drawn digits",
        "A convolutional network learns to read them, through noise",
        ("run", "--every", "10", "--keep", "all", str(_EXAMPLES / "digits.py")),
    ),
    Example(
        "Sorting transformer",
        "Attention learns to put numbers in order",
        ("run", "--every", "10", "--keep", "all", str(_EXAMPLES / "transformer.py")),
    ),
)

_START, _OPENING, _CANVAS = range(3)
"""Pages in the middle of the window."""


class MainWindow(QMainWindow):
    """Everything on screen. It knows the parts; none of them knows it.

    `list_panels` is called when the docks are first wanted, and `make_canvas`, with the workspace, when the first run
    is opened: the start page needs neither.
    """

    def __init__(
        self,
        workspace: Workspace,
        list_panels: Callable[[], Sequence[Panel]],
        make_canvas: Callable[[Workspace], QWidget],
        settings: QSettings,
    ) -> None:
        super().__init__()
        self.workspace = workspace
        self._settings = settings
        self._list_panels = list_panels
        self._docks: Docks | None = None
        self._make_canvas = make_canvas
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.setAnimated(False)
        self.setMinimumSize(520, 420)  # else it is what all docks together would like
        self.resize(1600, 960)
        self._problem, self._work = ProblemBar(), WorkBar()
        self.opener = Opener(workspace, Recent())
        self.find_bar = FindBar(workspace)
        self.tracer = Tracer(workspace, self.opener, self._work, self)
        self._build_centre()
        self.actions_of = Actions(self, workspace)
        self.palette_box = Palette(self, workspace, self.actions_of.trigger)
        self.player = Player(workspace, self)
        self._add_commands()
        self.addToolBar(MainToolBar(workspace, self.actions_of, self.palette_box.ask))
        self.setStatusBar(StatusLine(workspace))
        self._kept = KeptBreakpoints(workspace, settings, self)
        self._checking, self._growth = Checking(workspace, self), Growth(workspace, self)
        recall(settings, self, workspace.look, self.opener.recent)
        while_alive(self, workspace.problem, self._problem.tell)
        while_alive(self, self.opener.under_way, self._tell_opening)
        refresh = workspace.commands.refresh
        while_alive(self, workspace.jobs.changed, lambda tags: refresh())
        self._following = Following(
            workspace,
            self,
            document=self._show,
            step=lambda position: refresh(),
            cursor=lambda before, after: refresh(),
            selection=lambda selection: refresh(),
            expansion=lambda keys: refresh(),
            breakpoints=refresh,
            grew=lambda count: refresh(),
        )

    @property
    def problem_text(self) -> str:
        """What the problem bar says; "" where it is closed."""
        return self._problem.text if self._problem.isVisible() else ""

    @property
    def canvas(self) -> QWidget | None:
        """The canvas, once a run was opened."""
        return self._pages.widget(_CANVAS)

    @property
    def docks(self) -> Docks:
        """The docks, made when they are first asked for."""
        if self._docks is None:
            self._docks = Docks(self, self.workspace, self._list_panels())
            self._docks.restore(arrangement(self._settings))
            add_panel_commands(self.workspace, self._docks)
        return self._docks

    def _build_centre(self) -> None:
        self._pages = QStackedWidget()
        self._pages.addWidget(
            StartPage(
                self.opener.recent,
                EXAMPLES,
                self.opener.open,
                lambda example: self.tracer.start(example.title, list(example.arguments)),
                self._choose,
            )
        )
        self._opening = QLabel()
        self._opening.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._opening.setTextFormat(Qt.TextFormat.PlainText)
        self._opening.setAccessibleName("Run that is being opened")
        self._pages.addWidget(self._opening)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.find_bar.closed.connect(self._focus_page)
        for bar in (self._problem, self._work, self.find_bar):
            column.addWidget(bar)
        column.addWidget(self._pages, 1)
        self.setCentralWidget(centre)

    def _add_commands(self) -> None:
        workspace = self.workspace
        add_opening_commands(workspace, self.opener, self._choose, self._choose_copy, self.close)
        add_search_commands(workspace, self.find_bar, self.palette_box)
        add_stepping_commands(workspace)
        add_playing_commands(workspace, self.player)
        add_breakpoint_commands(workspace)
        add_help_commands(workspace, self)
        self.actions_of.sync()

    def _show(self, document: Document | None) -> None:
        if document is not None and self.canvas is None:
            self._pages.addWidget(self._make_canvas(self.workspace))
        self._pages.setCurrentIndex(_START if document is None else _CANVAS)
        self._focus_page()
        if document is not None or self._docks is not None:
            self.docks.set_shown(document is not None)
        if document is None:
            self.find_bar.hide()
        else:
            self._problem.hide()  # what was said of the former run
        name = Path(document.data.path).name if document is not None and document.data.path else ""
        self.setWindowTitle(f"{name} – {TITLE}" if name else TITLE)

    def _tell_opening(self, name: str) -> None:
        """A run that is being opened stands in for the start page; one that is open stays in sight meanwhile."""
        self._opening.setText(f"Opening {name} …" if name else "")
        if self.workspace.document is None:
            self._pages.setCurrentIndex(_OPENING if name else _START)

    def _focus_page(self) -> None:
        """The keyboard belongs to the canvas, or the start page."""
        page, centre = self._pages.currentWidget(), self.centralWidget()
        if page is not None and centre is not None:
            centre.setFocusProxy(page)
            page.setFocus()

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a run", "", "Runs (*.gvnn);;All files (*)")
        if path:
            self.opener.open(path)

    def _choose_copy(self) -> None:
        path = ask_where(self, "Save a copy of the run", "", "Runs (*.gvnn)", (".gvnn",))
        if path is not None:
            self.opener.save_copy(path)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802  # Qt's name
        path = _dropped(event) if event is not None else None
        if path is not None and event is not None:
            event.acceptProposedAction()
            self.opener.open(path)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802  # Qt's name
        remember(self._settings, self, self.workspace.look, self.opener.recent)
        if self._docks is not None:
            remember_arrangement(self._settings, self._docks.state())
        self.tracer.cancel()
        self.workspace.show(None)
        super().closeEvent(event)


def _dropped(event: QDropEvent) -> str | None:
    """The file that is being dropped, if it is one."""
    data = event.mimeData()
    files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()] if data is not None else []
    return files[0] if files else None

"""The line of the program that made the call."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from graphviz_nn.model.nodes import Source
from graphviz_nn.model.steps import RunData
from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.viewmodels.source_text import SourceText, source_text
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.source_view import SourceView
from graphviz_nn_ui.workers.jobs import Jobs

_TAG = "inspector source"


class SourcePage(QWidget):
    """Files are read and coloured by a worker, once each."""

    def __init__(self, jobs: Jobs, open_data: Callable[[], RunData | None]) -> None:
        """`open_data` gives the open run."""
        super().__init__()
        self._open_data = open_data
        self._jobs = jobs
        self._data: RunData | None = None
        self._known: dict[str, SourceText | None] = {}
        self._wanted: Source | None = None
        self.view = SourceView()
        self.empty = Emptiable(self.view)
        self._place = QLabel()
        self._place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._place.setContentsMargins(8, 6, 8, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._place)
        column.addWidget(self.empty, 1)

    def show_inspection(self, inspection: Inspection) -> None:
        self._wanted = source = inspection.source
        data = self._open_data()
        if data is not self._data:
            self._data, self._known = data, {}
        self._place.setVisible(source is not None)
        if source is None:
            self.empty.say("No line of the program made this: it is a source, a module, or came from inside a library.")
            return
        self._place.setText(f"{_short(source.file)}:{source.line} in {source.function}")
        self._place.setToolTip(source.file)
        if source.file in self._known:
            self._show(self._known[source.file])
            return
        if data is not None:
            self._jobs.submit(
                _TAG,
                lambda ticket: source_text(data, source.file),
                self._take,
                lambda error: self.empty.say(str(error)),
            )

    def _take(self, found: SourceText | None) -> None:
        if self._wanted is not None:
            self._known[self._wanted.file] = found
            self._show(found)

    def _show(self, found: SourceText | None) -> None:
        source = self._wanted
        if source is None:
            return
        if found is None:
            self.empty.say(f"The text of {source.file} is not in the run file. It stands on line {source.line} there.")
            return
        self.view.show_source(found, source.line)
        self.empty.say("")


def _short(path: str) -> str:
    """The file with the folder around it."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])

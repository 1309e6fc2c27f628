"""Saving what a view shows as a figure for a paper: drawn anew by matplotlib, away from the window's thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from PyQt6.QtWidgets import QPushButton

from graphviz_nn.export.files import write_whole
from graphviz_nn.export.views import figure
from graphviz_nn.model.views import ViewData
from graphviz_nn_ui.widgets.saving import ask_where, with_suffix
from graphviz_nn_ui.workspace import Workspace

JOB: Final = "save_figure"
FILTER: Final = "Vector graphics (*.pdf *.svg);;Picture (*.png)"
SUFFIXES: Final = (".pdf", ".svg", ".png")


class SaveFigureButton(QPushButton):
    """Asks for a file and writes what `source` gives; it can be pressed while there is something.

    `beside` gives what else is shown: each goes to a file of its own, "maps-gradient.pdf" beside "maps.pdf".
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        source: Callable[[], ViewData | None],
        beside: Callable[[], Mapping[str, ViewData]] = dict,
    ) -> None:
        super().__init__("Export…")
        self._workspace = workspace
        self._name = name
        self._source = source
        self._beside = beside
        self.setAccessibleName(f"Export figure: {name.replace('_', ' ')}")
        self.setToolTip("Save this figure as PDF, SVG or PNG")
        self.clicked.connect(self._ask)

    def save(self, path: Path) -> None:
        """Writes the figure; a name without a known suffix becomes a PDF."""
        shown = self._source()
        if shown is None:
            return
        target = with_suffix(path, SUFFIXES)
        others = {target.with_stem(f"{target.stem}-{which}"): each for which, each in self._beside().items()}

        def work(_: object) -> list[Path]:
            for each, data in {target: shown, **others}.items():
                write_whole(each, figure(data, each.suffix.lower()))
            return [target, *others]

        self._workspace.jobs.submit(JOB, work, self._saved, self._failed)

    def _ask(self) -> None:
        shown = self._source()
        if shown is None:
            self._workspace.message.emit("There is no figure to export yet.", 5.0)
            return
        path = ask_where(self, "Export figure", file_name(shown.title, self._name), FILTER, SUFFIXES)
        if path is not None:
            self.save(path)

    def _saved(self, paths: list[Path]) -> None:
        self._workspace.message.emit(f"Wrote {' and '.join(map(str, paths))}", 8.0)

    def _failed(self, error: Exception) -> None:
        self._workspace.problem.emit("The figure was not exported", str(error))


def file_name(title: str, otherwise: str) -> str:
    """Returns a name for the file of a figure: "blocks.0.conv1-feature-maps.pdf"."""
    words = re.sub(r"[^\w.]+", "-", title).strip("-.")
    return f"{words or otherwise}.pdf"

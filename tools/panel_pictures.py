"""Draws panels of the app with a recorded program: tools/panel_pictures.py RUN FOLDER."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QDockWidget, QTableView, QTabWidget, QWidget

from graphviz_nn.session import NodeSelection
from graphviz_nn_ui import app
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.viewmodels.document import open_document
from graphviz_nn_ui.widgets.image_grid import ImageGridView

QUIET = 0.5
"""Seconds without work after which nothing more is expected."""


def main(run: str, folder: Path) -> None:
    application = app.make_application()
    with tempfile.TemporaryDirectory() as settings:
        window = app.make_window(application, app.private_settings(settings))
        sys.excepthook = sys.__excepthook__  # errors belong into the terminal here
        window.workspace.look.set("theme", "light")
        window.resize(1600, 960)
        window.show()
        window.opener.show(open_document(run))
        rest(window)
        (_deep if "deep" in Path(run).name else _digits)(window, folder)
        app.end(window)


def _digits(window: MainWindow, folder: Path) -> None:
    select(window, "blocks.0.conv1")
    inspector = panel(window, "inspector", 400, 600)
    tabs = inspector.findChild(QTabWidget)
    assert tabs is not None
    for place, name in ((0, "numbers"), (1, "flow")):
        tabs.setCurrentIndex(place)
        save(window, inspector, folder / f"panel-inspector-{name}.png")
    maps = panel(window, "feature_maps", 560, 640)
    grid = next(grid for grid in maps.findChildren(ImageGridView) if grid.isVisible())
    QTest.keyClick(grid, Qt.Key.Key_Right)  # enlarges the first map
    save(window, maps, folder / "panel-feature-maps.png")
    flow = panel(window, "gradient_flow", 900, 260)
    tabs = flow.findChild(QTabWidget)
    assert tabs is not None
    tabs.setCurrentIndex(1)
    save(window, flow, folder / "panel-gradient-flow.png")


def _deep(window: MainWindow, folder: Path) -> None:
    findings = panel(window, "findings", 1440, 400)
    rows = findings.findChild(QTableView)
    assert rows is not None
    model = rows.model()
    assert model is not None
    rows.setCurrentIndex(model.index(0, 0))
    save(window, findings, folder / "panel-findings.png")


def select(window: MainWindow, name: str) -> None:
    document = window.workspace.document
    assert document is not None
    document.session.select(NodeSelection(document.session.structure.by_name[name].id))
    rest(window)


def panel(window: MainWindow, name: str, width: int, height: int) -> QDockWidget:
    """Returns a panel as a window of its own, which has that size, in pixels."""
    dock = window.docks[name]
    dock.setFloating(True)
    dock.show()
    dock.resize(width, height)
    rest(window)
    return dock


def save(window: MainWindow, dock: QDockWidget, path: Path) -> None:
    """Saves what is in a panel, once it has come to rest."""
    rest(window)
    content = dock.widget()
    assert isinstance(content, QWidget)
    content.grab().save(str(path))
    print(path)


def rest(window: MainWindow) -> None:
    """Runs the event loop until no work is under way."""
    busy = time.monotonic()
    while time.monotonic() - busy < QUIET:
        QTest.qWait(30)
        if window.workspace.jobs.tags:
            busy = time.monotonic()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

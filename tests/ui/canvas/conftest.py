"""A canvas in a window of a fixed size, and ways to wait for its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from graphviz_nn.model.structure import Structure
from graphviz_nn.run import Run, load
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.view import Canvas
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.widgets.theme import LIGHT_THEME, apply_theme
from graphviz_nn_ui.workspace import Workspace
from tests.support.runs import with_gradients


class Stage:
    """A canvas and what a person does with it."""

    def __init__(self, canvas: Canvas, workspace: Workspace, bot: QtBot) -> None:
        self.canvas = canvas
        self.workspace = workspace
        self._bot = bot

    @property
    def drawing(self) -> Drawing:
        assert self.canvas.drawing is not None
        return self.canvas.drawing

    @property
    def titles(self) -> list[str]:
        return list(self.drawing.tables.boxes.titles)

    def open(self, run: Run) -> Document:
        """Shows a run and waits for its picture."""
        document = Document(run)
        self.workspace.show(document)
        self.settle()
        return document

    def settle(self) -> None:
        """Waits until nothing is being worked on."""
        self._bot.waitUntil(lambda: not self.workspace.jobs.tags, timeout=20_000)
        QApplication.processEvents()

    def key_of(self, title: str) -> str:
        """The key of the box with a title."""
        return self.drawing.tables.boxes.key(self.titles.index(title))

    def place_of(self, title: str) -> QPointF:
        """The middle of a box on the canvas."""
        x, y, width, height = self.drawing.tables.boxes.rects[self.titles.index(title)].tolist()
        return self.canvas.camera.to_screen(x + width / 2, y + height / 2)

    def drawing_point(self, title: str) -> QPointF:
        """The middle of a box in the picture."""
        return self.canvas.camera.to_world(self.place_of(title))

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        self.settle()

    def click(self, title: str) -> None:
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=self.place_of(title).toPoint())

    def double_click(self, title: str) -> None:
        QTest.mouseDClick(self.canvas, Qt.MouseButton.LeftButton, pos=self.place_of(title).toPoint())
        self.settle()


@pytest.fixture
def stage(workspace: Workspace, qtbot: QtBot, qapp: QApplication) -> Iterator[Stage]:
    apply_theme(qapp, LIGHT_THEME)
    canvas = Canvas(workspace)
    qtbot.addWidget(canvas)
    canvas.animated = False
    canvas.resize(900, 700)
    canvas.show()
    yield Stage(canvas, workspace, qtbot)
    canvas.close()


@pytest.fixture
def open_structure(stage: Stage) -> Callable[[Structure], Document]:
    """Shows a run with numbers made by hand around a structure."""
    return lambda structure: stage.open(Run(with_gradients(structure)))


@pytest.fixture
def open_file(stage: Stage) -> Callable[[Path], Document]:
    """Shows a recorded run."""
    return lambda path: stage.open(load(path))

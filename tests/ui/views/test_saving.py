"""Files that a person names: the dialog is a real one, answered by the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget

from graphviz_nn_ui.widgets.saving import ask_where, with_suffix

PICTURES = (".png", ".svg")


def _answer(name: str, key: Qt.Key) -> None:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QFileDialog)
    box = next(box for box in dialog.findChildren(QLineEdit) if box.isVisible())
    box.setText(name)
    QTest.keyClick(box, key)


@pytest.mark.parametrize(
    ("typed", "written"), [("graph", "graph.png"), ("graph.svg", "graph.svg"), ("a.txt", "a.txt.png")]
)
def test_a_file_has_a_suffix_of_its_format(qtbot, tmp_path, typed, written):
    parent = QWidget()
    qtbot.addWidget(parent)
    QTimer.singleShot(0, lambda: _answer(str(tmp_path / typed), Qt.Key.Key_Return))
    assert ask_where(parent, "Save", "graph.png", "Pictures (*.png *.svg)", PICTURES) == tmp_path / written


def test_nothing_is_written_where_nobody_agrees(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    QTimer.singleShot(0, lambda: _answer("graph", Qt.Key.Key_Escape))
    assert ask_where(parent, "Save", "graph.png", "Pictures (*.png)", PICTURES) is None


def test_capitals_are_a_suffix_too():
    assert with_suffix(Path("graph.PNG"), PICTURES) == Path("graph.PNG")

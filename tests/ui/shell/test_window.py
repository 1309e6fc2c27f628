"""The window: opening runs, docks, menus, problems."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QLabel, QPlainTextEdit

from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.main_window import MainWindow
from graphviz_nn_ui.plugin import register_panels


@pytest.fixture
def make_window(qtbot, workspace, tmp_path):
    def make(*panels: Panel) -> MainWindow:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(workspace, [*register_panels(), *panels], lambda workspace: QLabel("canvas"), settings)
        qtbot.addWidget(window)
        window.show()
        return window

    return make


def test_a_run_opens_in_the_background(qtbot, make_window, workspace, digits_run):
    window = make_window()
    window.opener.open(digits_run)
    qtbot.waitUntil(lambda: workspace.document is not None)
    assert "digits.gvnn" in window.windowTitle()
    assert window.statusBar().place.startswith("After #")
    assert "step 11 (12 of 12 recorded)" in window.statusBar().place


def test_a_panel_that_raises_shows_its_error_in_place(qtbot, make_window, show, digits_run, caplog):
    def broken(workspace):
        raise RuntimeError("boom")

    window = make_window(Panel("broken", "Broken", "right", broken))
    show(digits_run)
    qtbot.waitUntil(lambda: window.docks["broken"].findChild(QPlainTextEdit) is not None)
    text = window.docks["broken"].findChild(QPlainTextEdit).toPlainText()
    assert text.startswith("Broken cannot be shown.")
    assert "RuntimeError: boom" in text
    assert "cannot be shown" in caplog.text


def test_a_file_that_is_no_run_leaves_the_former_one_open(qtbot, make_window, workspace, show, digits_run, tmp_path):
    window = make_window()
    document = show(digits_run)
    bad = tmp_path / "bad.gvnn"
    bad.write_text("no run")
    window.opener.open(bad)
    qtbot.waitUntil(lambda: "bad.gvnn" in window.problem_text)
    assert workspace.document is document

"""`graphviz-nn view`: screenshots without a display, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QPlainTextEdit

from graphviz_nn.errors import DamagedRunFile, OptionError, SelectorError
from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.viewmodels.look import Look
from graphviz_nn_ui.viewmodels.shot import Shot
from graphviz_nn_ui.widgets.icons import icon
from graphviz_nn_ui.widgets.report import PAUSE, ReportDialog, Reporter
from graphviz_nn_ui.widgets.theme import DARK_THEME, LIGHT_THEME, apply_theme, theme_of, wanted_theme

MAIN = """
import sys
from graphviz_nn.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""
WITHOUT_QT = "import sys; sys.modules['PyQt6'] = None; from graphviz_nn.cli.main import main; main(sys.argv[1:])"


def graphviz_nn(*arguments: object, program: str = MAIN, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process without a display."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **environment})


def test_a_screenshot_needs_neither_a_display_nor_torch(digits_run, tmp_path):
    picture = tmp_path / "app.png"
    done = graphviz_nn(
        *("view", digits_run, "--screenshot", picture, "--size", "900x600", "--step", 3, "--select", "block.conv"),
        *("--cursor", 20, "--theme", "dark"),
        HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "False"
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (900, 600)
    assert image.pixelColor(450, 10).lightness() < 100
    assert not (tmp_path / ".config").exists()


def test_a_bad_run_is_refused_as_elsewhere(tmp_path):
    done = graphviz_nn("view", tmp_path / "nothing.gvnn")
    assert done.returncode == 2
    assert "There is no run file" in done.stderr


def test_a_window_needs_a_display(digits_run):
    done = graphviz_nn("view", digits_run)
    assert done.returncode == 2
    assert "There is no display" in done.stderr
    assert "--screenshot" in done.stderr


def test_the_app_needs_qt(digits_run):
    done = graphviz_nn("view", digits_run, program=WITHOUT_QT)
    assert done.returncode == 2
    assert "pip install 'graphviz-nn[ui]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--select", "blok.conv"), "Did you mean 'block.conv'?"),
        (("--step", "99"), "There is no step 99"),
        (("--expand", "blok"), "Did you mean 'block'?"),
        (("--size", "huge"), "'huge' is no size"),
        (("--color-by", "gradiant"), "Did you mean 'gradient'?"),
        (("--finding", "vanishing_deph"), "Did you mean 'vanishing_depth'?"),
    ],
)
def test_what_cannot_be_shown_is_refused(digits_run, tmp_path, arguments, words):
    done = graphviz_nn("view", digits_run, "--screenshot", tmp_path / "x.png", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "x.png").exists()


def test_a_shot_goes_to_its_place(show, digits_run):
    session, look = show(digits_run).session, Look()
    shot = Shot(step=-2, select="block.conv", cursor=7, expand=("block*",), color_by="zeros", theme="dark")
    shot.go(session)
    shot.set_look(look)
    assert (session.position, session.cursor) == (10, 7)
    assert session.selection == NodeSelection(session.structure.by_name["block.conv"].id)
    paths = {session.structure.module_calls[int(key[1:])].path for key in session.expanded}
    assert paths == {"", "block", "block.conv", "block.norm", "block.pool"}
    assert (look.color_by, look.theme) == ("zeros", "dark")
    with pytest.raises(OptionError, match="theme cannot be"):
        Shot(theme="red").set_look(look)
    with pytest.raises(SelectorError, match="no node and no module"):
        Shot(select="nothing").go(session)


def test_what_is_selected_stands_in_the_picture(show, digits_run):
    session = show(digits_run).session
    Shot(select="block.relu").go(session)
    calls = session.structure.module_calls
    assert {calls[int(key[1:])].path for key in session.expanded} == {"", "block"}
    session.set_expanded(())
    Shot(select="block.pool").go(session)
    assert {calls[int(key[1:])].path for key in session.expanded} == {"", "block", "block.pool"}


def test_themes_reach_every_widget(qapp, qtbot):
    dialog = ReportDialog()
    qtbot.addWidget(dialog)
    for theme in (DARK_THEME, LIGHT_THEME):
        apply_theme(qapp, theme)
        dialog.show()
        assert theme_of(dialog) is theme
        assert theme_of(dialog.findChild(QPlainTextEdit)) is theme
        assert "$" not in qapp.styleSheet()
        assert wanted_theme(theme.name) is theme
    qapp.setStyleSheet("")


def test_every_icon_of_a_command_is_shipped(make_window, workspace):
    make_window()
    names = {command.icon for command in workspace.commands if command.icon}
    assert {"open", "into", "over", "out", "play", "continue"} <= names
    for name in names:
        light, dark = (icon(name, theme).pixmap(20).toImage() for theme in (LIGHT_THEME, DARK_THEME))
        assert any(light.pixelColor(x, y).alpha() for x in range(20) for y in range(20))
        assert light != dark


def _raised() -> tuple[type[BaseException], BaseException, object]:
    try:
        int("boom")
    except ValueError as error:
        return type(error), error, error.__traceback__
    raise AssertionError


def test_the_same_error_is_reported_once_in_a_while(caplog):
    shown = []
    reporter = Reporter(shown.append, shown.append)
    error = _raised()
    for now in (0.0, 1.0, PAUSE + 1):
        reporter(*error, now=now)
    assert len(shown) == 2
    assert "ValueError: invalid literal for int() with base 10: 'boom'" in shown[0]
    assert caplog.text.count("Unexpected error") == 2


def test_an_error_that_explains_itself_is_told_and_not_reported(caplog):
    reports, told = [], []
    reporter = Reporter(reports.append, told.append)
    damaged = DamagedRunFile("the stats of step 9 is damaged")
    reporter(DamagedRunFile, damaged, None, now=0.0)
    both = ExceptionGroup("several callbacks", [damaged, DamagedRunFile("more")])
    reporter(ExceptionGroup, both, None, now=1.0)
    assert told == [damaged, damaged]
    assert not reports
    mixed = ExceptionGroup("several callbacks", [damaged, ValueError("boom")])
    reporter(ExceptionGroup, mixed, None, now=PAUSE + 2)
    assert len(reports) == 1
    assert "boom" in reports[0]
    caplog.clear()


def test_the_report_can_be_copied(qapp, qtbot):
    dialog = ReportDialog()
    qtbot.addWidget(dialog)
    dialog.add("ValueError: boom")
    dialog.copy()
    text = qapp.clipboard().text()
    assert "ValueError: boom" in text
    assert "PyQt6 6" in text
    assert not dialog.isModal()

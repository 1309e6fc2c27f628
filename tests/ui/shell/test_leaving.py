"""The way out: whatever ends the app, nothing of Qt is left for the interpreter to destroy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, logging, os, signal, sys, threading
from PyQt6 import sip
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication
from graphviz_nn_ui import app

def left():
    application = QApplication.instance()
    print(len(application.topLevelWidgets()), threading.active_count(), sys.excepthook is sys.__excepthook__)

former = app.prepare
def prepare(window):
    former(window)
    {act}
app.prepare = prepare
atexit.register(left)
{first}
from graphviz_nn.cli.main import main
main(["view", *sys.argv[1:]])
"""
WAYS = {
    "closed": "QTimer.singleShot(300, window.close)",
    "SIGINT": "os.kill(os.getpid(), signal.SIGINT)",
    "SIGTERM": "QTimer.singleShot(300, lambda: os.kill(os.getpid(), signal.SIGTERM))",
}


def _left(tmp_path: Path, *arguments: str, act: str = "pass", first: str = "") -> subprocess.CompletedProcess[str]:
    """Runs `graphviz-nn view` with `first` done before it and `act` done once the window is shown."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-X", "faulthandler", "-c", PROGRAM.format(act=act, first=first), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_of_a_window_that_was_ended(way, digits_run, tmp_path):
    done = _left(tmp_path, str(digits_run), act=WAYS[way])
    assert (done.returncode, done.stdout) == (0, "0 1 True\n"), done.stderr


def test_nothing_is_left_of_a_screenshot(digits_run, tmp_path):
    picture = tmp_path / "app.png"
    done = _left(tmp_path, str(digits_run), "--screenshot", str(picture), "--size", "640x480")
    assert (done.returncode, done.stdout) == (0, f"{picture}\n0 1 True\n"), done.stderr
    assert picture.stat().st_size > 0


def test_a_screenshot_that_is_interrupted_saves_nothing_and_says_so_by_its_code(digits_run, tmp_path):
    picture = tmp_path / "app.png"
    first = "app.make_application()\nQTimer.singleShot(0, lambda: os.kill(os.getpid(), signal.SIGTERM))"
    done = _left(tmp_path, str(digits_run), "--screenshot", str(picture), first=first)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert not picture.exists()


def test_nothing_is_left_after_an_error_at_the_start(tmp_path):
    first = "def fail(*arguments, **options):\n    raise RuntimeError('no window today')\napp.Arrival = fail"
    done = _left(tmp_path, first=first)
    assert (done.returncode, done.stdout) == (1, "0 1 True\n")
    assert "no window today" in done.stderr

"""Breakpoints of a run outlive the window."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QSettings

from graphviz_nn_ui.background.breakpoints import KeptBreakpoints


@pytest.fixture
def settings(tmp_path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def kept(workspace, settings) -> KeptBreakpoints:
    return KeptBreakpoints(workspace, settings)


def test_they_are_there_when_the_run_is_opened_again(kept, show, digits_run, lstm_run):
    show(digits_run).session.breakpoints.add("op", "relu")
    assert list(show(lstm_run).session.breakpoints) == []
    (again,) = show(digits_run).session.breakpoints
    assert (again.on, again.pattern) == ("op", "relu")


def test_none_left_leaves_nothing_behind(kept, settings, show, digits_run):
    breakpoints = show(digits_run).session.breakpoints
    breakpoints.add("op", "relu")
    assert settings.allKeys()
    breakpoints.remove(next(iter(breakpoints)).id)
    assert settings.allKeys() == []


def test_what_cannot_be_read_is_forgotten(kept, settings, show, digits_run):
    show(digits_run).session.breakpoints.add("op", "relu")
    (key,) = settings.allKeys()
    settings.setValue(key, "[{]")
    assert list(show(digits_run).session.breakpoints) == []
    assert settings.allKeys() == []

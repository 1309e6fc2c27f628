"""What the window remembers from one session to the next."""

from __future__ import annotations

from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtWidgets import QMainWindow

from graphviz_nn.errors import OptionError
from graphviz_nn_ui.viewmodels.look import Look
from graphviz_nn_ui.viewmodels.recent import Recent

LOOK = ("theme", "color_by", "direction", "legend", "minimap")


def recall(settings: QSettings, window: QMainWindow, look: Look, recent: Recent) -> None:
    """Puts back what was remembered; what cannot be read is left as it is."""
    geometry = settings.value("geometry")
    if isinstance(geometry, QByteArray):
        window.restoreGeometry(geometry)
    recent.from_json(str(settings.value("recent", "[]")))
    for name in LOOK:
        value = settings.value(f"look/{name}")
        if isinstance(value, str):
            try:
                look.set(name, value)
            except OptionError:  # written by a version that knew other values
                settings.remove(f"look/{name}")


def remember(settings: QSettings, window: QMainWindow, look: Look, recent: Recent) -> None:
    """Writes down what `recall` reads."""
    settings.setValue("geometry", window.saveGeometry())
    settings.setValue("recent", recent.to_json())
    for name in LOOK:
        settings.setValue(f"look/{name}", str(getattr(look, name)))
    settings.sync()


def arrangement(settings: QSettings) -> bytes:
    """Where the docks were, for `Docks.restore`; b"" where nothing was remembered."""
    state = settings.value("docks")
    return bytes(state.data()) if isinstance(state, QByteArray) else b""


def remember_arrangement(settings: QSettings, state: bytes) -> None:
    """Writes down what `arrangement` reads."""
    settings.setValue("docks", QByteArray(state))


def points(settings: QSettings) -> float:
    """The size of text in points that was chosen; 0 where none was."""
    try:
        return float(settings.value("text/points", 0.0))
    except (TypeError, ValueError):
        return 0.0

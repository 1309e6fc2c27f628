"""What the window remembers from one session to the next."""

from __future__ import annotations

from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtWidgets import QMainWindow

from graphviz_nn.errors import OptionError
from graphviz_nn_ui.viewmodels.look import Look
from graphviz_nn_ui.viewmodels.recent import Recent
from graphviz_nn_ui.widgets.docks import Docks

LOOK = ("theme", "color_by", "direction", "legend", "minimap")


def recall(settings: QSettings, window: QMainWindow, docks: Docks, look: Look, recent: Recent) -> None:
    """Puts back what was remembered; what cannot be read is left as it is."""
    geometry, arrangement = settings.value("geometry"), settings.value("docks")
    if isinstance(geometry, QByteArray):
        window.restoreGeometry(geometry)
    if isinstance(arrangement, QByteArray):
        docks.restore(bytes(arrangement.data()))
    recent.from_json(str(settings.value("recent", "[]")))
    for name in LOOK:
        value = settings.value(f"look/{name}")
        if isinstance(value, str):
            try:
                look.set(name, value)
            except OptionError:  # written by a version that knew other values
                settings.remove(f"look/{name}")


def remember(settings: QSettings, window: QMainWindow, docks: Docks, look: Look, recent: Recent) -> None:
    """Writes down what `recall` reads."""
    settings.setValue("geometry", window.saveGeometry())
    settings.setValue("docks", QByteArray(docks.state()))
    settings.setValue("recent", recent.to_json())
    for name in LOOK:
        settings.setValue(f"look/{name}", str(getattr(look, name)))
    settings.sync()


def points(settings: QSettings) -> float:
    """The size of text in points that was chosen; 0 where none was."""
    try:
        return float(settings.value("text/points", 0.0))
    except (TypeError, ValueError):
        return 0.0

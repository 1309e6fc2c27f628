"""The way out of the app: signals end its event loop, and everything is destroyed while Qt still stands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QTimer
from PyQt6.QtGui import QPixmapCache
from PyQt6.QtWidgets import QApplication, QWidget

from graphviz_nn_ui.signals import Interruptions
from graphviz_nn_ui.widgets.report import Reporter

if TYPE_CHECKING:
    from graphviz_nn_ui.main_window import MainWindow

LISTEN: Final = 400
"""Milliseconds between two looks for a signal."""

KILLED: Final = 128
"""Added to the number of a signal, it is the exit code of what a signal ended before it was done."""


@contextmanager
def heeding(application: QApplication, signals: Interruptions) -> Iterator[None]:
    """Inside the context a signal that asks the process to end, or has asked already, ends the event loop.

    Python looks for signals only while some of it runs: a timer.
    """

    def look() -> None:
        if signals.came:
            application.quit()

    signals.leave = application.quit
    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(LISTEN)
    try:
        yield
    finally:
        timer.stop()


def end(window: MainWindow) -> None:
    """Closes and destroys the window while there still is an application, as Qt wants it: no thread of it goes on."""
    window.close()
    window.workspace.jobs.forget_all()
    window.workspace.jobs.wait()
    logging.getLogger().removeHandler(window.workspace.log)
    if isinstance(sys.excepthook, Reporter):
        sys.excepthook.remove()  # it shows errors in the window
    sip.delete(window)


def clear(application: QApplication, spared: Set[QWidget]) -> None:
    """Destroys what widgets are left but those spared, what waits to be destroyed, and the pixmaps that Qt keeps.

    What is left for the interpreter's own end is destroyed in no order, after what it needs.
    """
    for widget in application.topLevelWidgets():
        if widget not in spared and not sip.isdeleted(widget):
            sip.delete(widget)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QPixmapCache.clear()

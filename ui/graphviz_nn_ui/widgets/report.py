"""Unexpected errors: shown once, in a report that can be copied, while the app lives on."""

from __future__ import annotations

import logging
import platform
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Final

from PyQt6.QtCore import PYQT_VERSION_STR, qVersion
from PyQt6.QtGui import QGuiApplication, QIcon
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn_ui.widgets.theme import fixed_font

PAUSE: Final = 30.0
"""Seconds for which the same error is not reported again."""

_logger = logging.getLogger(__name__)


def versions() -> dict[str, str]:
    """Versions of what an error may depend on; only looked up, nothing is imported for it."""
    found = {"graphviz_nn": _version("graphviz-nn"), "Python": platform.python_version(), "Qt": qVersion() or "?"}
    found |= {"PyQt6": PYQT_VERSION_STR, "torch": _version("torch"), "numpy": _version("numpy")}
    return found | {"system": platform.platform()}


class ReportDialog(QDialog):
    """The errors so far, ready to be copied. It blocks nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unexpected error")
        self.resize(760, 420)
        label = QLabel(
            "Something went wrong inside the app. What is open stays open, and you can go on. "
            "Please report the text below, so that it can be mended."
        )
        label.setWordWrap(True)
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setFont(fixed_font(self))
        self._text.setAccessibleName("Report")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for button in buttons.buttons():
            button.setIcon(QIcon())  # the style's own cannot be read on dark
        copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        assert copy is not None
        copy.clicked.connect(self.copy)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        for widget in (label, self._text, buttons):
            column.addWidget(widget)

    @property
    def text(self) -> str:
        return self._text.toPlainText()

    def add(self, report: str) -> None:
        """Shows one more error."""
        if not self.text:
            self._text.appendPlainText("\n".join(f"{name} {number}" for name, number in versions().items()))
        self._text.appendPlainText(f"\n{report.rstrip()}")
        self.show()

    def copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.text)


class Reporter:
    """Takes the place of `sys.excepthook`, without which PyQt6 ends the process at an exception in a slot.

    Each error is logged; `show` is called with its text unless the same one was shown less than `PAUSE` seconds ago.
    What says by itself what is wrong, as a damaged file does that a panel reads, is no fault of the app: `explain` is
    called with it.
    """

    def __init__(self, show: Callable[[str], object], explain: Callable[[GraphvizNNError], object]) -> None:
        self._show = show
        self._explain = explain
        self._shown: dict[str, float] = {}
        self._former = sys.excepthook

    def install(self) -> None:
        sys.excepthook = self

    def remove(self) -> None:
        sys.excepthook = self._former

    def __call__(
        self, kind: type[BaseException], error: BaseException, frames: TracebackType | None, now: float | None = None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._former(kind, error, frames)
            return
        now = time.monotonic() if now is None else now
        last = traceback.extract_tb(frames)[-1:]
        key = f"{kind.__name__} {[(frame.filename, frame.lineno) for frame in last]}"
        if now - self._shown.get(key, -PAUSE) < PAUSE:
            return
        self._shown[key] = now
        refusal = _refusal(error)
        if refusal is not None:
            _logger.warning("%s", refusal)
            self._explain(refusal)
            return
        _logger.error("Unexpected error", exc_info=(kind, error, frames))
        self._show("".join(traceback.format_exception(kind, error, frames)))


def _refusal(error: BaseException) -> GraphvizNNError | None:
    """What the error says by itself, and all others that came with it; None where one of them is unexpected."""
    if isinstance(error, BaseExceptionGroup):
        found = [_refusal(each) for each in error.exceptions]
        return found[0] if all(found) else None
    return error if isinstance(error, GraphvizNNError) else None


class ErrorView(QPlainTextEdit):
    """What stands in place of a part of the window that could not be made."""

    def __init__(self, what: str, error: Exception) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setPlainText(f"{what} cannot be shown.\n\n{''.join(traceback.format_exception(error))}")
        self.setAccessibleName(f"{what}: error")


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"

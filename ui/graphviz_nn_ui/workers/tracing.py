"""Traces a model in a process of its own, so that the app needs no torch and a crash there does no harm here."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

GRACE: Final = 2000
"""Milliseconds that a cancelled process gets to end by itself."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_LAST_LINES: Final = 12


class Tracing(QObject):
    """One run of `graphviz-nn trace TARGET`, or of another command that writes a run file.

    Signals: printed(line); traced(path of the run file); failed(what it said last).
    """

    printed = pyqtSignal(str)
    traced = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, name: str, arguments: list[str], parent: QObject | None = None) -> None:
        """`arguments` are those of `graphviz-nn`, without the file to write; `name` is what the run will be called."""
        super().__init__(parent)
        self.name = name
        self._folder = tempfile.mkdtemp(prefix="graphviz_nn-")
        self._output = str(Path(self._folder) / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-') or 'traced'}.gvnn")
        self._lines: list[str] = []
        self._rest = ""
        self._cancelled = False
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finish)
        self._process.errorOccurred.connect(self._break)
        command, *rest = arguments
        self._arguments = ["-m", "graphviz_nn", command, "-o", self._output, *rest]

    def start(self) -> None:
        self._process.start(sys.executable, self._arguments)

    def cancel(self) -> None:
        """Ends the process; nothing more is told."""
        self._cancelled = True
        self._process.terminate()
        if not self._process.waitForFinished(GRACE):
            self._process.kill()
            self._process.waitForFinished(GRACE)

    def _read(self) -> None:
        text = self._rest + bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace")
        *lines, self._rest = _ESCAPES.sub("", text).replace("\r", "\n").split("\n")
        for line in filter(str.strip, lines):
            self._lines.append(line)
            self.printed.emit(line)

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        if self._cancelled:
            return
        if code == 0 and status == QProcess.ExitStatus.NormalExit and Path(self._output).exists():
            self.traced.emit(self._output)
        else:
            said = "\n".join([*self._lines, self._rest][-_LAST_LINES:]).strip()
            self.failed.emit(said or f"The process ended with code {code}.")

    def _break(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and not self._cancelled:
            self.failed.emit(f"{sys.executable} cannot be started: {self._process.errorString()}")

"""The window's end of the process that lays out large pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import msgspec
from PyQt6.QtCore import QObject, QProcess

from graphviz_nn_ui.workers.layout_child import FRAME, Answer, RequestMessage, frame
from graphviz_nn_ui.workers.layout_request import LayoutRequest

_MODULE: Final = "graphviz_nn_ui.workers.layout_child"

Done = Callable[[bytes], object]
Failed = Callable[[str], object]


class LayoutProcess(QObject):
    """Lays out pictures elsewhere. A new request ends the one before, and with it the process that was busy."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._told: set[str] = set()
        self._received = bytearray()
        self._waiting: tuple[Done, Failed] | None = None

    def knows(self, digest: str) -> bool:
        """Whether the process that runs was told of a structure, so that it needs no telling again."""
        return self._process is not None and self._waiting is None and digest in self._told

    def tell(self, digest: str, message: bytes) -> None:
        """Tells of a structure, as `structure_message` gives it, and starts the process where none runs."""
        self.cancel()
        self._running().write(message)
        self._told.add(digest)

    def request(self, request: LayoutRequest, done: Done, failed: Failed) -> None:
        """Asks for a picture of a structure that the process knows; later calls `done` with the packed tables, or
        `failed` with the reason."""
        self._waiting = (done, failed)
        self._running().write(frame(RequestMessage(request)))

    def cancel(self) -> None:
        """Gives up the request under way, if there is one, and ends the process that works on it."""
        if self._waiting is not None:
            self.stop()

    def stop(self) -> None:
        """Ends the process."""
        process, self._process, self._waiting = self._process, None, None
        self._told.clear()
        self._received = bytearray()
        if process is not None:
            process.readyReadStandardOutput.disconnect(self._read)
            process.finished.disconnect(self._ended)
            process.kill()
            process.waitForFinished(1000)
            process.deleteLater()

    def _running(self) -> QProcess:
        if self._process is None:
            process = QProcess(self)
            process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
            process.readyReadStandardOutput.connect(self._read)
            process.finished.connect(self._ended)
            process.start(sys.executable, ["-P", "-m", _MODULE])
            self._process = process
        return self._process

    def _read(self) -> None:
        if self._process is None:
            return
        self._received += self._process.readAllStandardOutput().data()
        end = FRAME + int.from_bytes(self._received[:FRAME], "little")
        if len(self._received) < max(end, FRAME + 1):
            return
        answer = msgspec.msgpack.decode(memoryview(self._received)[FRAME:end], type=Answer)
        self._received = bytearray()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            done, failed = waiting
            if answer.error:
                failed(answer.error)
            else:
                done(answer.tables)

    def _ended(self) -> None:
        waiting = self._waiting
        self.stop()
        if waiting is not None:
            waiting[1]("The process that lays out large pictures ended early; memory may be short.")

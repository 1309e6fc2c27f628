"""The window's end of the process that lays out large pictures."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
from PyQt6.QtCore import QObject, QProcess, QTemporaryDir

from graphviz_nn_ui.workers.layout_child import FRAME, Answer, Message, RequestMessage, StructureMessage, framed
from graphviz_nn_ui.workers.layout_request import LayoutRequest

_MODULE: Final = "graphviz_nn_ui.workers.layout_child"
_PATIENCE_MS: Final = 2000

Done = Callable[[mmap.mmap], object]
Failed = Callable[[str], object]


class LayoutProcess(QObject):
    """Lays out pictures elsewhere. A new request ends the one before, and with it the process that was busy."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = QTemporaryDir()
        self._numbers = count()
        self._process: QProcess | None = None
        self._told: set[str] = set()
        self._received = bytearray()
        self._waiting: tuple[Done, Failed] | None = None
        self.destroyed.connect(self._folder.remove)

    def new_file(self) -> Path:
        """Returns the name of a file that nobody uses, in a folder that goes when this object does."""
        return Path(self._folder.filePath(str(next(self._numbers))))

    def knows(self, digest: str) -> bool:
        """Whether the process runs and was told of a structure."""
        return self._process is not None and digest in self._told

    def tell(self, digest: str, file: Path) -> None:
        """Tells of a structure in a file, as `write_structure` leaves it; starts the process where none runs."""
        self._send(StructureMessage(digest, str(file)))
        self._told.add(digest)

    def request(self, request: LayoutRequest, done: Done, failed: Failed) -> None:
        """Asks for a picture of a structure that the process knows; later calls `done` with the packed tables, or
        `failed` with the reason."""
        self._waiting = (done, failed)
        self._send(RequestMessage(request, str(self.new_file())))

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
            process.waitForFinished(_PATIENCE_MS)
            process.deleteLater()

    def _send(self, message: Message) -> None:
        if self._process is None:
            process = QProcess(self)
            process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
            process.readyReadStandardOutput.connect(self._read)
            process.finished.connect(self._ended)
            process.start(sys.executable, ["-P", "-m", _MODULE])
            self._process = process
        self._process.write(framed(msgspec.msgpack.encode(message)))

    def _read(self) -> None:
        if self._process is None:
            return
        self._received += self._process.readAllStandardOutput().data()
        end = FRAME + int.from_bytes(self._received[:FRAME], "little")
        if len(self._received) < max(end, FRAME + 1):
            return
        answer = msgspec.msgpack.decode(bytes(self._received[FRAME:end]), type=Answer)
        del self._received[:end]
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        done, failed = waiting
        if answer.error:
            failed(answer.error)
        else:
            done(_mapped(Path(answer.file)))

    def _ended(self) -> None:
        waiting = self._waiting
        self.stop()
        if waiting is not None:
            waiting[1]("The process that lays out large pictures ended early; memory may be short.")


def _mapped(path: Path) -> mmap.mmap:
    """The bytes of a file, read as they are looked at."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

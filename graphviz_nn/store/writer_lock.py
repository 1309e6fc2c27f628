"""One writer to a run file at a time."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import Final

from graphviz_nn.errors import RunFileError
from graphviz_nn.store.connection import connect

SUFFIX: Final = "-lock"
PATIENCE_MS: Final = 500
"""A reader that asks whether the file is being written holds the lock for a moment."""


class WriterLock:
    """Holds `<path>-lock`, an empty SQLite database, under SQLite's own exclusive lock.

    That works wherever SQLite does, and the system drops it when the process dies, however it dies. It is not a lock
    on the run file itself because that is replaced while the lock is held.
    """

    def __init__(self, path: str) -> None:
        """Takes the lock. Raises `RunFileError` where another writer holds it, or the folder cannot be written."""
        self._path = path + SUFFIX
        while True:
            identity = file_identity(self._path)
            self._connection = self._acquire(path)
            # The former holder may have removed the file between our two looks; its lock is nobody's then.
            if identity is not None and file_identity(self._path) == identity:
                return
            self._connection.close()

    def release(self) -> None:
        """Gives the lock back and removes its file."""
        with suppress(OSError):  # Windows refuses to remove an open file, and an empty file left behind does no harm.
            os.unlink(self._path)
        self._connection.close()

    def _acquire(self, path: str) -> sqlite3.Connection:
        connection = connect(self._path, "rwc")
        try:
            connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
            connection.execute("PRAGMA journal_mode=MEMORY")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise RunFileError(
                f"{path} is being written by another recording. Wait for its end, or record to another file."
            ) from error
        return connection


def is_being_written(path: str) -> bool:
    """Whether some process, this one included, is writing to the run file right now."""
    if not os.path.exists(path + SUFFIX):
        return False
    try:
        with closing(connect(path + SUFFIX, "ro")) as connection:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


def file_identity(path: str) -> tuple[int, int] | None:
    """What tells the file at `path` from another one put in its place; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino

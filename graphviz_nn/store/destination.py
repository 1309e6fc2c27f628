"""Where a run file is made, and the moment at which it takes the place of an older one."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, suppress
from typing import Final

from graphviz_nn.errors import NotARunFile, RunFileError
from graphviz_nn.store.connection import connect, explain
from graphviz_nn.store.format import APPLICATION_ID, SIDECARS
from graphviz_nn.store.writer_lock import WriterLock, file_identity

STAGING_SUFFIX: Final = "-new"


class Destination:
    """The place of a run file, held against other writers.

    A new file is made at `staging`, beside the place, with a rollback journal; `publish` moves it there in one step
    of the file system. So whoever opens the place finds the older run or the new one, each of them whole, and a
    reader of the older run keeps reading it until it looks again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Takes the place. Raises `RunFileError` where it holds something that is not a run, is being written by
        another recording, or lies in a folder that does not exist or cannot be written."""
        self.path = os.path.realpath(path)
        self.staging = self.path + STAGING_SUFFIX
        self._identity: tuple[int, int] | None = None
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            raise RunFileError(f"{self.path}: there is no folder {folder}. Make it first, or choose another place.")
        _check_replaceable(self.path)
        try:
            self._lock = WriterLock(self.path)
        except (OSError, sqlite3.Error) as error:
            raise explain(error, self.path) from error
        try:
            self.discard()  # what a killed writer left there
        except OSError as error:
            self.release()
            raise explain(error, self.path) from error
        self.occupied = os.path.exists(self.path)
        """Whether something stood there before; it is a run file, or empty."""

    def publish(self) -> None:
        """Puts the closed file at `staging` in its place."""
        _settle(self.path)
        os.replace(self.staging, self.path)
        self._identity = file_identity(self.path)

    def check_present(self) -> None:
        """Raises `RunFileError` where the published file was removed or replaced by somebody else meanwhile.

        SQLite would not notice: it would go on writing to a file that has no name any more.
        """
        if self._identity is not None and file_identity(self.path) != self._identity:
            raise RunFileError(f"{self.path} was removed or replaced while it was being written.")

    def discard(self) -> None:
        """Removes what is at `staging`, if anything."""
        _remove(self.staging, *(self.staging + suffix for suffix in SIDECARS))

    def release(self) -> None:
        """Lets other writers have the place."""
        self._lock.release()


def _check_replaceable(path: str) -> None:
    """Raises `RunFileError` where something stands at `path` that is not a run file and not empty either."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise explain(error, path) from error
    if stat.S_ISDIR(status.st_mode):
        raise RunFileError(f"{path} is a folder. Name a file in it, for example {os.path.join(path, 'run.gvnn')}.")
    if not stat.S_ISREG(status.st_mode):
        raise RunFileError(f"{path} is not a regular file. Choose another name.")
    if status.st_size and _application_id(path) != APPLICATION_ID:
        raise NotARunFile(f"{path} exists and is not a run file. Remove it, or choose another name.")


def _application_id(path: str) -> int | None:
    """What the first page says, whatever state the rest of the file is in; None for what SQLite cannot read."""
    try:
        with closing(connect(path, "ro", immutable=True)) as connection:
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.DatabaseError:
        return None


def _settle(path: str) -> None:
    """Leaves nothing beside an older file that SQLite could take for a part of the one that replaces it.

    Steps that a killed writer left in the log go into the older file first, so that it is whole until it is replaced.
    """
    if file_identity(path) is not None:
        try:
            with closing(connect(path, "rw")) as connection:
                connection.execute("SELECT 1 FROM sqlite_master").fetchall()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:  # Damaged beyond repair, or empty: nothing to keep whole.
            del error
    _remove(*(path + suffix for suffix in SIDECARS))


def _remove(*paths: str) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path)

"""SQLite connections as the store needs them, and what SQLite's errors mean to people."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

from graphviz_nn.errors import DamagedRunFile, NotARunFile, RunFileError

BUSY_SECONDS: Final = 5.0
"""How long a reader or writer waits for the other, where the file system allows only one at a time."""

NETWORK_FILE_SYSTEMS: Final = ("nfs", "cifs", "smb", "9p", "afs", "lustre", "gpfs", "beegfs", "ceph", "gluster", "fuse")
"""Beginnings of the types of file systems on which programs on two machines cannot share memory, as WAL needs."""

_PRIMARY_CODE: Final = 0xFF


def connect(path: str, mode: Literal["ro", "rw", "rwc"], *, immutable: bool = False) -> sqlite3.Connection:
    """Returns a connection without implicit transactions. It may be used by several threads, one at a time."""
    address = f"{Path(path).absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    if mode == "ro":
        connection.execute("PRAGMA writable_schema=ON")  # Else SQLite refuses what is left of a truncated file.
    return connection


def is_cut_off(path: str) -> bool:
    """Whether the file ends before the last page that its header counts: SQLite itself refuses such a file."""
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            return error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_CORRUPT
    return False


def use_wal(connection: sqlite3.Connection, path: str) -> bool:
    """Switches a database to write-ahead logging; returns whether it worked.

    Readers and the writer do not wait for each other then. Elsewhere the database keeps its rollback journal.
    """
    if _on_network(path):
        return False
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError:
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=DELETE")
        return False
    return bool(mode == "wal")


def _on_network(path: str) -> bool:
    """Whether the file lies on a network file system. Known on Linux only; elsewhere SQLite's own test must do."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
    except OSError:
        return False
    folder = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    nearest, kind = "", ""
    for line in mounts.splitlines():
        _, place, this_kind, *_ = line.split(" ")
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), place)
        inside = folder == place or folder.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(nearest):
            nearest, kind = place, this_kind
    return kind.startswith(NETWORK_FILE_SYSTEMS)


def explain(error: Exception, path: str) -> RunFileError:
    """Returns what to tell people about an error of SQLite or of the system while it worked on the file."""
    if isinstance(error, RunFileError):
        return error
    if not isinstance(error, sqlite3.Error):
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return RunFileError(f"{path}: {reason}.")
    if isinstance(error, sqlite3.ProgrammingError):  # of our use of SQLite only the time can be wrong
        return RunFileError(f"{path} was closed before it was read. Read it before that, or open it again.")
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY_CODE:
        case sqlite3.SQLITE_FULL:
            return RunFileError(f"{path}: the disk is full. Free some space, or record to another disk.")
        case sqlite3.SQLITE_IOERR:
            return RunFileError(
                f"{path}: the disk refused ({error}). It may be full, over its quota, or gone; record to another disk."
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            return RunFileError(f"{path}: no permission ({error}). Check the rights of the file and its folder.")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return RunFileError(f"{path}: locked by another program. Try again when that has closed it.")
        case sqlite3.SQLITE_NOTADB:
            return NotARunFile(f"{path} is not a run file, or its beginning is damaged.")
        case _:
            return DamagedRunFile(f"{path} is damaged ({error}).")

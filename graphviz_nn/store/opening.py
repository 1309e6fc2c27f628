"""Finds out whether a file is a run that can be read, before anything in it is believed."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from graphviz_nn.errors import DamagedRunFile, NewerRunFile, NotARunFile, RunFileError, did_you_mean, few
from graphviz_nn.store.connection import connect, explain
from graphviz_nn.store.format import APPLICATION_ID, FORMAT_VERSION, schema_rows

RUN_SUFFIX: Final = ".gvnn"
_PRIMARY_CODE: Final = 0xFF
_HOW_TO_RECORD: Final = "Record one: graphviz-nn run train.py"


def open_connection(path: str) -> sqlite3.Connection:
    """Returns a read-only connection to the run file.

    Raises:
        NotARunFile: missing, a folder, empty, or something else than a run.
        NewerRunFile: written by a later version of the format.
        DamagedRunFile: its tables cannot be found.
        RunFileError: no permission, or locked.
    """
    _check_file(path)
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        _check_run(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _check_file(path: str) -> None:
    """Looks at the file from outside only: opening it here would drop SQLite's own locks on it in this process."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotARunFile(f"There is no run file {path}.{_neighbours(Path(path))}") from error
    except OSError as error:
        raise explain(error, path) from error
    if stat.S_ISDIR(status.st_mode):
        raise NotARunFile(f"{path} is a folder.{_inside(Path(path))}")
    if not stat.S_ISREG(status.st_mode):
        raise NotARunFile(f"{path} is not a regular file.")
    if status.st_size == 0:
        raise NotARunFile(f"{path} is empty: nothing was recorded to it.")
    if not os.access(path, os.R_OK):
        raise RunFileError(f"{path}: no permission to read it. Ask its owner, or change its mode.")


def _neighbours(path: Path) -> str:
    """Returns a sentence on the run files in the path's folder: the one of nearly that name, or all of them."""
    try:
        runs = _runs_in(path.parent)
    except OSError:
        return f" There is no folder {path.parent} either."
    if not runs:
        return f" {_HOW_TO_RECORD}"
    return did_you_mean(path.name, runs) or f" The folder holds {few(runs)}."


def _inside(folder: Path) -> str:
    """Returns a sentence that names the run files in the folder, of which one is to be opened."""
    try:
        runs = _runs_in(folder)
    except OSError as error:
        return f" It cannot be read: {error.strerror}."
    return (
        f" Name one of the runs in it: {few([str(folder / run) for run in runs])}" if runs else " It holds no run file."
    )


def _runs_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.suffix == RUN_SUFFIX)


def _connect(path: str) -> sqlite3.Connection:
    """Returns a read-only connection from which one row has been read, so that the file is known to be readable."""
    try:
        return _probed(connect(path, "ro"))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
        if not _unfinished(path):
            # On a medium that cannot be written SQLite misses the log's index; nobody can change the file there.
            return _probed(connect(path, "ro", immutable=True))
        return _recovered(path)


def _probed(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _unfinished(path: str) -> bool:
    """Whether a log or journal with something in it lies beside the file."""
    beside = (Path(path + suffix) for suffix in ("-wal", "-journal"))
    return any(file.exists() and file.stat().st_size for file in beside)


def _recovered(path: str) -> sqlite3.Connection:
    """Lets SQLite take back the half-written step of a killed writer, which a read-only connection may not do."""
    try:
        with closing(connect(path, "rw")) as connection:
            _probed(connection)
        return _probed(connect(path, "ro"))
    except sqlite3.OperationalError as error:
        raise RunFileError(
            f"{path} was not closed in good order, and its folder cannot be written to mend that. "
            f"Copy it to another folder together with the files beside it ({path}-wal, {path}-journal)."
        ) from error


def _check_run(connection: sqlite3.Connection, path: str) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise NotARunFile(f"{path} is an SQLite database, but not a run file.")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT_VERSION:
        raise NewerRunFile(
            f"{path} has format {version}; this version of graphviz_nn reads up to {FORMAT_VERSION}. "
            "Update it: pip install --upgrade graphviz-nn."
        )
    expected = schema_rows(version)
    # One row more than a run file has is enough to know that this is none, however many there are.
    found = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT ?", (len(expected) + 1,)).fetchall()
    if version < 1 or set(found) != expected or len(found) != len(expected):
        raise DamagedRunFile(f"{path} is damaged: its tables are not those of a run file.")

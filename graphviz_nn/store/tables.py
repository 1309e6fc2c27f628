"""Rows of an open run file, each checked before anybody sees it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TypeVar

import msgspec

from graphviz_nn.errors import DamagedRunFile, RunFileError
from graphviz_nn.store.connection import explain
from graphviz_nn.store.format import SqlValue, checksum
from graphviz_nn.store.opening import open_connection
from graphviz_nn.store.rows import TABLE_OF, Row

SomeRow = TypeVar("SomeRow", bound=Row)
Result = TypeVar("Result")
Columns = tuple[SqlValue, ...]
Visitor = Callable[[Columns], None]


class RunTables:
    """A read-only connection to a run file. Any thread may use it; they take turns.

    Attributes:
        version: of the file's format.
    """

    def __init__(self, path: str) -> None:
        """Raises what `graphviz_nn.store.opening.open_connection` raises."""
        self.path = path
        self._connection = open_connection(path)
        self._turn = threading.RLock()
        self.version = self._pragma("user_version")

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def one(self, kind: type[SomeRow], what: str, where: str, *values: SqlValue) -> SomeRow | None:
        """Returns the row that SQL's condition `where` selects, or None where there is none.

        Raises `DamagedRunFile`, which names the row as `what`, where it cannot be read or its checksum is wrong.
        """
        with self._turn, self.explained(what):
            row = self._connection.execute(f"SELECT * FROM {TABLE_OF[kind]} WHERE {where}", values).fetchone()
        return None if row is None else self.checked(kind, what, row)

    def visit(self, kind: type[Row], clauses: str, values: Sequence[SqlValue], visitor: Visitor) -> None:
        """Calls `visitor` with every row that SQL's `clauses` select, as it stands in the file: see `checked`.

        One row at a time, so that a visitor which raises at the first row that cannot be ends even the endless loop
        that damaged pages can form. Raises `DamagedRunFile` after the last row that can be reached.
        """
        query = f"SELECT * FROM {TABLE_OF[kind]} {clauses}"
        with self._turn, self.explained(), closing(self._connection.execute(query, values)) as cursor:
            for row in cursor:
                visitor(row)

    def checked(self, kind: type[SomeRow], what: str, row: Columns) -> SomeRow:
        """Returns the row with its checksum and types checked, and the checksum taken off."""
        *columns, crc = row
        if crc != checksum(columns):
            raise self.damaged(what, "its checksum is wrong")
        try:
            return msgspec.convert(columns, kind)
        except msgspec.ValidationError as error:
            raise self.damaged(what, str(error)) from error

    def decoded(self, what: str, decode: Callable[[], Result]) -> Result:
        """Returns what `decode` returns; its `ValueError` becomes a `DamagedRunFile` that names `what`."""
        try:
            return decode()
        except RunFileError:
            raise
        except ValueError as error:
            raise self.damaged(what, str(error)) from error

    def damaged(self, what: str, why: str) -> DamagedRunFile:
        return DamagedRunFile(f"{self.path}: {what} is damaged ({why}).")

    def size(self) -> int:
        """Bytes of the file: what it holds cannot be more."""
        with self._turn, self.explained():
            return self._pragma("page_count") * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def explained(self, what: str = "") -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            explained = explain(error, self.path)
            if what and isinstance(explained, DamagedRunFile):
                explained = self.damaged(what, str(error))
            raise explained from error

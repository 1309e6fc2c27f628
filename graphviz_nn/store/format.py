"""What a run file looks like on disk; `docs/run-file.md` describes it for readers in other languages.

A change of anything in here that an older reader would misread raises `FORMAT_VERSION`.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec

APPLICATION_ID: Final = 0x67766E6E
"""The four bytes "gvnn" at offset 68 of the file: what tells a run from any other SQLite database."""

FORMAT_VERSION: Final = 3
"""SQLite's `user_version` of the files that this package writes, and the newest that it reads.

Version 2 had no table `finding`. Version 1 had no metrics and no optimizers either: no table `metric`, and a table
`step` without its last two columns.
"""

SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL)",
    "CREATE TABLE source (file TEXT PRIMARY KEY, text TEXT NOT NULL, crc INTEGER NOT NULL)",
    "CREATE TABLE structure (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL)",
    "CREATE TABLE event_order "
    "(digest TEXT PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL)",
    "CREATE TABLE step "
    "(position INTEGER PRIMARY KEY, number INTEGER NOT NULL, structure TEXT NOT NULL, event_order TEXT NOT NULL, "
    "started REAL NOT NULL, duration REAL NOT NULL, loss REAL, passes INTEGER NOT NULL, "
    "forward_only INTEGER NOT NULL, error TEXT, stats TEXT NOT NULL, histograms TEXT NOT NULL, "
    "tensors INTEGER NOT NULL, metrics TEXT NOT NULL, optimizers TEXT NOT NULL, crc INTEGER NOT NULL)",
    "CREATE TABLE event_time (step INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL)",
    "CREATE TABLE stats (step INTEGER, name TEXT, data BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (step, name))",
    "CREATE TABLE histogram "
    "(step INTEGER, name TEXT, data BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (step, name))",
    "CREATE TABLE metric "
    "(step INTEGER, name TEXT, kind TEXT NOT NULL, columns TEXT NOT NULL, rows INTEGER NOT NULL, "
    "numbers INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (step, name))",
    "CREATE TABLE tensor "
    "(step INTEGER, place INTEGER, kind TEXT NOT NULL, node INTEGER NOT NULL, output INTEGER NOT NULL, "
    "number INTEGER NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, strides TEXT, size INTEGER NOT NULL, "
    "crc INTEGER NOT NULL, PRIMARY KEY (step, place))",
    "CREATE TABLE tensor_chunk "
    "(step INTEGER, place INTEGER, part INTEGER, data BLOB NOT NULL, crc INTEGER NOT NULL, "
    "PRIMARY KEY (step, place, part))",
    "CREATE TABLE finding "
    "(number INTEGER PRIMARY KEY, step INTEGER NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL, node INTEGER, "
    "module TEXT, evidence BLOB NOT NULL, cause TEXT NOT NULL, remedy TEXT NOT NULL, crc INTEGER NOT NULL)",
)

_ADDED_IN_2: Final = "metrics TEXT NOT NULL, optimizers TEXT NOT NULL, "
_TABLES_ADDED_AFTER: Final = {1: ("CREATE TABLE metric ", "CREATE TABLE finding "), 2: ("CREATE TABLE finding ",)}

META_KEY: Final = "run"
"""The one row of `meta`: the run's `RunMeta` as JSON."""

CHUNK_BYTES: Final = 1 << 20
"""A tensor's bytes are cut into rows of this size. SQLite walks a blob's pages from its start, so a short row keeps a
slice out of the middle cheap; and one row could not hold more than 1 GB."""

STRUCTURE_LIMIT: Final = 1 << 29
"""Most bytes of one structure as MessagePack, so that a file cannot ask its reader for unbounded memory."""

SIDECARS: Final = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside an open database, or leaves beside one whose writer was killed."""

SqlValue = int | float | str | bytes | None

_ENCODER: Final = msgspec.msgpack.Encoder()


def checksum(row: Sequence[SqlValue]) -> int:
    """CRC-32 of a row: of the MessagePack array of its columns in table order, without `crc` itself.

    SQLite does not check what stands in its pages; with this a flipped bit is an error and not a wrong number.
    """
    return zlib.crc32(_ENCODER.encode(row))


def schema(version: int) -> tuple[str, ...]:
    """Returns the statements that made the tables of a file of that version of the format."""
    lines = [line for line in SCHEMA if not line.startswith(_TABLES_ADDED_AFTER.get(version, ()))]
    return tuple(lines) if version > 1 else tuple(line.replace(_ADDED_IN_2, "") for line in lines)


@cache
def schema_rows(version: int) -> frozenset[tuple[str, str, str | None]]:
    """Every `(type, name, sql)` of `sqlite_master` in a run file; one with anything else in it is not ours."""
    connection = sqlite3.connect(":memory:")
    try:
        for statement in schema(version):
            connection.execute(statement)
        return frozenset(connection.execute("SELECT type, name, sql FROM sqlite_master"))
    finally:
        connection.close()

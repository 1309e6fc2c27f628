"""Tables of arrays as bytes and back, without copying and without running code."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
import numpy as np

from graphviz_nn.errors import UsageError

_ALIGNMENT: Final = 8
_Table = TypeVar("_Table")


class _Entry(msgspec.Struct, array_like=True, frozen=True):
    """An array: its dtype, shape, and place among the bytes; or a plain value."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    value: str | float | bool | None = None


def pack(table: object) -> bytes:
    """Returns a dataclass of arrays, texts, numbers and further dataclasses as bytes."""
    entries: list[_Entry] = []
    chunks: list[bytes] = []
    size = 0
    for value in _leaves(table):
        if isinstance(value, np.ndarray):
            data = np.ascontiguousarray(value).tobytes()
            entries.append(_Entry(value.dtype.str, value.shape, size))
            chunks += (data, b"\0" * (-len(data) % _ALIGNMENT))
            size += len(data) + -len(data) % _ALIGNMENT
        else:
            entries.append(_Entry("", (), 0, value))
    head = msgspec.msgpack.encode(entries)
    padding = b"\0" * (-len(head) % _ALIGNMENT)
    return b"".join((len(head).to_bytes(_ALIGNMENT, "little"), head, padding, *chunks))


def unpack(kind: type[_Table], data: bytes | mmap.mmap) -> _Table:
    """Returns what `pack` was given; its arrays are read-only views of `data`.

    Raises:
        UsageError: these are not the bytes of such a table.
    """
    try:
        length = int.from_bytes(data[:_ALIGNMENT], "little")
        entries = msgspec.msgpack.decode(data[_ALIGNMENT : _ALIGNMENT + length], type=list[_Entry])
        body = _ALIGNMENT + length + -length % _ALIGNMENT
        made: _Table = _build(kind, (_leaf(entry, data, body) for entry in entries))
    except (msgspec.MsgspecError, StopIteration, TypeError, ValueError) as error:
        raise UsageError(f"These bytes hold no {kind.__name__}.") from error
    return made


def _leaves(table: object) -> Iterator[Any]:
    for field in fields(table):  # type: ignore[arg-type]  # a dataclass, as the caller says
        value = getattr(table, field.name)
        if is_dataclass(value):
            yield from _leaves(value)
        else:
            yield value


def _leaf(entry: _Entry, data: bytes | mmap.mmap, body: int) -> Any:
    if not entry.dtype:
        return entry.value
    dtype, count = np.dtype(entry.dtype), int(np.prod(entry.shape))
    return np.frombuffer(data, dtype, count, body + entry.start).reshape(entry.shape)


def _build(kind: Any, leaves: Iterator[Any]) -> Any:
    hints = get_type_hints(kind)
    return kind(
        *[
            _build(hints[field.name], leaves) if is_dataclass(hints[field.name]) else next(leaves)
            for field in fields(kind)
        ]
    )

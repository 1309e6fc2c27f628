"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from graphviz_nn.errors import UsageError


def write_whole(path: Path, content: bytes) -> None:
    """Puts a file in place of what is there, by a temporary one beside it; on any error the older file stays.

    Raises:
        UsageError: the place cannot be written to; the message says why.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise UsageError(f"Cannot write {path}: {_reason(target, error)}.") from error


def _reason(target: Path, error: OSError) -> str:
    if target.is_dir():
        return "it is a folder; name a file in it"
    if not target.parent.exists():
        return f"there is no folder {target.parent}; make it first"
    return error.strerror or str(error)

"""Where in the user's program a call stands, decoded only when somebody looks."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from functools import cache, lru_cache
from types import CodeType
from typing import Final

import torch

from graphviz_nn.model.literals import clean
from graphviz_nn.model.nodes import Source

OTHER: Final = 0
PROGRAM: Final = 1
DISTRIBUTED: Final = 2

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep
_OURS: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib") + os.sep
_PACKAGES: Final = os.path.dirname(os.path.dirname(torch.__file__)) + os.sep
_DISTRIBUTED: Final = (
    os.path.join(_TORCH, "distributed") + os.sep,
    os.path.join(_TORCH, "nn", "parallel", "distributed.py"),
)
_LARGEST_SOURCE: Final = 2_000_000


@cache
def is_user_code(filename: str) -> bool:
    """Whether a file is the program that is watched, rather than torch, this package or Python's own library."""
    if filename.startswith((_TORCH, _OURS)) or (filename.startswith("<") and not filename.startswith("<ipython")):
        return False
    return not (filename.startswith(_STANDARD_LIBRARY) and not filename.startswith(_PACKAGES))


@cache
def owner_of(filename: str) -> int:
    """Returns whose code a file holds: the `PROGRAM`'s, torch's machinery for `DISTRIBUTED` training, or `OTHER`."""
    if is_user_code(filename):
        return PROGRAM
    return DISTRIBUTED if filename.startswith(_DISTRIBUTED) else OTHER


@lru_cache(maxsize=100_000)
def locate(code: CodeType, lasti: int) -> Source:
    """Returns the file, line and function of an instruction."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            line = number
            break
    return Source(clean(os.path.abspath(code.co_filename)), line, clean(code.co_qualname))


def read_source(file: str) -> str | None:
    """Returns the text of a source file as Python knows it, or None where it has none (or over 2 MB of it)."""
    text = "".join(linecache.getlines(file))
    if not text:
        main = sys.modules.get("__main__")
        if getattr(main, "__file__", None) != file:
            return None
    return text if 0 < len(text) <= _LARGEST_SOURCE else None

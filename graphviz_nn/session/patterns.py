"""Names and shapes as people write them, with * and ?."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item")

SCALAR: Final = "scalar"
"""How the shape () is written."""


def has_wildcard(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


@lru_cache(256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Returns a test for equality, or with * and ? for the pattern; upper and lower case are the same."""
    wanted = pattern.lower()
    if not has_wildcard(wanted):
        return lambda text: text.lower() == wanted
    expression = re.compile(fnmatch.translate(wanted))
    return lambda text: expression.match(text.lower()) is not None


def literal_part(pattern: str) -> str:
    """Returns the longest text, in lower case, that everything that matches must hold."""
    return max(re.split(r"[*?]", pattern.lower().partition("[")[0]), key=len)


@lru_cache(256)
def module_matcher(pattern: str) -> Callable[[str | None], bool]:
    """Returns a test of a module's path; a pattern without wildcards means the module and all inside it."""
    wanted = pattern.lower()
    text = fnmatch.translate(wanted) if has_wildcard(wanted) else re.escape(wanted) + r"(\..*)?\Z"
    match = re.compile(text).match
    return lambda path: path is not None and match(path.lower()) is not None


def shape_text(shape: Sequence[int]) -> str:
    """Returns "2x64x16x16", or "scalar"."""
    return "x".join(map(str, shape)) if shape else SCALAR


class Column(Generic[Item]):
    """Many items, few of them different: a test is asked once for each that differs."""

    def __init__(self, items: Iterable[Item]) -> None:
        codes: defaultdict[Item, int] = defaultdict()
        codes.default_factory = codes.__len__
        self._codes = np.fromiter(map(codes.__getitem__, items), np.intp)
        self._items = tuple(codes)

    def matching(self, test: Callable[[Item], bool]) -> npt.NDArray[np.bool_]:
        """Returns the test's answer for each item."""
        return np.array([test(item) for item in self._items], np.bool_)[self._codes]

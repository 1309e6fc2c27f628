"""Names and shapes as people write them, with * and ?."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

SCALAR = "scalar"
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


@lru_cache(256)
def module_matcher(pattern: str) -> Callable[[str | None], bool]:
    """Returns a test of a module's path; a pattern without wildcards means the module and all inside it."""
    matches = matcher(pattern)
    inside = "" if has_wildcard(pattern) else pattern.lower() + "."

    def test(path: str | None) -> bool:
        return path is not None and (matches(path) or (bool(inside) and path.lower().startswith(inside)))

    return test


def shape_text(shape: Sequence[int]) -> str:
    """Returns "2x64x16x16", or "scalar"."""
    return "x".join(map(str, shape)) if shape else SCALAR


def matching(items: Sequence[str | None], test: Callable[[str | None], bool]) -> npt.NDArray[np.bool_]:
    """Returns the test's answer for each item, asking once for each text."""
    answers: dict[str | None, bool] = {item: test(item) for item in set(items)}
    return np.array([answers[item] for item in items], np.bool_)

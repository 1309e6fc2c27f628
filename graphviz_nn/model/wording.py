"""Counts in words."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Returns "1 step", "2 steps", "1,200 boxes", "2 backward passes"."""
    ending = "" if count == 1 else "es" if noun.endswith(("s", "x")) else "s"
    return f"{count:,} {noun}{ending}"

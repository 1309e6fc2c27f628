"""Counts and sizes in words."""

from __future__ import annotations

from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """Returns "1 step", "2 steps", "1,200 boxes", "2 backward passes"."""
    ending = "" if count == 1 else "es" if noun.endswith(("s", "x")) else "s"
    return f"{count:,} {noun}{ending}"


def sizes_text(shape: Sequence[int]) -> str:
    """Returns "32×3×224×224"; "2×?×8" for a nested tensor, whose parts differ in the second size; "" for no sizes."""
    return "×".join("?" if size < 0 else str(size) for size in shape)

"""How numbers and sizes are written in labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from graphviz_nn.plugin.builtin.reading import integers, is_number


def number(value: float) -> str:
    """Returns "0.125", "−1", "1e-05", "−∞": at most six digits, with a true minus sign."""
    if isinstance(value, int):
        text = str(value)
    elif math.isinf(value):
        text = "∞" if value > 0 else "-∞"
    else:
        text = f"{value:g}"
    return "−" + text[1:] if text.startswith("-") else text


def numbers(values: Iterable[float]) -> str:
    """Returns "0, 2, −1"."""
    return ", ".join(number(value) for value in values)


def size(value: Any, dimensions: int = 1) -> str | None:
    """Returns "3×3" for [3, 3], and for 3 in two dimensions; None for what is no size. A free dimension is "·"."""
    if isinstance(value, (list, tuple)) and value and all(item is None or is_number(item) for item in value):
        items: Sequence[Any] = value
    elif is_number(value):
        items = [value] * dimensions
    else:
        return None
    return "×".join("·" if item is None else number(item) for item in items)


def amount(value: Any) -> str | None:
    """Returns "2" for 2 and for [2, 2], "2×1" for [2, 1]; None for what is no size."""
    items = integers(value)
    if items is None:
        return None
    return number(items[0]) if len(set(items)) == 1 else "×".join(map(number, items))


def phrase(head: str, *parts: str | None) -> str:
    """Returns the head and, after commas, those parts that there are."""
    return ", ".join([head, *(part for part in parts if part)])


def unless_all(value: Any, usual: int, word: str) -> str | None:
    """Returns "stride 2" for a size that is not `usual` everywhere, else None."""
    items = integers(value)
    return f"{word} {amount(items)}" if items is not None and any(item != usual for item in items) else None

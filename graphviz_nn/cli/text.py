"""Numbers in words."""

from __future__ import annotations

from graphviz_nn.model.wording import plural

__all__ = ["plural", "quantity"]


def quantity(value: float) -> str:
    """A large number in three figures with its unit: 1234567 → "1.23 M"."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"

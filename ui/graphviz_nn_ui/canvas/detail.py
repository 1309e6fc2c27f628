"""How much of the words can be read at a magnification."""

from __future__ import annotations

from typing import NamedTuple

from graphviz_nn.scene import metrics


class Detail(NamedTuple):
    """How strongly the words show at a magnification, 0…1: titles, and what stands under them."""

    title: float
    rest: float


def detail_at(scale: float) -> Detail:
    """Returns the detail that can be read: words fade in over a stretch of magnifications, none pops up."""
    return Detail(_ramp(scale * metrics.TITLE_SIZE, 4.2, 5.6), _ramp(scale * metrics.SHAPE_SIZE, 4.2, 5.8))


def _ramp(size: float, low: float, high: float) -> float:
    return min(max((size - low) / (high - low), 0.0), 1.0)

"""The signs under the lanes: where breakpoints stop, where findings begin, where numbers are not finite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRect, Qt
from PyQt6.QtGui import QPainter, QPen, QPolygonF

from graphviz_nn_ui.viewmodels.timeline import Range
from graphviz_nn_ui.widgets.theme import Theme

Seqs = npt.NDArray[np.intp]

MARK: Final = 5
"""Pixels from one mark to the next, at least."""


def signs_of(seqs: Seqs, view: Range, left: float, across: float, seen: QRect) -> list[float]:
    """Returns where signs of events stand in a part of lanes that begin at `left`; of those in one column, one."""
    inside = seqs[(seqs >= view.start) & (seqs < view.stop)]
    x = left + (inside - view.start + 0.5) * across / max(view.span, 1e-9)
    x = np.unique(np.round(x / MARK) * MARK)
    found: list[float] = x[(x > seen.left() - MARK) & (x < seen.right() + MARK)].tolist()
    return found


def paint_marks(
    painter: QPainter, theme: Theme, y: float, stops: Iterable[float], findings: Iterable[float], bad: Iterable[float]
) -> None:
    """Paints dots for breakpoints and triangles for the others at these places along a line."""
    painter.setPen(QPen(theme.breakpoint, 7, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPoints(QPolygonF([QPointF(x, y) for x in stops]))
    painter.setPen(Qt.PenStyle.NoPen)
    for places, colour in ((findings, theme.warning), (bad, theme.error)):
        painter.setBrush(colour)
        for x in places:
            painter.drawPolygon(QPolygonF([QPointF(x, y - 4), QPointF(x + 4, y + 4), QPointF(x - 4, y + 4)]))

"""What stands at a point of the picture."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from PyQt6.QtCore import QPointF

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.canvas.paint_wires import lines_of

BOX: Final = "box"
CONTAINER: Final = "container"
WIRE: Final = "wire"

_REACH: Final = 5.0
"""Pixels of the canvas from which on a wire is meant."""


class Hit(NamedTuple):
    """A box, container or wire, by its place in its table."""

    kind: str
    place: int


def hit_at(tables: SceneTables, point: QPointF, scale: float) -> Hit | None:
    """Returns what is foremost at a point of the picture: a box, a wire close by, or the innermost container."""
    x, y = point.x(), point.y()
    boxes = tables.box_band.inside(x, y, x, y)
    if len(boxes):
        return Hit(BOX, int(boxes[-1]))
    wire = _wire_at(tables, x, y, _REACH / scale)
    if wire is not None:
        return Hit(WIRE, wire)
    containers = tables.container_band.inside(x, y, x, y)
    if len(containers):
        return Hit(CONTAINER, int(containers[np.argmax(tables.containers.depths[containers])]))
    return None


def _wire_at(tables: SceneTables, x: float, y: float, reach: float) -> int | None:
    wires = tables.wires
    best, nearest = None, reach
    for piece in tables.piece_band.inside(x - reach, y - reach, x + reach, y + reach).tolist():
        lines = lines_of(wires.pieces[piece : piece + 1], tables.direction == DOWN)
        distance = _distance(lines, x, y)
        if distance < nearest:
            best, nearest = int(wires.piece_wires[piece]), distance
    return best


def _distance(lines: np.ndarray[tuple[int, ...], np.dtype[np.float64]], x: float, y: float) -> float:
    """The distance of a point from the nearest of some lines."""
    start, along = lines[:, :2], lines[:, 2:] - lines[:, :2]
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip((([x, y] - start) * along).sum(axis=1) / length, 0.0, 1.0)
    return float(np.hypot(*(start + along * share[:, None] - [x, y]).T).min())

"""What stays where it is when the picture changes."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF

from graphviz_nn_ui.canvas.camera import Camera
from graphviz_nn_ui.canvas.drawing import Drawing


def hold(camera: Camera, before: Drawing, after: Drawing, anchor: str | None) -> tuple[float, float]:
    """Moves the camera so that the box or container with the key `anchor` stays where it is on the canvas; without
    one, what is nearest to the middle. An anchor whose corner is out of sight comes into it.

    Returns where the old picture's origin stands in the new one's coordinates.
    """
    old, new = _held_points(before, after, anchor, camera.view.center())
    x, y = camera.x, camera.y
    if old is not None and new is not None:
        at = camera.to_screen(old.x(), old.y())
        if anchor is not None:
            at.setX(min(max(at.x(), 8.0), max(camera.width - 80.0, 8.0)))
            at.setY(min(max(at.y(), 40.0), max(camera.height - 80.0, 40.0)))
        camera.x, camera.y = new.x() - at.x() / camera.scale, new.y() - at.y() / camera.scale
        camera.clamp()
    return camera.x - x, camera.y - y


def turn(camera: Camera, before: Drawing, after: Drawing, chosen: str | None) -> tuple[float, float]:
    """Moves the camera to what it saw before the picture was turned: all of it, where that was seen; else the box or
    container with the key `chosen` stays where it is on the canvas if it was in sight, and the middle if not. Across a
    side on which the whole picture has room, it stands in the middle.

    Returns where the old picture's origin stands in the new one's coordinates.
    """
    if camera.view.contains(QRectF(0, 0, before.tables.width, before.tables.height)):
        camera.fit()
        return 0.0, 0.0
    corner = _corner(before, chosen) if chosen is not None else None
    in_sight = corner is not None and camera.view.contains(corner)
    x, y = hold(camera, before, after, chosen if in_sight else None)
    left, top = camera.center_where_all_is_seen()
    return x + left, y + top


def _held_points(
    before: Drawing, after: Drawing, anchor: str | None, centre: QPointF
) -> tuple[QPointF | None, QPointF | None]:
    """Returns where the top left corner of one thing stands before and after: of the box or container with the key
    `anchor`, or else of the box nearest to `centre` that both have; None where there is no such thing."""
    if anchor is not None:
        old, new = _corner(before, anchor), _corner(after, anchor)
        if old is not None and new is not None:
            return old, new
    rects = before.tables.boxes.rects
    distances = np.hypot(rects[:, 0] + rects[:, 2] / 2 - centre.x(), rects[:, 1] + rects[:, 3] / 2 - centre.y())
    for box in np.argsort(distances)[:200].tolist():
        key = before.tables.boxes.key(box)
        new = _corner(after, key)
        if new is not None:
            return _corner(before, key), new
    return None, None


def _corner(drawing: Drawing, key: str) -> QPointF | None:
    box = drawing.box(key)
    if box is not None:
        return QPointF(*drawing.tables.boxes.rects[box, :2].tolist())
    container = drawing.container(key)
    if container is not None:
        return QPointF(*drawing.tables.containers.rects[container, :2].tolist())
    return None

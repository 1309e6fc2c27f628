"""The keyboard on the canvas: arrows follow wires, Enter opens and closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent

from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.hits import BOX, Hit

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_ARROWS: Final = {
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}
_ZOOM: Final = 1.25
_PLAY: Final = "play.toggle"


def press_key(canvas: Canvas, event: QKeyEvent) -> bool:
    """Does what a key stands for; returns whether it stands for anything."""
    key = Qt.Key(event.key())
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    if key == Qt.Key.Key_Space:
        if not event.isAutoRepeat():
            canvas.mouse.press_space()
        return True
    if key in _ARROWS:
        return _go(canvas, *_ARROWS[key])
    if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return canvas.toggle(selected_key(canvas))
    if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
        _more_or_less(canvas, more=key != Qt.Key.Key_Minus)
        return True
    if key == Qt.Key.Key_Escape:
        canvas.select(None)
        return True
    return False


def release_key(canvas: Canvas, event: QKeyEvent) -> bool:
    """Plays, or pauses, where Space was pressed for itself; returns whether the key stands for anything."""
    if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
        return False
    play = next((command for command in canvas.workspace.commands if command.name == _PLAY), None)
    if canvas.mouse.release_space() and play is not None and play.enabled():
        play.run()
    return True


def keeps_key(event: QKeyEvent) -> bool:
    """Whether the canvas wants a key for itself although a command has it as its shortcut: Space may begin a drag."""
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier


def selected_key(canvas: Canvas) -> str | None:
    """Returns the key of the group that is selected, or that the selected box stands for."""
    key = canvas.expanding.selected_key(canvas.selection)
    if key is not None or canvas.drawing is None or len(canvas.highlight.boxes) != 1:
        return key
    return canvas.expanding.key_of(Hit(BOX, next(iter(canvas.highlight.boxes))))


def _more_or_less(canvas: Canvas, *, more: bool) -> None:
    """Opens or closes what is selected; magnifies where that has nothing to open or to close."""
    key = selected_key(canvas)
    if key is not None and canvas.expanding.is_open(key) != more:
        canvas.toggle(key)
    else:
        canvas.zoom(_ZOOM if more else 1 / _ZOOM)


def _go(canvas: Canvas, dx: int, dy: int) -> bool:
    """Selects the next box along the flow, or beside it."""
    drawing = canvas.drawing
    if drawing is None or not len(drawing.tables.boxes):
        return False
    if not canvas.highlight.boxes:
        canvas.click(Hit(BOX, _first_inside(drawing, canvas.highlight.containers)))
        return True
    box = min(canvas.highlight.boxes)
    along, across = (dy, dx) if drawing.tables.direction == "down" else (dx, dy)
    found = _beside(drawing, box, across) if across else _next(drawing, box, along)
    if found is not None:
        canvas.click(Hit(BOX, found))
    return True


def _first_inside(drawing: Drawing, containers: set[int]) -> int:
    if not containers:
        return 0
    table = drawing.tables.containers
    deepest = max(containers, key=lambda place: int(table.depths[place]))
    return int(table.first_box[deepest])


def _next(drawing: Drawing, box: int, step: int) -> int | None:
    """The box at the other end of a wire: the one whose middle is nearest across the flow."""
    wires = drawing.tables.wires
    ends = (
        [int(wires.targets[wire]) for wire in drawing.leaving(box)]
        if step > 0
        else [int(wires.sources[wire]) for wire in drawing.entering(box)]
    )
    across = 0 if drawing.tables.direction == "down" else 1
    middle = _middles(drawing)[:, across]
    return min(ends, key=lambda other: (abs(middle[other] - middle[box]), other), default=None)


def _beside(drawing: Drawing, box: int, step: int) -> int | None:
    """The nearest box on that side of which a part stands beside this one."""
    rects = drawing.tables.boxes.rects
    along = 1 if drawing.tables.direction == "down" else 0
    low, high = rects[:, along], rects[:, along] + rects[:, along + 2]
    level = (low < high[box]) & (high > low[box])
    distance = (_middles(drawing)[:, 1 - along] - _middles(drawing)[box, 1 - along]) * step
    found = np.flatnonzero(level & (distance > 1e-6))
    return int(found[np.argmin(distance[found])]) if len(found) else None


def _middles(drawing: Drawing) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    rects = drawing.tables.boxes.rects
    return rects[:, :2] + rects[:, 2:] / 2

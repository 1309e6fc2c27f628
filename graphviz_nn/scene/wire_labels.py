"""Which wires say the shape that flows, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphviz_nn.layout.geometry import DOWN, RIGHT, Path, Point, Rect
from graphviz_nn.scene.metrics import LABEL_SIZE
from graphviz_nn.scene.picture import Picture, PictureBox
from graphviz_nn.scene.text import text_width

_CELLS = {DOWN: (1024.0, 128.0), RIGHT: (512.0, 512.0)}
"""Width and height of the cells that rectangles are looked up by: many boxes follow each other along the flow, and few
stand beside each other."""

_MARGIN = 5.0
"""Room between a wire and its label."""

_Outline = tuple[float, float, float, float]
"""As `Rect`."""


def wire_labels(picture: Picture, shapes: Sequence[str], sources: set[PictureBox]) -> list[str]:
    """Returns the label of each wire: of `shapes`, which flow, each said once for a box that changes it; else "".

    A box changes the shape if nothing of that shape enters it. Boxes in `sources` start it, and say it themselves.
    """
    entering = defaultdict(set)
    for wire, shape in zip(picture.wires, shapes, strict=True):
        entering[wire.target].add(shape)
    said: set[tuple[PictureBox, str]] = set()
    found = []
    for wire, shape in zip(picture.wires, shapes, strict=True):
        source = wire.source
        changed = source not in sources and source in entering and shape not in entering[source]
        if changed and wire.kind == "data" and (source, shape) not in said:
            said.add((source, shape))
            found.append(shape)
        else:
            found.append("")
    return found


class LabelPlacer:
    """Finds free room beside the start of a wire."""

    def __init__(self, obstacles: Sequence[Rect], direction: str) -> None:
        self._down = direction == DOWN
        self._width, self._height = _CELLS[direction]
        self._cells: dict[tuple[int, int], list[_Outline]] = defaultdict(list)
        for rect in obstacles:
            self._occupy(rect)

    def place(self, text: str, path: Path, siblings: Sequence[Path]) -> Point | None:
        """Returns the left end of the label's base line, or None where there is no room for it.

        `siblings` are the paths that leave the same box; the label stays clear of the side that they bend to.
        """
        width = text_width(text, LABEL_SIZE)
        for x, y in self._candidates(path, siblings, width):
            rect = x, y - LABEL_SIZE, width, LABEL_SIZE + 2
            if self._is_free(rect):
                self._occupy(rect)
                return x, y
        return None

    def _candidates(self, path: Path, siblings: Sequence[Path], width: float) -> Iterator[Point]:
        (x0, y0), (x1, y1) = path[0], path[1]
        across = 0 if self._down else 1
        start = path[0][across]
        ends = [end for other in siblings for end in (other[0][across], other[1][across])]
        crowded_before, crowded_after = min(ends) < start - 1, max(ends) > start + 1
        if self._down:
            room = y1 - y0
            if room < LABEL_SIZE + 4:
                return
            y = y0 + min(room - 3, LABEL_SIZE + 4)
            if not crowded_after:
                yield x0 + _MARGIN, y
            if not crowded_before:
                yield x0 - _MARGIN - width, y
        elif x1 - x0 >= width + 2 * _MARGIN:
            if not crowded_before:
                yield x0 + _MARGIN, y0 - _MARGIN
            if not crowded_after:
                yield x0 + _MARGIN, y0 + _MARGIN + LABEL_SIZE

    def _cells_of(self, rect: _Outline) -> list[tuple[int, int]]:
        x, y, width, height = rect
        left, right = int(x / self._width), int((x + width) / self._width)
        top, bottom = int(y / self._height), int((y + height) / self._height)
        if left == right:
            return [(left, top)] if top == bottom else [(left, row) for row in range(top, bottom + 1)]
        return [(column, row) for column in range(left, right + 1) for row in range(top, bottom + 1)]

    def _occupy(self, rect: _Outline) -> None:
        for cell in self._cells_of(rect):
            self._cells[cell].append(rect)

    def _is_free(self, rect: _Outline) -> bool:
        left, top, width, height = rect
        right, bottom = left + width, top + height
        for cell in self._cells_of(rect):
            for x, y, other_width, other_height in self._cells.get(cell, ()):
                if y < bottom and x < right and top < y + other_height and left < x + other_width:
                    return False
        return True

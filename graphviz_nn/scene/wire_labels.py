"""Which wires say the shape that flows, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphviz_nn.layout.geometry import DOWN, Path, Point, Rect
from graphviz_nn.scene.labels import Labels
from graphviz_nn.scene.metrics import LABEL_SIZE
from graphviz_nn.scene.picture import Picture, PictureBox
from graphviz_nn.scene.text import text_width

_CELL = 64.0
_MARGIN = 5.0
"""Room between a wire and its label."""


def wire_labels(picture: Picture, labels: Labels, sources: set[PictureBox]) -> list[str]:
    """Returns the label of each wire: the shape that flows, said once for each box that changes it; otherwise "".

    A box changes the shape if nothing of that shape enters it. Boxes in `sources` start it, and say it themselves.
    """
    shapes = [labels.wire(wire.values) for wire in picture.wires]
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
        self._cells: dict[tuple[int, int], list[Rect]] = defaultdict(list)
        for rect in obstacles:
            self._occupy(rect)

    def place(self, text: str, path: Path) -> Point | None:
        """Returns the left end of the label's base line, or None where there is no room for it."""
        width = text_width(text, LABEL_SIZE)
        for x, y in self._candidates(path, width):
            rect = Rect(x, y - LABEL_SIZE, width, LABEL_SIZE + 2)
            if self._is_free(rect):
                self._occupy(rect)
                return x, y
        return None

    def _candidates(self, path: Path, width: float) -> Iterator[Point]:
        (x0, y0), (x1, y1) = path[0], path[1]
        if self._down:
            room = y1 - y0
            if room < LABEL_SIZE + 4:
                return
            y = y0 + min(room - 3, LABEL_SIZE + 4)
            right, left = (x0 + _MARGIN, y), (x0 - _MARGIN - width, y)
            yield from (left, right) if x1 > x0 else (right, left)
        elif x1 - x0 >= width + 2 * _MARGIN:
            x = x0 + _MARGIN
            above, below = (x, y0 - _MARGIN), (x, y0 + _MARGIN + LABEL_SIZE)
            yield from (below, above) if y1 < y0 else (above, below)

    def _cells_of(self, rect: Rect) -> Iterator[tuple[int, int]]:
        for column in range(int(rect.x // _CELL), int(rect.right // _CELL) + 1):
            for row in range(int(rect.y // _CELL), int(rect.bottom // _CELL) + 1):
                yield column, row

    def _occupy(self, rect: Rect) -> None:
        for cell in self._cells_of(rect):
            self._cells[cell].append(rect)

    def _is_free(self, rect: Rect) -> bool:
        return not any(
            rect.x < other.right and other.x < rect.right and rect.y < other.bottom and other.y < rect.bottom
            for cell in self._cells_of(rect)
            for other in self._cells.get(cell, ())
        )

"""What flows on the wires of a selection, and where to say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn.scene import metrics
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.words import Style, Words

_CLEAR: Final = 5.0
"""Pixels of the unscaled picture between a wire or a box and what is said beside it."""


def flow_labels(drawing: Drawing, chosen: Iterable[int], words: Words) -> list[tuple[str, float, float]]:
    """Returns what flows on some wires, once for each value, with the left end of its base line in the picture: where
    the picture says it anyway, be it at another wire of that value, or else near the start."""
    wires = drawing.tables.wires
    shared: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for wire in sorted(chosen):
        shared[int(wires.sources[wire]), int(wires.nodes[wire]), int(wires.outputs[wire])].append(wire)
    found = []
    for (box, *value), alike in shared.items():
        text = wires.shapes[alike[0]]
        leaving = [each for each in drawing.leaving(box) if [wires.nodes[each], wires.outputs[each]] == value]
        said = [each for each in (*alike, *leaving) if not np.isnan(wires.label_at[each, 0])]
        x, y = (
            wires.label_at[said[0]].tolist() if said else _near_start(drawing, leaving, words.width(text, Style.LABEL))
        )
        found.append((text, x, y))
    return found


def _near_start(drawing: Drawing, leaving: Sequence[int], width: float) -> tuple[float, float]:
    """The place for words beside wires of one value: at the right of them, or above them, unless more of them bend to
    that side; above the boxes at both ends where they stand too close for words between them."""
    wires, rects = drawing.tables.wires, drawing.tables.boxes.rects
    starts = wires.pieces[wires.first_pieces[list(leaving)]]
    x, y, _, end_y = starts[0].tolist()
    if drawing.tables.direction == DOWN:
        bends = np.sign(np.round(starts[:, 2] - starts[:, 0])).sum()
        left = x + _CLEAR if bends <= 0 else x - _CLEAR - width
        return left, y + min(max(end_y - y, 0.0), 15.0) - 1.0
    ends = rects[[*wires.sources[leaving], *wires.targets[leaving]]]
    room = float(ends[len(leaving) :, 0].min()) - x
    if 0.0 <= room < width + 2 * _CLEAR:
        return x + (room - width) / 2, float(ends[:, 1].min()) - 2 * _CLEAR
    bends = np.sign(np.round(starts[:, 3] - starts[:, 1])).sum()
    return x + _CLEAR, y - _CLEAR if bends >= 0 else y + _CLEAR + metrics.LABEL_SIZE

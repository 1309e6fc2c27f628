"""What flows on the wires of a selection is said once, and stays readable."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtCore import QRectF

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene import metrics
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.flow_labels import flow_labels
from graphviz_nn_ui.canvas.paint_wires import lines_of
from graphviz_nn_ui.canvas.words import Style, Words
from graphviz_nn_ui.viewmodels.document import Document
from tests.support.structures import resnet
from tests.ui.canvas.conftest import Stage


@pytest.mark.parametrize("direction", ["down", "right"])
def test_labels_of_the_selection_cover_neither_boxes_nor_their_own_wires(
    stage: Stage, open_structure: Callable[[Structure], Document], direction: str
) -> None:
    stage.workspace.look.set("direction", direction)
    open_structure(resnet())
    stage.canvas.expanding.open_all()
    stage.settle()
    drawing, words = stage.drawing, Words()
    assert drawing.tables.direction == direction
    for box in range(len(drawing.tables.boxes)):
        wires = drawing.leaving(box)
        values = {(int(drawing.tables.wires.nodes[each]), int(drawing.tables.wires.outputs[each])) for each in wires}
        labels = flow_labels(drawing, wires, words)
        assert len(labels) == len(values)
        for text, x, y in (*labels, *(label for each in wires for label in flow_labels(drawing, [each], words))):
            height = metrics.LABEL_SIZE
            place = QRectF(x, y - height + 1, words.width(text, Style.LABEL), height - 1)
            boxes = drawing.tables.box_band.inside(*place.getCoords())
            assert not len(boxes), (drawing.tables.boxes.titles[box], text)
            assert not _is_crossed(drawing, wires, place), (drawing.tables.boxes.titles[box], text)


def _is_crossed(drawing: Drawing, wires: list[int], place: QRectF) -> bool:
    table = drawing.tables.wires
    chosen = [each for wire in wires for each in range(table.first_pieces[wire], table.first_pieces[wire + 1])]
    lines = lines_of(table.pieces[chosen], drawing.tables.direction == DOWN)
    shares = np.linspace(0.0, 1.0, 50)[:, None, None]
    points = (lines[None, :, :2] * (1 - shares) + lines[None, :, 2:] * shares).reshape(-1, 2)
    return any(place.contains(x, y) for x, y in points.tolist())

"""Where boxes and containers stand, at rest or on their way to another picture."""

from __future__ import annotations

from dataclasses import dataclass

from graphviz_nn.scene.tables import Floats
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.fading import Fade


@dataclass(frozen=True, slots=True)
class Standing:
    """Places in the picture as x, y, width, height: of the frames of its boxes, of its containers, and of their titles.

    `shares` tells by box how far it is there (0…1), or is None where all are; `wires` how far the wires are.
    """

    boxes: Floats
    areas: Floats
    titles: Floats
    shares: Floats | None = None
    wires: float = 1.0

    @classmethod
    def at_rest(cls, drawing: Drawing) -> Standing:
        tables = drawing.tables
        return cls(tables.boxes.rects, tables.containers.rects, tables.containers.title_rects)

    @classmethod
    def moving(cls, drawing: Drawing, fade: Fade) -> Standing:
        table = drawing.tables.containers
        titles = table.title_rects.copy()
        titles[:, :2] += fade.container_rects[:, :2] - table.rects[:, :2]
        return cls(fade.frames, fade.container_rects, titles, fade.fresh, fade.wires)

    @property
    def rests(self) -> bool:
        return self.shares is None

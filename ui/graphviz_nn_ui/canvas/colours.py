"""The colours of a picture as Qt has them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtGui import QColor

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene import raster
from graphviz_nn.scene.tables import CATEGORIES
from graphviz_nn.scene.theme import Palette, heat_colour, mix
from graphviz_nn_ui.widgets.theme import Theme

NO_HEAT: Final = 0
"""A palette entry that stands for no colour: no box has the canvas's own."""

_made: dict[tuple[str, str], Colours] = {}


class Colours:
    """The pens and fills of one theme and one colour map.

    Attributes:
        table: by palette entry (see `graphviz_nn.scene.raster`) its colour.
        soft, line, strong: by category the fill, border and stripe of a box.
    """

    def __init__(self, theme: Theme, colour_map: str) -> None:
        palette = theme.palette
        self.theme = theme
        self.canvas, self.ink, self.muted = QColor(palette.canvas), QColor(palette.ink), QColor(palette.muted)
        self.wire, self.alias, self.accent = QColor(palette.wire), QColor(palette.alias), QColor(palette.accent)
        self.wires = (self.wire, self.alias, self.accent)
        self.containers = tuple(map(QColor, palette.containers))
        self.container_line, self.alarm = QColor(palette.container_line), QColor(palette.alarm)
        # On a dark ground the darkest colours of a scale are seen by their border alone.
        self.block_line = QColor(mix(palette.canvas, palette.muted, 0.6)) if theme.dark else self.container_line
        self.parameter = QColor(palette.tones[Category.PARAMETER].strong)
        tones = [palette.plain if each is Category.OTHER else palette.tones[each] for each in CATEGORIES]
        self.soft = [QColor(tone.soft) for tone in tones]
        self.line = [QColor(tone.line) for tone in tones]
        self.strong = [QColor(tone.strong) for tone in tones]
        self.table = [QColor(each) for each in _table(palette, colour_map)]
        self.rgb = [colour.rgb() for colour in self.table]


def colours_of(theme: Theme, colour_map: str) -> Colours:
    """Returns the colours of a theme; `colour_map` is a name in `COLOUR_MAPS`."""
    found = _made.get((theme.name, colour_map))
    if found is None:
        found = _made[theme.name, colour_map] = Colours(theme, colour_map)
    return found


def heat_codes(fractions: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Returns the palette entries of places on the scale (0…1); `NO_HEAT` where they are NaN."""
    known = ~np.isnan(fractions)
    codes = np.full(len(fractions), NO_HEAT, np.uint8)
    codes[known] = raster.FIRST_HEAT + np.round(fractions[known] * (raster.HEAT_STEPS - 1)).astype(np.uint8)
    return codes


def _table(palette: Palette, colour_map: str) -> list[str]:
    table = [palette.canvas] * raster.FIRST_HEAT
    table[raster.CONTAINERS[0]], table[raster.CONTAINERS[1]] = palette.containers
    table[raster.WIRE] = mix(palette.canvas, palette.wire, 0.55)
    # On a dark ground the same share of grey is seen less.
    dark = QColor(palette.canvas).lightness() < 128
    table[raster.PENDING] = mix(palette.canvas, palette.muted, 0.42 if dark else 0.26)
    table[raster.UNKNOWN] = mix(palette.canvas, palette.muted, 0.62 if dark else 0.45)
    table[raster.ALARM] = palette.alarm
    for place, category in enumerate(CATEGORIES):
        tone = palette.plain if category is Category.OTHER else palette.tones[category]
        table[raster.FIRST_CATEGORY + place] = tone.strong
    steps = raster.HEAT_STEPS
    return table + [heat_colour(step / (steps - 1), colour_map) for step in range(steps)]

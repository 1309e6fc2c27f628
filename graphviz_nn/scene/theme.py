"""Concrete colours for light and dark: one per category, everywhere, after Okabe and Ito's palette.

Okabe, M. and Ito, K. (2008), "Color Universal Design", https://jfly.uni-koeln.de/color/. The magnitude maps are
samples of matplotlib's viridis and cividis. Colour never stands alone: a box says its category in words, heat comes
with its number, and what is not finite or failed has a sign of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from graphviz_nn.model.layer_types import Category

FONT_FAMILY: Final = "Inter, 'Segoe UI', 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
"""Each is at most as wide as DejaVu Sans, by which boxes are measured."""


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of one category: `strong` for its stripe, `soft` for the box's fill, `line` for its border."""

    strong: str
    soft: str
    line: str


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of a picture, as "#rrggbb". `containers` are fills by nesting depth, taken in turn."""

    canvas: str
    ink: str
    muted: str
    wire: str
    alias: str
    containers: tuple[str, str]
    container_line: str
    alarm: str
    accent: str
    plain: Tone
    tones: dict[Category, Tone]


def mix(colour: str, other: str, share: float) -> str:
    """Returns `colour` with `share` (0…1) of `other` mixed in, by sRGB component."""
    pairs = ((int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


_LIGHT_STRONG: Final = {
    Category.INPUT: "#5b6b7b",
    Category.PARAMETER: "#8c6d1f",
    Category.CONVOLUTION: "#0072b2",
    Category.LINEAR: "#d55e00",
    Category.NORMALISATION: "#009e73",
    Category.ACTIVATION: "#e69f00",
    Category.POOLING: "#56b4e9",
    Category.ATTENTION: "#cc79a7",
    Category.RECURRENT: "#7a5aa6",
    Category.EMBEDDING: "#a39a00",
    Category.ELEMENTWISE: "#8b98a5",
    Category.SHAPE: "#bcc5ce",
    Category.LOSS: "#b3262e",
    Category.OTHER: "#a3a9b0",
}
_DARK_STRONG: Final = {
    Category.INPUT: "#9fb0c0",
    Category.PARAMETER: "#c9a44a",
    Category.CONVOLUTION: "#3a9bdc",
    Category.LINEAR: "#f07f2e",
    Category.NORMALISATION: "#1fbf92",
    Category.ACTIVATION: "#f0b429",
    Category.POOLING: "#7cc8f2",
    Category.ATTENTION: "#dd93bc",
    Category.RECURRENT: "#a88bd4",
    Category.EMBEDDING: "#d6cc3a",
    Category.ELEMENTWISE: "#8494a5",
    Category.SHAPE: "#5d6a78",
    Category.LOSS: "#ef5b63",
    Category.OTHER: "#77818c",
}


def _tones(strong: dict[Category, str], surface: str, soft: float, line: float) -> dict[Category, Tone]:
    return {
        name: Tone(colour, mix(surface, colour, soft), mix(surface, colour, line)) for name, colour in strong.items()
    }


LIGHT: Final = Palette(
    canvas="#ffffff",
    ink="#1c2530",
    muted="#5a6775",
    wire="#7d8a97",
    alias="#a9744f",
    containers=("#f5f7fa", "#eceff4"),
    container_line="#cbd3dc",
    alarm="#b3001b",
    accent="#0b62a8",
    plain=Tone("#8b98a5", "#ffffff", "#c3ccd5"),
    tones=_tones(_LIGHT_STRONG, "#ffffff", 0.08, 0.45),
)
DARK: Final = Palette(
    canvas="#0f141a",
    ink="#e8edf3",
    muted="#9dabb9",
    wire="#74818f",
    alias="#c79062",
    containers=("#161d26", "#1c2530"),
    container_line="#344150",
    alarm="#ff6b75",
    accent="#6cb8ff",
    plain=Tone("#8494a5", "#202a35", "#435160"),
    tones=_tones(_DARK_STRONG, "#1a222c", 0.13, 0.50),
)


def _stops(packed: str) -> tuple[str, ...]:
    return tuple("#" + packed[i : i + 6] for i in range(0, len(packed), 6))


_VIRIDIS: Final = _stops(
    "44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8e219fde725"
)
_CIVIDIS: Final = _stops(
    "00224e002e6a1a386f32436d434e6c535a6d61656f6f70737d7c788c88789b9476aba072bcae6ccdbb63dec958f0d846fee838"
)
COLOUR_MAPS: Final = {"viridis": _VIRIDIS, "cividis": _CIVIDIS}
"""Colours at 0, 1/16, … 1."""


@lru_cache(maxsize=4096)
def heat_colour(fraction: float, colour_map: str = "viridis") -> str:
    """Returns the colour at `fraction` (0…1, clipped) of the map, between its two nearest samples."""
    stops = COLOUR_MAPS[colour_map]
    place = min(max(fraction, 0.0), 1.0) * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    return mix(stops[index], stops[index + 1], place - index)

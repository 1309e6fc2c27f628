"""The style sheet of an SVG: one class for each kind of mark, in concrete colours."""

from __future__ import annotations

from typing import Final

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene import metrics
from graphviz_nn.scene.theme import DARK, FONT_FAMILY, LIGHT, Palette, Tone

CATEGORY_CLASS: Final = {category: f"k{index}" for index, category in enumerate(Category)}
"""Class of a box of a category; its stripe has the class with "s" behind."""

_SHAPES: Final = (
    f"text{{font-family:{FONT_FAMILY};dominant-baseline:alphabetic}}"
    f".t{{font-size:{metrics.TITLE_SIZE}px;font-weight:600}}"
    f".u{{font-size:{metrics.SUBTITLE_SIZE}px}}"
    f".v{{font-size:{metrics.SHAPE_SIZE}px}}"
    f".n{{font-size:{metrics.SHAPE_SIZE}px;font-weight:600}}"
    f".g{{font-size:{metrics.TAG_SIZE}px;font-weight:600;text-anchor:middle}}"
    f".l{{font-size:{metrics.LABEL_SIZE}px;paint-order:stroke;stroke-width:3px;stroke-linejoin:round}}"
    ".h{font-size:17px;font-weight:600}"
    ".e{text-anchor:end}"
    ".w path{fill:none;stroke-width:1.3;stroke-linejoin:round}"
    ".w .loop{stroke-dasharray:5 3}.w .alias{stroke-dasharray:2 3}"
    ".q{fill:none;stroke-width:1.6}"
)


def style_sheet(theme: str) -> str:
    """Returns the CSS for a theme: "light", "dark", or "auto", which follows the viewer by one media query."""
    if theme == "dark":
        return _SHAPES + _colours(DARK)
    if theme == "light":
        return _SHAPES + _colours(LIGHT)
    return f"{_SHAPES}{_colours(LIGHT)}@media (prefers-color-scheme: dark){{{_colours(DARK)}}}"


def _colours(palette: Palette) -> str:
    rules = [
        f".bg{{fill:{palette.canvas}}}",
        f".t,.n,.h{{fill:{palette.ink}}}",
        f".u,.v{{fill:{palette.muted}}}",
        f".l{{fill:{palette.muted};stroke:{palette.canvas}}}",
        f".d0{{fill:{palette.containers[0]}}}",
        f".d1{{fill:{palette.containers[1]}}}",
        f".d0,.d1{{stroke:{palette.container_line}}}",
        f".w path{{stroke:{palette.wire}}}",
        f".w .alias{{stroke:{palette.alias}}}",
        f".w .loop{{stroke:{palette.accent}}}",
        f".a0{{fill:{palette.wire}}}",
        f".a1{{fill:{palette.alias}}}",
        f".a2{{fill:{palette.accent}}}",
        f".q{{stroke:{palette.alarm}}}",
        f".x{{fill:{palette.alarm}}}",
        f".o{{fill:{palette.accent}}}",
        f".xt{{fill:{palette.canvas}}}",
        f".hs{{stroke:{palette.canvas}}}",
        f".p{{fill:{palette.tones[Category.PARAMETER].strong}}}",
    ]
    for category, name in CATEGORY_CLASS.items():
        rules.append(_tone(name, palette.plain if category is Category.OTHER else palette.tones[category]))
    return "".join(rules)


def _tone(name: str, tone: Tone) -> str:
    return f".{name}{{fill:{tone.soft};stroke:{tone.line}}}.{name}s{{fill:{tone.strong}}}"

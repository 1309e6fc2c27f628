"""The head of an SVG: title, one line about the picture, and the legend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from graphviz_nn.export.svg_style import CATEGORY_CLASS
from graphviz_nn.export.xml import escape, number
from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene import metrics
from graphviz_nn.scene.scene import Legend, Scale, Scene
from graphviz_nn.scene.text import elide, text_width
from graphviz_nn.scene.theme import COLOUR_MAPS

LEAST_WIDTH = 420.0
_TITLE_SIZE = 17.0
_TITLE_HEIGHT = 22.0
_LINE = 19.0
_SWATCH = 11.0
_SCALE_WIDTH = 140.0
_WIRE_WORDS = {"alias": "memory written through another view", "loop": "to the next repeat"}
_WIRE_ARROWS = {"alias": "a1", "loop": "a2"}


class Header(NamedTuple):
    """Its markup, for the origin at its top left corner, and its height."""

    markup: str
    height: float


class _Entry(NamedTuple):
    markup: str
    width: float


def header(scene: Scene, width: float) -> Header:
    """Returns the head for a picture of `width` pixels; the legend's entries wrap."""
    title = escape(elide(scene.title, _TITLE_SIZE, width, True))
    description = escape(elide(scene.description, metrics.SUBTITLE_SIZE, width))
    parts = [
        f'<text class="h" y="16">{title}</text>',
        f'<text class="u" y="{number(_TITLE_HEIGHT + 12)}">{description}</text>',
    ]
    x, y = 0.0, _TITLE_HEIGHT + _LINE + 4
    for entry in _entries(scene.legend, any(box.repeat > 1 for box in scene.boxes)):
        if x and x + entry.width > width:
            x, y = 0.0, y + _LINE
        parts.append(f'<g transform="translate({number(x)} {number(y)})">{entry.markup}</g>')
        x += entry.width + 16
    if x:
        y += _LINE
    if scene.legend.scale is not None:
        parts.append(f'<g transform="translate(0 {number(y + 3)})">{_scale(scene.legend.scale)}</g>')
        y += 2 * _LINE + 6
    return Header("".join(parts), y)


def _entries(legend: Legend, folded: bool) -> Iterator[_Entry]:
    for category in legend.categories:
        if category is not Category.OTHER:
            name = CATEGORY_CLASS[category]
            swatch = f'<rect class="{name}s" y="1" width="{number(_SWATCH)}" height="{number(_SWATCH)}" rx="3"/>'
            yield _entry(swatch, _SWATCH + 5, category.value)
    if legend.parameters:
        yield _entry('<circle class="p" cx="4" cy="6.5" r="3.5"/>', 12, "trained parameters")
    if legend.frozen_parameters:
        yield _entry('<circle class="p" cx="4" cy="6.5" r="2.8" style="fill-opacity:.25"/>', 12, "frozen parameters")
    if folded:
        yield _entry(
            f'<text class="n" y="{number(_SWATCH)}">× n</text>', 26, "equal ones, folded; ↻ each feeds the next"
        )
    for kind in legend.kinds:
        if kind in _WIRE_WORDS:
            line = f'<g class="w"><path class="{kind}" d="M0 6.5H20" marker-end="url(#{_WIRE_ARROWS[kind]})"/></g>'
            yield _entry(line, 26, _WIRE_WORDS[kind])


def _entry(sign: str, offset: float, text: str) -> _Entry:
    words = f'<text class="u" x="{number(offset)}" y="{number(_SWATCH)}">{escape(text)}</text>'
    return _Entry(sign + words, offset + text_width(text, metrics.SUBTITLE_SIZE))


def _scale(scale: Scale) -> str:
    if not scale.low_text:
        return f'<text class="u" y="11">{escape(scale.title)}: none</text>'
    stops = COLOUR_MAPS[scale.colour_map]
    steps = "".join(
        f'<stop offset="{number(100 * i / (len(stops) - 1))}%" stop-color="{colour}"/>'
        for i, colour in enumerate(stops)
    )
    how = " (logarithmic)" if scale.logarithmic else ""
    low = text_width(scale.low_text, metrics.SHAPE_SIZE, True)
    left, right, base = number(low + 8), number(low + _SCALE_WIDTH + 16), number(_LINE + 10)
    size = f'width="{number(_SCALE_WIDTH)}" height="11"'
    return (
        f'<linearGradient id="scale">{steps}</linearGradient>'
        f'<text class="u" y="11">{escape(scale.title)}{how}</text>'
        f'<text class="n" y="{base}">{escape(scale.low_text)}</text>'
        f'<rect fill="url(#scale)" x="{left}" y="{number(_LINE + 1)}" {size} rx="3"/>'
        f'<text class="n" x="{right}" y="{base}">{escape(scale.high_text)}</text>'
    )

"""The colours of a page, from the theme that every picture has."""

from __future__ import annotations

from collections.abc import Iterator

from graphviz_nn.export.html_boxes import CATEGORIES
from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.theme import DARK, FONT_FAMILY, LIGHT, Palette


def page_colours() -> str:
    """Returns CSS variables for light and dark, and the classes of the categories: "k0" is the box of the first one,
    "k0s" its stripe, "k0b" its swatch in the legend.

    The page follows the viewer's mode unless its root element has a `data-theme`.
    """
    light, dark = "".join(_variables(LIGHT)), "".join(_variables(DARK))
    return (
        f":root{{--font:{FONT_FAMILY};color-scheme:light;{light}}}"
        f':root[data-theme="dark"]{{color-scheme:dark;{dark}}}'
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{color-scheme:dark;{dark}}}}}'
        + "".join(map(_category, range(len(CATEGORIES))))
    )


def _variables(palette: Palette) -> Iterator[str]:
    named = {
        "canvas": palette.canvas,
        "surface": palette.containers[0],
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.container_line,
        "wire": palette.wire,
        "alias": palette.alias,
        "container0": palette.containers[0],
        "container1": palette.containers[1],
        "container-line": palette.container_line,
        "alarm": palette.alarm,
        "accent": palette.accent,
        "parameter": palette.tones[Category.PARAMETER].strong,
    }
    yield from (f"--{name}:{colour};" for name, colour in named.items())
    for place, category in enumerate(CATEGORIES):
        tone = palette.plain if category is Category.OTHER else palette.tones[category]
        yield f"--k{place}:{tone.soft};--k{place}s:{tone.strong};--k{place}l:{tone.line};"


def _category(place: int) -> str:
    name = f"k{place}"
    return (
        f".{name}{{fill:var(--{name});stroke:var(--{name}l)}}.{name}s{{fill:var(--{name}s)}}"
        f".{name}b{{background:var(--{name}s)}}"
    )

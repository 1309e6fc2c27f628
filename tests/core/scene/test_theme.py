"""Colours stay apart, and words stay legible on them."""

from itertools import combinations

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.theme import DARK, LIGHT, Palette, heat_colour, mix


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_has_the_contrast_that_wcag_asks_for(palette: Palette) -> None:
    grounds = [palette.canvas, *palette.containers, palette.plain.soft, *(t.soft for t in palette.tones.values())]
    for ground in grounds:
        assert contrast(palette.ink, ground) >= 7
        assert contrast(palette.muted, ground) >= 4.5
    assert contrast(palette.canvas, palette.alarm) >= 4.5
    assert contrast(palette.canvas, palette.accent) >= 4.5


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_each_category_has_a_colour_of_its_own(palette: Palette) -> None:
    assert set(palette.tones) == set(Category)
    for one, other in combinations(palette.tones.values(), 2):
        distance = sum((a - b) ** 2 for a, b in zip(to_rgb(one.strong), to_rgb(other.strong), strict=True))
        assert distance > 0.005


@pytest.mark.parametrize("name", ["viridis", "cividis"])
def test_heat_follows_the_map(name: str) -> None:
    for place in (0.0, 0.03, 0.5, 0.77, 1.0):
        wanted = to_rgb(to_hex(colormaps[name](place)))
        assert to_rgb(heat_colour(place, name)) == pytest.approx(wanted, abs=0.03)
    assert heat_colour(-1, name) == heat_colour(0, name)
    assert heat_colour(7, name) == heat_colour(1, name)


def test_mix() -> None:
    assert mix("#000000", "#ff8040", 0.5) == "#804020"

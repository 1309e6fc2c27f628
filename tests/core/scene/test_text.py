"""Widths come from the font, long names keep their ends, and any string can be shown."""

import importlib.util
from pathlib import Path

import pytest

from graphviz_nn.scene.text import ELLIPSIS, elide, readable, text_width
from graphviz_nn.scene.words import shape_text

ROOT = Path(__file__).parents[3]


def test_width_table_is_what_the_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("make_font_widths", ROOT / "tools" / "make_font_widths.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TARGET.read_text(encoding="utf-8") == script.source()


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ["layer1.0.conv1", "Conv 3×3, 64", "Ελλάδα → Ωmega", "Жёлтый ±∞"])
def test_widths_agree_with_the_font(text: str, bold: bool) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    extents = TextPath((0, 0), text, size=100, prop=font).get_extents()
    # The ink ends before the advance does, by a side bearing at both ends.
    assert extents.width <= text_width(text, 100, bold) <= extents.width + 25


def test_wide_and_combining_characters_are_estimated() -> None:
    assert text_width("畳み込み", 10) == pytest.approx(40)
    assert text_width("e\u0301", 10) == pytest.approx(text_width("e", 10), abs=0.05)


def test_elided_text_keeps_both_ends_and_fits() -> None:
    name = "encoder.layers.11.self_attention.out_proj"
    short = elide(name, 12, 150)
    assert text_width(short, 12) <= 150
    start, _, end = short.partition(ELLIPSIS)
    assert start
    assert end
    assert name.startswith(start)
    assert name.endswith(end)
    assert elide(name, 12, 1000) == name
    assert text_width(elide("x" * 10_000, 12, 150), 12) <= 150


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand  more ", "two lines and more"),
        ("nul\x00bell\x07", "nul\ufffdbell\ufffd"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("turn \u202eback", "turn \ufffdback"),
        ("עברית و 畳", "עברית و 畳"),
    ],
)
def test_readable(raw: str, shown: str) -> None:
    assert readable(raw) == shown


@pytest.mark.parametrize(
    ("shape", "dtype", "text"),
    [
        ((32, 3, 224, 224), "float32", "32×3×224×224"),
        ((), "int64", "scalar int64"),
        ((2, -1, 8), "float32", "2×?×8"),
    ],
)
def test_shapes(shape: tuple[int, ...], dtype: str, text: str) -> None:
    assert shape_text(shape, dtype) == text

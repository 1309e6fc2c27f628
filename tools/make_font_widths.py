"""Writes `graphviz_nn/scene/font_widths.py`: advance widths of DejaVu Sans, so that boxes fit their text.

Run `python tools/make_font_widths.py` after changing `RANGES`. The font is the copy that ships inside matplotlib.
"""

from __future__ import annotations

import base64
import math
from pathlib import Path

import matplotlib
from fontTools.ttLib import TTFont

RANGES = ((0x20, 0x250), (0x370, 0x530), (0x2000, 0x2300), (0x25A0, 0x2700))
"""Half-open ranges of code points: Latin, Greek, Cyrillic, punctuation, arrows, mathematics, symbols."""

UNITS_PER_EM = 200
"""A width is stored in one byte, rounded up: 0.005 em is 0.06 px at 12 px, and 255 of them reach 1.275 em."""

TARGET = Path(__file__).parents[1] / "graphviz_nn" / "scene" / "font_widths.py"
FONTS = {"REGULAR": "DejaVuSans.ttf", "BOLD": "DejaVuSans-Bold.ttf"}


def packed_widths(file_name: str) -> bytes:
    """One byte a code point of `RANGES`: advance in `UNITS_PER_EM`; 0 where the font has no glyph or no advance."""
    font = TTFont(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / file_name)
    glyphs, advances, em = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    packed = bytearray()
    for first, end in RANGES:
        for code in range(first, end):
            advance = advances[glyphs[code]][0] if code in glyphs else 0
            packed.append(min(math.ceil(advance * UNITS_PER_EM / em), 255))
    return bytes(packed)


def source() -> str:
    """The text of the data module."""
    lines = [
        '"""Advance widths of DejaVu Sans, written by `tools/make_font_widths.py`.',
        "",
        "One byte a code point of `RANGES` (half open), in `UNITS_PER_EM`, as base 85; 0 where the font has no glyph.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        "UNITS_PER_EM: Final = " + str(UNITS_PER_EM),
        "RANGES: Final = (" + ", ".join(f"(0x{first:X}, 0x{end:X})" for first, end in RANGES) + ")",
    ]
    for name, file_name in FONTS.items():
        encoded = base64.b85encode(packed_widths(file_name)).decode()
        lines += [f"{name}: Final = (", *(f'    "{encoded[i : i + 110]}"' for i in range(0, len(encoded), 110)), ")"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(source(), encoding="utf-8")

"""How wide a text is, how to shorten it, and how to make any string safe to show."""

from __future__ import annotations

import base64
import re
import unicodedata
from functools import lru_cache
from typing import Final

from graphviz_nn.scene import font_widths

ELLIPSIS: Final = "…"
_UNKNOWN_WIDTH: Final = 0.65
_LONGEST: Final = 400
"""Characters that are looked at when a text is shortened: no label comes near it, and hostile ones go far beyond."""

_UNREADABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SPACES: Final = re.compile(r"\s+")


class _Widths(dict[str, float]):
    """Width in em by character; characters outside the table are estimated from their Unicode class, once."""

    def __init__(self, packed: str) -> None:
        super().__init__()
        advances = iter(base64.b85decode(packed))
        for first, end in font_widths.RANGES:
            for code in range(first, end):
                advance = next(advances)
                if advance:
                    self[chr(code)] = advance / font_widths.UNITS_PER_EM

    def __missing__(self, character: str) -> float:
        if unicodedata.combining(character):
            width = 0.0
        elif unicodedata.east_asian_width(character) in "WF":
            width = 1.0
        else:
            width = _UNKNOWN_WIDTH
        self[character] = width
        return width


_REGULAR: Final = _Widths(font_widths.REGULAR)
_BOLD: Final = _Widths(font_widths.BOLD)


@lru_cache(maxsize=65536)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Returns the width in pixels of `text` in DejaVu Sans of `size` pixels, without kerning.

    The fonts that stand before DejaVu Sans in a picture's font list are narrower, so a box that fits this width
    fits theirs.
    """
    return size * sum(map((_BOLD if bold else _REGULAR).__getitem__, text))


def readable(text: str) -> str:
    """Returns the text on one line: runs of white space become one space; control and direction-changing characters
    and lone surrogates become U+FFFD."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _UNREADABLE.sub("\ufffd", _SPACES.sub(" ", text)).strip()


@lru_cache(maxsize=65536)
def elide(text: str, size: float, limit: float, bold: bool = False) -> str:
    """Returns `text`, or its two ends around an ellipsis where it would be wider than `limit` pixels.

    The ends stay because they tell names apart: "encoder.layers.0…attention.out_proj".
    """
    if len(text) <= _LONGEST and text_width(text, size, bold) <= limit:
        return text
    half = min(len(text), _LONGEST) // 2
    low, high = 0, half
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(_ends(text, middle), size, bold) <= limit:
            low = middle
        else:
            high = middle - 1
    return _ends(text, low)


def _ends(text: str, count: int) -> str:
    return text[:count].rstrip() + ELLIPSIS + (text[-count:].lstrip() if count else "")

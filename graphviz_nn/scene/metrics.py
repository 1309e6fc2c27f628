"""Where the words stand in a box, and how large that makes it. Lengths in pixels.

A box has up to three lines. Left: title, subtitle, output shape. Right: marks and "× N" beside the title, the
parameter badge beside the subtitle (or the title), the heat's number beside the shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from graphviz_nn.scene.box_texts import BoxText, ContainerText
from graphviz_nn.scene.text import elide, text_width

TITLE_SIZE: Final = 12.0
SUBTITLE_SIZE: Final = 11.0
SHAPE_SIZE: Final = 10.0
TAG_SIZE: Final = 9.0
LABEL_SIZE: Final = 9.5

TITLE_LINE: Final = 16.0
SUBTITLE_LINE: Final = 14.0
SHAPE_LINE: Final = 13.0
PADDING: Final = 6.0
STRIPE: Final = 5.0
TEXT_LEFT: Final = STRIPE + 8.0
TEXT_RIGHT: Final = 10.0
HEAT_STRIP: Final = 8.0
"""Width of the strip at the right edge that carries the heat's colour."""

GAP: Final = 12.0
"""Least room between what stands left and right in one line."""

STACK: Final = 6.0
"""How far the cards behind a folded run stick out, right and below."""

TAG_PADDING: Final = 5.0
TAG_GAP: Final = 4.0
BADGE_DOT: Final = 10.0
"""Width of the dot in front of a parameter count, with its gap."""

WIDEST_TEXT: Final = 260.0
LEAST_BOX_WIDTH: Final = 56.0
CONTAINER_TITLE: Final = 26.0
CONTAINER_LEFT: Final = 12.0
CONTAINER_GAP: Final = 8.0
HEAT_SWATCH: Final = 14.0

MARK_WORDS: Final = {"error": "✕ error", "loss": "loss", "output": "output", "nonfinite": "⚠ NaN/Inf"}
"""What a mark's tag says; a sign beside the word where it is a severity."""


@dataclass(frozen=True, slots=True)
class BoxSize:
    """Size of a box, and its words shortened to fit."""

    width: float
    height: float
    title: str
    subtitle: str
    shape: str


def tag_texts(marks: tuple[str, ...], repeat: int, looped: bool) -> list[str]:
    """Returns what the tags beside a title say, left to right; "↻" where one sibling feeds the next."""
    folded = [f"× {repeat} ↻" if looped else f"× {repeat}"] if repeat > 1 else []
    return folded + [MARK_WORDS[mark] for mark in marks]


def tag_width(text: str) -> float:
    """Returns the width of one tag, its padding included."""
    return text_width(text, TAG_SIZE, True) + 2 * TAG_PADDING


def box_size(text: BoxText, repeat: int, looped: bool, heat_text: str | None) -> BoxSize:
    """Returns how large a box must be; `heat_text` is None where the picture is not coloured."""
    badge = text.parameters.text if text.parameters else ""
    return _box_size(
        (text.title, text.subtitle, text.shape), badge, tuple(tag_texts(text.marks, repeat, looped)), heat_text
    )


@lru_cache(maxsize=8192)
def _box_size(
    lines: tuple[str, str, str], badge_text: str, tag_words: tuple[str, ...], heat_text: str | None
) -> BoxSize:
    title = elide(lines[0], TITLE_SIZE, WIDEST_TEXT, True)
    subtitle = elide(lines[1], SUBTITLE_SIZE, WIDEST_TEXT)
    shape = elide(lines[2], SHAPE_SIZE, WIDEST_TEXT)
    tags = sum(tag_width(tag) + TAG_GAP for tag in tag_words)
    badge = text_width(badge_text, SHAPE_SIZE) + BADGE_DOT if badge_text else 0.0
    widths = [text_width(title, TITLE_SIZE, True) + (GAP + tags if tags else 0.0)]
    height = TITLE_LINE
    if subtitle:
        widths.append(text_width(subtitle, SUBTITLE_SIZE))
        height += SUBTITLE_LINE
    if badge:
        widths[-1] += GAP + badge
    if shape or heat_text:
        heat = text_width(heat_text, SHAPE_SIZE, True) + GAP if heat_text else 0.0
        widths.append(text_width(shape, SHAPE_SIZE) + heat)
        height += SHAPE_LINE
    width = TEXT_LEFT + max(widths) + TEXT_RIGHT + (HEAT_STRIP if heat_text is not None else 0.0)
    return BoxSize(_whole(max(width, LEAST_BOX_WIDTH)), height + 2 * PADDING, title, subtitle, shape)


def fitted(text: ContainerText) -> ContainerText:
    """Returns the words with title and subtitle no wider than they may be in a box."""
    title = elide(text.title, TITLE_SIZE, WIDEST_TEXT, True)
    return replace(text, title=title, subtitle=elide(text.subtitle, SUBTITLE_SIZE, WIDEST_TEXT))


def container_title_width(text: ContainerText, heat_text: str | None) -> float:
    """Returns the room that a container's title line needs, margins included."""
    width = 2 * CONTAINER_LEFT + text_width(text.title, TITLE_SIZE, True)
    if text.subtitle:
        width += CONTAINER_GAP + text_width(text.subtitle, SUBTITLE_SIZE)
    if heat_text:
        width += CONTAINER_GAP + HEAT_SWATCH + text_width(heat_text, SHAPE_SIZE, True)
    return _whole(width)


def _whole(width: float) -> float:
    """Rounded up to an even number of pixels: boxes line up, and equal blocks stay equal."""
    return 2.0 * -(-width // 2.0)

"""One box of an SVG."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from graphviz_nn.export.svg_style import CATEGORY_CLASS
from graphviz_nn.export.xml import escape, number
from graphviz_nn.scene import metrics
from graphviz_nn.scene.scene import Heat, ParameterBadge, SceneBox
from graphviz_nn.scene.theme import heat_colour

_RADIUS: Final = 6.0
_SOURCE_RADIUS: Final = 13.0
_BASELINE: Final = 0.78
"""Where in a line of text its base line is, as a share of the line's height."""

_ALARMS: Final = frozenset({metrics.MARK_WORDS["error"], metrics.MARK_WORDS["nonfinite"]})


class _Look(NamedTuple):
    """Everything about a box but its place and tooltip."""

    width: float
    height: float
    role: str
    colour: str
    title: str
    subtitle: str
    shape: str
    parameters: ParameterBadge | None
    heat: Heat | None
    marks: tuple[str, ...]
    repeat: int
    looped: bool
    colour_map: str

    @property
    def card(self) -> tuple[float, float]:
        """Width and height of the front card: the cards behind a folded run stick out of it."""
        stack = metrics.STACK if self.repeat > 1 else 0.0
        return self.width - stack, self.height - stack

    @property
    def radius(self) -> float:
        return _SOURCE_RADIUS if self.role == "source" else _RADIUS

    @property
    def alarming(self) -> bool:
        return "nonfinite" in self.marks

    @property
    def right(self) -> float:
        """Where what stands at the right ends."""
        strip = metrics.HEAT_STRIP if self.heat is not None or self.alarming else 0.0
        return self.card[0] - metrics.TEXT_RIGHT - strip


def box_markup(box: SceneBox, tooltip: str, colour_map: str) -> str:
    """Returns the box as one group, with its tooltip, which is escaped; `colour_map` is that of the scene's scale."""
    rect = box.rect
    look = (
        rect.width, rect.height, box.role, CATEGORY_CLASS[box.category], box.title, box.subtitle, box.shape,
        box.parameters, box.heat, box.marks, box.repeat, box.looped, colour_map,
    )  # fmt: skip
    place = f"{number(rect.x)} {number(rect.y)}"
    return f'<g id="{box.key}" transform="translate({place})"><title>{tooltip}</title>{_body(look)}</g>'


@lru_cache(maxsize=4096)
def _body(fields: tuple[Any, ...]) -> str:
    """Equal boxes, of which a deep network has many, are written once. `fields` are those of a look."""
    look = _Look(*fields)
    width, height = look.card
    parts = []
    if look.repeat > 1:
        parts += [_card(look, metrics.STACK), _card(look, metrics.STACK / 2)]
    parts.append(_card(look, 0.0))
    if look.role != "source":
        parts.append(_stripe(height, look.colour))
    if look.heat is not None or look.alarming:
        parts.append(_heat_strip(look))
    if "error" in look.marks:
        parts.append(f'<rect class="q" width="{number(width)}" height="{number(height)}" rx="{number(look.radius)}"/>')
    parts += _texts(look)
    parts += _tags(look)
    return "".join(parts)


def _card(look: _Look, offset: float) -> str:
    width, height = look.card
    place = f'x="{number(offset)}" y="{number(offset)}" ' if offset else ""
    size = f'width="{number(width)}" height="{number(height)}"'
    return f'<rect class="{look.colour}" {place}{size} rx="{number(look.radius)}"/>'


def _stripe(height: float, colour: str) -> str:
    """The left edge in the category's strong colour, rounded like the box."""
    low, bottom, right = number(height - _RADIUS), number(height), number(metrics.STRIPE)
    return f'<path class="{colour}s" d="M6 0A6 6 0 0 0 0 6V{low}A6 6 0 0 0 6 {bottom}H{right}V0Z"/>'


def _heat_strip(look: _Look) -> str:
    """The right edge in the heat's colour; hatched where the number leaves out NaN or ±Inf."""
    width, height = look.card
    left, turn, low = number(width - metrics.HEAT_STRIP), number(width - _RADIUS), number(height - _RADIUS)
    right = number(width)
    shape = f'd="M{left} 0H{turn}A6 6 0 0 1 {right} 6V{low}A6 6 0 0 1 {turn} {number(height)}H{left}Z"'
    fill = heat_colour(round(look.heat.fraction, 2), look.colour_map) if look.heat is not None else "none"
    return f'<path fill="{fill}" {shape}/>' + (f'<path fill="url(#hatch)" {shape}/>' if look.alarming else "")


def _texts(look: _Look) -> Iterator[str]:
    left, right = number(metrics.TEXT_LEFT), number(look.right)
    y = metrics.PADDING + metrics.TITLE_LINE * _BASELINE
    yield f'<text class="t" x="{left}" y="{number(y)}">{escape(look.title)}</text>'
    if look.subtitle:
        y += metrics.SUBTITLE_LINE
        yield f'<text class="u" x="{left}" y="{number(y)}">{escape(look.subtitle)}</text>'
    if look.parameters is not None:
        dot = "●" if look.parameters.trained else "○"
        count = f'<tspan class="p">{dot}</tspan> {look.parameters.text}'
        yield f'<text class="v e" x="{right}" y="{number(y)}">{count}</text>'
    y += metrics.SHAPE_LINE
    if look.shape:
        yield f'<text class="v" x="{left}" y="{number(y)}">{escape(look.shape)}</text>'
    if look.heat is not None:
        yield f'<text class="n e" x="{right}" y="{number(y)}">{escape(look.heat.text)}</text>'


def _tags(look: _Look) -> Iterator[str]:
    """Pills at the right of the title line, the first one leftmost."""
    right, top, height = look.right, metrics.PADDING, metrics.TITLE_LINE - 2.0
    size = f'height="{number(height)}" rx="{number(height / 2)}"'
    for text in reversed(metrics.tag_texts(look.marks, look.repeat, look.looped)):
        width = metrics.tag_width(text)
        left, middle = right - width, right - width / 2
        colour = "x" if text in _ALARMS else "o"
        yield f'<rect class="{colour}" x="{number(left)}" y="{number(top)}" width="{number(width)}" {size}/>'
        yield f'<text class="g xt" x="{number(middle)}" y="{number(top + height * 0.74)}">{text}</text>'
        right = left - metrics.TAG_GAP

"""Boxes as the SVG exporter draws them: card, stripe, heat, words, tags, badge."""

from __future__ import annotations

from typing import Final, NamedTuple

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap

from graphviz_nn.scene import metrics
from graphviz_nn.scene.tables import MARK_BITS, ROLES, TRAINED
from graphviz_nn_ui.canvas.colours import NO_HEAT, Colours
from graphviz_nn_ui.canvas.detail import Detail
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.words import Style, Words

RADIUS: Final = 6.0
SOURCE_RADIUS: Final = 13.0
_BASELINE: Final = 0.78
_BLEED: Final = 2.0
"""Room around a card's sprite for its border."""

_SOURCE: Final = ROLES.index("source")
_TAGS: Final = ("error", "loss", "output")
_ALARMING: Final = frozenset({metrics.MARK_WORDS["error"], metrics.MARK_WORDS["nonfinite"]})
_SPRITES_KEPT: Final = 3000


class Card(NamedTuple):
    """All that tells one card from another, but its words."""

    width: float
    height: float
    category: int
    source: bool
    stacked: bool
    heat: int
    alarming: bool
    failed: bool
    pending: bool
    arrived: bool


class BoxPainter:
    """Paints boxes; `sprites` keeps painted cards, for a canvas that paints the same ones again and again.

    Cards are kept from the second frame at a magnification on: while it changes, none would be painted twice.
    """

    def __init__(self, words: Words, sprites: bool = True) -> None:
        self._words = words
        self._keeps = sprites
        self._sprites: dict[Card, QPixmap] | None = None
        self._made_for: tuple[float, float, Colours] | None = None

    def begin(self, painter: QPainter, scale: float, colours: Colours) -> None:
        """A frame at a magnification begins."""
        wanted = (scale, painter.device().devicePixelRatioF(), colours)  # type: ignore[union-attr]  # it paints on something
        if self._keeps and wanted == self._made_for:
            self._sprites = {} if self._sprites is None else self._sprites
        else:
            self._sprites, self._made_for = None, wanted

    def paint(
        self,
        painter: QPainter,
        drawing: Drawing,
        box: int,
        place: QPointF,
        scale: float,
        colours: Colours,
        detail: Detail,
        share: float = 1.0,
    ) -> None:
        """Paints a box, `share` (0…1) of it, with its top left corner at `place` in the device's coordinates."""
        card = card_of(drawing, box)
        painter.setOpacity(_opacity(card, bool(drawing.hidden[box])) * share)
        if self._sprites is None:
            painter.save()
            painter.translate(place)
            painter.scale(scale, scale)
            paint_card(painter, card, colours)
        else:
            painter.drawPixmap(place - QPointF(_BLEED, _BLEED) * scale, self._sprite(card, scale, colours))
            painter.save()
            painter.translate(place)
            painter.scale(scale, scale)
        if detail.title > 0.0:
            opacity = painter.opacity()
            painter.setOpacity(opacity * detail.title)
            self._paint_title(painter, drawing, box, card, colours)
            if detail.rest > 0.0:
                painter.setOpacity(opacity * detail.rest)
                self._paint_rest(painter, drawing, box, card, colours)
        painter.restore()
        painter.setOpacity(1.0)

    def _sprite(self, card: Card, scale: float, colours: Colours) -> QPixmap:
        assert self._sprites is not None
        assert self._made_for is not None
        if len(self._sprites) > _SPRITES_KEPT:
            self._sprites.clear()
        sprite = self._sprites.get(card)
        if sprite is None:
            ratio = self._made_for[1]
            zoom = scale * ratio
            size = QSize(int((card.width + 2 * _BLEED) * zoom) + 2, int((card.height + 2 * _BLEED) * zoom) + 2)
            sprite = QPixmap(size)
            sprite.setDevicePixelRatio(ratio)
            sprite.fill(Qt.GlobalColor.transparent)
            painter = QPainter(sprite)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(scale, scale)
            painter.translate(_BLEED, _BLEED)
            paint_card(painter, card, colours)
            painter.end()
            self._sprites[card] = sprite
        return sprite

    def _paint_title(self, painter: QPainter, drawing: Drawing, box: int, card: Card, colours: Colours) -> None:
        boxes = drawing.tables.boxes
        right = card.width - metrics.TEXT_RIGHT - (metrics.STACK if card.stacked else 0.0)
        right -= metrics.HEAT_STRIP if drawing.tables.heat else 0.0
        base = metrics.PADDING + metrics.TITLE_LINE * _BASELINE
        painter.setPen(colours.ink)
        self._words.paint(painter, metrics.TEXT_LEFT, base, boxes.titles[box], Style.TITLE)
        marks = tuple(mark for mark in _TAGS if boxes.marks[box] & MARK_BITS[mark])
        for text in reversed(metrics.tag_texts(marks, int(boxes.repeats[box]), bool(boxes.looped[box]))):
            right = self._paint_tag(painter, right, text, colours) - metrics.TAG_GAP

    def _paint_tag(self, painter: QPainter, right: float, text: str, colours: Colours) -> float:
        """Paints a pill that ends at `right`; returns where it begins."""
        width, height = metrics.tag_width(text), metrics.TITLE_LINE - 2.0
        rect = QRectF(right - width, metrics.PADDING, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.alarm if text in _ALARMING else colours.accent)
        painter.drawRoundedRect(rect, height / 2, height / 2)
        painter.setPen(colours.canvas)
        inset = (width - self._words.width(text, Style.TAG)) / 2
        self._words.paint(painter, rect.x() + inset, rect.y() + height * 0.74, text, Style.TAG)
        return right - width

    def _paint_rest(self, painter: QPainter, drawing: Drawing, box: int, card: Card, colours: Colours) -> None:
        boxes = drawing.tables.boxes
        subtitle, shape, heat = boxes.subtitles[box], boxes.shapes[box], drawing.heat_text(box)
        right = card.width - metrics.TEXT_RIGHT - (metrics.STACK if card.stacked else 0.0)
        right -= metrics.HEAT_STRIP if drawing.tables.heat else 0.0
        base = metrics.PADDING + metrics.TITLE_LINE * _BASELINE
        painter.setPen(colours.muted)
        if subtitle:
            base += metrics.SUBTITLE_LINE
            self._words.paint(painter, metrics.TEXT_LEFT, base, subtitle, Style.SUBTITLE)
        if boxes.badges[box]:
            self._paint_badge(painter, right, base, boxes.badge_texts[box], boxes.badges[box] == TRAINED, colours)
        base += metrics.SHAPE_LINE
        if shape:
            painter.setPen(colours.muted)
            self._words.paint(painter, metrics.TEXT_LEFT, base, shape, Style.SHAPE)
        if heat:
            painter.setPen(colours.ink)
            self._words.paint_ending(painter, right, base, heat, Style.NUMBER)

    def _paint_badge(
        self, painter: QPainter, right: float, base: float, text: str, trained: bool, colours: Colours
    ) -> None:
        """The number of parameters behind a dot, which is hollow where none of them is trained."""
        left = self._words.paint_ending(painter, right, base, text, Style.SHAPE)
        painter.setPen(QPen(colours.parameter, 1.2))
        painter.setBrush(colours.parameter if trained else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(left - metrics.BADGE_DOT + 4.0, base - 3.6), 3.0, 3.0)


def card_of(drawing: Drawing, box: int) -> Card:
    """Returns what the card of a box looks like."""
    boxes = drawing.tables.boxes
    width, height = boxes.rects[box, 2:].tolist()
    return Card(
        width,
        height,
        int(boxes.categories[box]),
        boxes.roles[box] == _SOURCE,
        boxes.repeats[box] > 1,
        int(drawing.heat[box]),
        bool(drawing.alarms[box]) and drawing.tables.heat,
        bool(boxes.marks[box] & MARK_BITS["error"]),
        bool(drawing.pending[box]),
        bool(drawing.arrived[box]),
    )


def paint_card(painter: QPainter, card: Card, colours: Colours) -> None:
    """Paints a card, unscaled, with its top left corner at the origin."""
    stack = metrics.STACK if card.stacked else 0.0
    width, height = card.width - stack, card.height - stack
    radius = SOURCE_RADIUS if card.source else RADIUS
    radius = min(radius, height / 2)
    edge = _edge(card, colours)
    painter.setPen(QPen(colours.line[card.category], 1.0) if edge is None or stack else Qt.PenStyle.NoPen)
    painter.setBrush(colours.soft[card.category])
    for offset in (stack, stack / 2, 0.0) if stack else (0.0,):
        painter.drawRoundedRect(QRectF(offset, offset, width, height), radius, radius)
    body = QRectF(0.0, 0.0, width, height)
    if not card.source:
        _paint_edge(painter, body, radius, 0.0, metrics.STRIPE, QBrush(colours.strong[card.category]))
    left = width - metrics.HEAT_STRIP
    if card.heat != NO_HEAT:
        _paint_edge(painter, body, radius, left, width, QBrush(colours.table[card.heat]))
    if card.alarming:
        _paint_edge(painter, body, radius, left, width, QBrush(colours.alarm, Qt.BrushStyle.BDiagPattern))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if edge is not None:
        painter.setPen(QPen(edge, 1.8))
        painter.drawRoundedRect(QRectF(0.0, 0.0, width, height), radius, radius)


def _opacity(card: Card, hidden: bool) -> float:
    """What has no value yet is dimmed, but for the call that failed, which never gets one."""
    if hidden:
        return 0.16
    return 0.4 if card.pending and not card.failed else 1.0


def _edge(card: Card, colours: Colours) -> QColor | None:
    """A failed call is edged in red, one whose gradient has arrived in the colour of the backward pass."""
    if card.failed:
        return colours.alarm
    return colours.theme.backward if card.arrived else None


def _paint_edge(painter: QPainter, body: QRectF, radius: float, left: float, right: float, brush: QBrush) -> None:
    """Fills a card between two of its uprights, within its round corners."""
    painter.save()
    painter.setClipRect(QRectF(left, -1.0, right - left, body.height() + 2.0), Qt.ClipOperation.IntersectClip)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    painter.drawRoundedRect(body, radius, radius)
    painter.restore()

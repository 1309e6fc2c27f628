"""Text on the canvas: laid out once, painted at any magnification."""

from __future__ import annotations

from enum import Enum
from typing import Final

from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QFont, QGlyphRun, QPainter, QTextLayout, QTextOption

from graphviz_nn.scene import metrics

_FAMILIES: Final = ("Inter", "Segoe UI", "Helvetica Neue", "Helvetica", "Arial", "DejaVu Sans")
_KEPT: Final = 20_000


class Style(Enum):
    """Size in pixels of the unscaled picture, and whether it is bold."""

    TITLE = (metrics.TITLE_SIZE, True)
    SUBTITLE = (metrics.SUBTITLE_SIZE, False)
    SHAPE = (metrics.SHAPE_SIZE, False)
    NUMBER = (metrics.SHAPE_SIZE, True)
    TAG = (metrics.TAG_SIZE, True)
    LABEL = (metrics.LABEL_SIZE, False)

    __hash__ = object.__hash__  # that of names runs as Python code, for each text that is painted


class Words:
    """Paints texts, and keeps their glyphs: laying a text out takes ten times as long as painting it."""

    def __init__(self) -> None:
        self._fonts = {style: _font(style) for style in Style}
        self._laid_out: dict[tuple[str, Style], tuple[list[QGlyphRun], float]] = {}

    def paint(self, painter: QPainter, x: float, base: float, text: str, style: Style) -> float:
        """Paints a text that begins at `x` on the base line `base`, with the painter's pen; returns its width."""
        runs, width = self._glyphs(text, style)
        at = QPointF(x, base)
        for run in runs:
            painter.drawGlyphRun(at, run)
        return width

    def paint_ending(self, painter: QPainter, right: float, base: float, text: str, style: Style) -> float:
        """Paints a text that ends at `right`; returns where it begins."""
        runs, width = self._glyphs(text, style)
        at = QPointF(right - width, base)
        for run in runs:
            painter.drawGlyphRun(at, run)
        return right - width

    def width(self, text: str, style: Style) -> float:
        return self._glyphs(text, style)[1]

    def _glyphs(self, text: str, style: Style) -> tuple[list[QGlyphRun], float]:
        found = self._laid_out.get((text, style))
        if found is None:
            if len(self._laid_out) > _KEPT:
                self._laid_out.clear()
            found = self._laid_out[text, style] = self._lay_out(text, style)
        return found

    def _lay_out(self, text: str, style: Style) -> tuple[list[QGlyphRun], float]:
        layout = QTextLayout(text, self._fonts[style])
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        layout.setTextOption(option)
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()
        if not line.isValid():
            return [], 0.0
        runs = layout.glyphRuns()
        for run in runs:
            run.setPositions([QPointF(each.x(), each.y() - line.ascent()) for each in run.positions()])
        return runs, line.naturalTextWidth()


def _font(style: Style) -> QFont:
    size, bold = style.value
    font = QFont()
    font.setFamilies(list(_FAMILIES))
    # Whole pixels are all that a font takes; a tenth of them is lost on shapes and labels.
    font.setPixelSize(round(size))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font

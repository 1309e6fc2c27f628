"""What stands in the corners of the canvas: cards that can be folded to their title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPen, QPolygonF
from PyQt6.QtWidgets import QWidget

from graphviz_nn_ui.viewmodels.look import FOLDED, OPEN
from graphviz_nn_ui.widgets.theme import theme_of

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_PADDING: Final = 8.0
_ARROW: Final = 4.0


class Corner(QWidget):
    """A card with a title; a click on it folds the card, which the look remembers.

    Attributes:
        field: of the look, that says whether it is folded.
        wanted: whether it is shown at all.
    """

    def __init__(self, canvas: Canvas, title: str, field: str) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._title = title
        self.field = field
        self.wanted = True
        self.setAccessibleName(title)
        self.setMouseTracking(True)
        self.hide()

    @property
    def folded(self) -> bool:
        """Whether only its title is seen."""
        return bool(getattr(self._canvas.workspace.look, self.field) == FOLDED)

    def fold(self) -> None:
        """Folds the card, or unfolds it."""
        self._canvas.workspace.look.set(self.field, OPEN if self.folded else FOLDED)

    @property
    def title_height(self) -> float:
        return QFontMetricsF(self.small_font()).height() + 8.0

    @property
    def title_width(self) -> float:
        """The width of the card where it is folded."""
        return QFontMetricsF(self.small_font()).horizontalAdvance(self._title) + 2 * _PADDING + 4 * _ARROW

    def small_font(self) -> QFont:
        font = self.font()
        font.setPointSizeF(max(font.pointSizeF() * 0.88, 7.0))
        return font

    def paint_card(self, painter: QPainter) -> None:
        """Paints the ground, which nothing shines through, and the title."""
        theme = theme_of(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.line, 1.0))
        ground = QColor(theme.raised)
        ground.setAlphaF(0.97)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.muted)
        middle = QPointF(_PADDING + _ARROW, self.title_height / 2)
        ends = [(-0.5, -1.0), (0.7, 0.0), (-0.5, 1.0)] if self.folded else [(-1.0, -0.5), (1.0, -0.5), (0.0, 0.7)]
        painter.drawPolygon(QPolygonF([middle + QPointF(x, y) * _ARROW for x, y in ends]))
        painter.setFont(self.small_font())
        painter.setPen(theme.muted)
        place = QRectF(_PADDING + 3.5 * _ARROW, 0.0, self.width(), self.title_height)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self._title)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None and event.position().y() < self.title_height:
            self.fold()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        if event is not None:
            over_title = event.position().y() < self.title_height
            self.setCursor(Qt.CursorShape.PointingHandCursor if over_title else Qt.CursorShape.ArrowCursor)

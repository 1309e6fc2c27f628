"""What part of the picture the canvas looks at."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QPointF, QRectF, QSizeF

LARGEST: Final = 4.0
READABLE: Final = 1.0
_MARGIN: Final = 44.0
_HARD_TO_READ: Final = 0.5
_EASY_TO_READ: Final = 0.8
_KEPT_IN_VIEW: Final = 60.0
_BESIDE: Final = 8.0
_NAME: Final = QSizeF(120.0, 24.0)
"""Pixels that the name of a module takes about."""


class Camera:
    """A place in the picture and a magnification.

    Attributes:
        scale: pixels of the canvas per pixel of the unscaled picture.
        x, y: point of the picture at the canvas's top left corner.
        width, height: of the canvas.
        world: size of the picture.
        covered: parts of the canvas, in its pixels, where something stands over the picture.
    """

    def __init__(self) -> None:
        self.scale = 1.0
        self.x = self.y = 0.0
        self.width = self.height = 1.0
        self.world = (1.0, 1.0)
        self.covered: list[QRectF] = []

    @property
    def view(self) -> QRectF:
        """What is seen, in the picture's coordinates."""
        return QRectF(self.x, self.y, self.width / self.scale, self.height / self.scale)

    @property
    def sees_all(self) -> bool:
        """Whether the whole picture is on the canvas."""
        return self.view.contains(QRectF(0, 0, *self.world))

    @property
    def smallest(self) -> float:
        """The scale at which the whole picture is a little smaller than the canvas."""
        return min(self._fitting(QRectF(0, 0, *self.world)) * 0.7, 0.7)

    def to_screen(self, x: float, y: float) -> QPointF:
        return QPointF((x - self.x) * self.scale, (y - self.y) * self.scale)

    def to_world(self, point: QPointF) -> QPointF:
        return QPointF(self.x + point.x() / self.scale, self.y + point.y() / self.scale)

    def rect_to_screen(self, rect: QRectF) -> QRectF:
        return QRectF(self.to_screen(rect.x(), rect.y()), rect.size() * self.scale)

    def pan(self, dx: float, dy: float) -> None:
        """Moves the picture by so many pixels of the canvas."""
        self.x -= dx / self.scale
        self.y -= dy / self.scale
        self.clamp()

    def zoom(self, factor: float, at: QPointF) -> None:
        """Magnifies around a point of the canvas, which stays where it is."""
        fixed = self.to_world(at)
        self.scale = min(max(self.scale * factor, self.smallest), LARGEST)
        self.x, self.y = fixed.x() - at.x() / self.scale, fixed.y() - at.y() / self.scale
        self.clamp()

    def fit(self, rect: QRectF | None = None, largest: float = READABLE) -> None:
        """Shows a part of the picture, or all of it, whole and in the middle."""
        rect = rect or QRectF(0, 0, *self.world)
        self.scale = min(max(self._fitting(rect), self.smallest), largest)
        self.center(rect.center())
        self._step_aside(rect)

    def first_look(self, taken_left: float) -> None:
        """Shows all of the picture where it can be read, or else its beginning; beside what covers so many pixels at
        the left, where there is room."""
        self.fit()
        if self.scale < _HARD_TO_READ:
            self.scale = _EASY_TO_READ
            self.center(QPointF(self.world[0] / 2, self.height / 2 / self.scale - _MARGIN * 2))
        left, width = self.to_screen(0.0, 0.0).x(), self.world[0] * self.scale
        if left < taken_left and taken_left + width < self.width - _MARGIN / 2:
            self.pan(taken_left - left, 0.0)

    def center(self, point: QPointF) -> None:
        self.x = point.x() - self.width / self.scale / 2
        self.y = point.y() - self.height / self.scale / 2
        self.clamp()

    def center_where_all_is_seen(self) -> tuple[float, float]:
        """Has the picture stand in the middle across each side on which all of it has room; returns how far in the
        picture's coordinates that moved the camera."""
        before, (width, height) = (self.x, self.y), self.world
        if width * self.scale <= self.width:
            self.x = (width - self.width / self.scale) / 2
        if height * self.scale <= self.height:
            self.y = (height - self.height / self.scale) / 2
        return self.x - before[0], self.y - before[1]

    def sees(self, rect: QRectF, margin: float = 0.0) -> bool:
        """Whether all of a rectangle is on the canvas, `margin` pixels from its edges, and nothing stands over it."""
        place = self.rect_to_screen(rect)
        inside = QRectF(0, 0, self.width, self.height).adjusted(margin, margin, -margin, -margin)
        return inside.contains(place) and not any(place.intersects(each) for each in self.covered)

    def bring(self, rect: QRectF, margin: float = 0.0) -> bool:
        """Moves the picture so that it sees a rectangle, or the upper left of one that is too large; returns whether
        it had to move."""
        room = QSizeF(max(self.width - 2 * margin, 1.0), max(self.height - 2 * margin, 1.0)) / self.scale
        part = QRectF(rect.topLeft(), rect.size().boundedTo(room))
        if self.sees(part, margin):
            return False
        before = self.x, self.y
        self.center(part.center())
        self._step_aside(part)
        self._uncover_corner(part)
        return (self.x, self.y) != before

    def _step_aside(self, rect: QRectF) -> None:
        """Moves a rectangle out from under what covers it, the shortest way, where there is room for it."""
        place, canvas = self.rect_to_screen(rect), QRectF(0, 0, self.width, self.height)
        over = [each for each in self.covered if each.intersects(place)]
        ways = [
            way
            for each in over
            for way in (
                QPointF(each.right() + _BESIDE - place.left(), 0.0),
                QPointF(each.left() - _BESIDE - place.right(), 0.0),
                QPointF(0.0, each.top() - _BESIDE - place.bottom()),
                QPointF(0.0, each.bottom() + _BESIDE - place.top()),
            )
            if canvas.contains(place.translated(way))
            and not any(other.intersects(place.translated(way)) for other in self.covered)
        ]
        if ways:
            way = min(ways, key=QPointF.manhattanLength)
            self.pan(way.x(), way.y())

    def _uncover_corner(self, rect: QRectF) -> None:
        """Moves a rectangle that is too large to step aside down, where something stands over its upper left corner: a
        module has its name there."""
        corner = QRectF(self.rect_to_screen(rect).topLeft(), _NAME)
        self.pan(
            0.0,
            max(
                (each.bottom() + _BESIDE - corner.y() for each in self.covered if each.intersects(corner)), default=0.0
            ),
        )

    def clamp(self) -> None:
        """Keeps some of the picture in sight."""
        width, height = self.width / self.scale, self.height / self.scale
        kept = _KEPT_IN_VIEW / self.scale
        self.x = min(max(self.x, kept - width), self.world[0] - kept)
        self.y = min(max(self.y, kept - height), self.world[1] - kept)

    def _fitting(self, rect: QRectF) -> float:
        across = max(self.width - 2 * _MARGIN, 1.0) / max(rect.width(), 1.0)
        along = max(self.height - 2 * _MARGIN, 1.0) / max(rect.height(), 1.0)
        return min(across, along)

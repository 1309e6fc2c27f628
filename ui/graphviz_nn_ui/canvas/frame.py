"""One frame of the canvas: the picture, and over it what a person looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter

from graphviz_nn.layout.geometry import DOWN
from graphviz_nn_ui.canvas import decorations
from graphviz_nn_ui.canvas.callouts import paint_callouts
from graphviz_nn_ui.canvas.colours import Colours
from graphviz_nn_ui.canvas.drawing import Codes, Drawing, Flags
from graphviz_nn_ui.canvas.hits import BOX, CONTAINER
from graphviz_nn_ui.canvas.layer import Layer
from graphviz_nn_ui.canvas.overview import is_crowded
from graphviz_nn_ui.canvas.scene_painter import ScenePainter
from graphviz_nn_ui.canvas.standing import Standing

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_DIM: Final = 0.55
"""How much the picture fades behind ways that stand out."""

_FEW: Final = 3
"""Boxes whose state changed up to which they are painted alone."""

_NEARBY: Final = 0.3
"""Share of the canvas that a picture may be moved by at once to be worth keeping."""

_NEAR: Final = 4.0
"""Pixels around a part of the canvas from which borders reach into it."""

_BESIDE: Final = 240.0
"""Pixels beside a part of the canvas from which words reach into it."""


class FramePainter:
    """Paints the canvas from what it holds."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._scene = ScenePainter()
        self._layer = Layer()
        self._last: object = None
        self._state: tuple[Flags | Codes, ...] = ()
        self._corner = QPointF()

    def paint(self, painter: QPainter) -> None:
        canvas, colours = self._canvas, self._canvas.colours
        target = QRectF(canvas.rect())
        drawing = canvas.drawing
        if drawing is None:
            painter.fillRect(target, colours.canvas)
            self._paint_nothing(painter, target, colours)
            return
        self._align()
        view = canvas.camera.view
        if canvas.change is not None and canvas.change_clock.runs:
            fade = canvas.change.at(canvas.change_clock.share)
            self._scene.paint_fading(painter, drawing, fade, view, target, colours)
            self._scene.paint_titles(painter, drawing, view, target, colours, fade)
            self._paint_over(painter, drawing, Standing.moving(drawing, fade), colours)
            return
        overview = canvas.source.overview
        if overview is not None and is_crowded(drawing.tables, view):
            painter.fillRect(target, colours.canvas)
            overview.paint(painter, view, target, canvas.devicePixelRatioF(), colours)
        else:
            self._paint_scene(painter, drawing, view, target, colours)
            self._scene.paint_titles(painter, drawing, view, target, colours)
        self._paint_over(painter, drawing, Standing.at_rest(drawing), colours)

    def _paint_over(self, painter: QPainter, drawing: Drawing, standing: Standing, colours: Colours) -> None:
        """Paints what a person looks for, over boxes and containers where they stand."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ways(painter, drawing, standing, colours)
        self._paint_selection(painter, drawing, standing, colours)
        self._paint_pointer(painter, drawing, standing, colours)
        decorations.paint_badges(painter, drawing, standing, self._canvas.camera, self._scene.words, colours)
        self._paint_callouts(painter, drawing, standing, colours)

    def _paint_scene(self, painter: QPainter, drawing: Drawing, view: QRectF, target: QRectF, colours: Colours) -> None:
        """Paints the picture itself. Where it is the same as in the frame before, but for its place and the state of
        few boxes, it is kept."""
        camera, ratio = self._canvas.camera, self._canvas.devicePixelRatioF()
        key = drawing, drawing.numbers, colours, camera.scale, target, ratio
        way = view.topLeft() - self._corner
        near = abs(way.x()) < view.width() * _NEARBY and abs(way.y()) < view.height() * _NEARBY
        kept = key == self._last and near
        changed = self._changed(drawing, view) if kept else []

        def paint_part(on: QPainter, part: QRectF) -> None:
            around = part.adjusted(-_NEAR, -_NEAR, _NEAR, _NEAR).intersected(target)
            seen = QRectF(camera.to_world(around.topLeft()), around.size() / camera.scale)
            self._scene.paint(on, drawing, seen, around, colours, _BESIDE / camera.scale)

        if not kept or len(changed) > _FEW:
            self._layer.forget()
            self._scene.paint(painter, drawing, view, target, colours)
        else:
            origin = camera.to_screen(0.0, 0.0) * ratio
            self._layer.paint(painter, key, self._canvas.size(), ratio, origin.toPoint(), paint_part, changed)
        self._last, self._state, self._corner = key, drawing.state, view.topLeft()

    def _changed(self, drawing: Drawing, view: QRectF) -> list[QRectF]:
        """Where the boxes in view stand whose cards are others than in the frame before."""
        pairs = [pair for pair in zip(drawing.state, self._state, strict=True) if pair[0] is not pair[1]]
        if not pairs:
            return []
        boxes = drawing.tables.box_band.inside(*view.getCoords())
        differs = np.zeros(len(boxes), np.bool_)
        for now, before in pairs:
            differs |= now[boxes] != before[boxes]
        camera = self._canvas.camera
        rects = (
            decorations.rect_of(drawing.tables.boxes.rects, camera, box) for box in boxes[differs][: _FEW + 1].tolist()
        )
        return [rect.adjusted(-_NEAR, -_NEAR, _NEAR, _NEAR) for rect in rects]

    def _align(self) -> None:
        """Has the picture's origin stand on a whole pixel, so that boxes do not tremble while it is moved."""
        camera, ratio = self._canvas.camera, self._canvas.devicePixelRatioF()
        step = 1.0 / (camera.scale * ratio)
        camera.x, camera.y = round(camera.x / step) * step, round(camera.y / step) * step

    def _paint_nothing(self, painter: QPainter, target: QRectF, colours: Colours) -> None:
        painter.setPen(colours.muted)
        painter.drawText(target, Qt.AlignmentFlag.AlignCenter, self._canvas.empty_text)

    def _paint_ways(self, painter: QPainter, drawing: Drawing, standing: Standing, colours: Colours) -> None:
        canvas, theme = self._canvas, colours.theme
        if not canvas.ways:
            return
        veil = QColor(colours.canvas)
        veil.setAlphaF(_DIM)
        painter.fillRect(QRectF(canvas.rect()), veil)
        if not standing.rests:
            return
        camera, view = canvas.camera, canvas.camera.view
        ahead = [theme.forward] if canvas.upstream else []
        ahead += [theme.warning] if canvas.downstream else []
        for way, colour in zip(canvas.ways, ahead, strict=True):
            decorations.paint_way(painter, drawing, camera, way, colour, self._scene.words, colours)
            seen = [
                box
                for box in drawing.tables.box_band.inside(view.left(), view.top(), view.right(), view.bottom()).tolist()
                if box in way.boxes
            ]
            self._scene.paint_some(painter, drawing, seen, camera.scale, camera.to_screen(0.0, 0.0), colours)
            rects = (decorations.rect_of(standing.boxes, camera, box) for box in seen)
            decorations.paint_frames(painter, rects, colour, camera.scale, 1.6)

    def _paint_selection(self, painter: QPainter, drawing: Drawing, standing: Standing, colours: Colours) -> None:
        canvas, camera, found = self._canvas, self._canvas.camera, self._canvas.highlight
        accent = colours.accent
        if found.wires and standing.wires:
            painter.setOpacity(standing.wires)
            decorations.paint_way(painter, drawing, camera, found, accent, self._scene.words, colours)
            painter.setOpacity(1.0)
        rects = [decorations.rect_of(standing.boxes, camera, box) for box in found.boxes]
        rects += [decorations.rect_of(standing.areas, camera, place) for place in found.containers]
        decorations.paint_frames(painter, rects, accent, camera.scale)
        hovered = canvas.hovered
        if hovered is not None and hovered.kind in (BOX, CONTAINER) and standing.rests:
            table = standing.boxes if hovered.kind == BOX else standing.areas
            if hovered.place < len(table):
                faint = QColor(accent)
                faint.setAlphaF(0.55)
                rect = decorations.rect_of(table, camera, hovered.place)
                decorations.paint_frames(painter, [rect], faint, camera.scale, 1.2)

    def _paint_pointer(self, painter: QPainter, drawing: Drawing, standing: Standing, colours: Colours) -> None:
        canvas, pointer = self._canvas, self._canvas.pointer
        rect = pointer.rect_among(standing.boxes, standing.titles)
        if rect is None:
            return
        if canvas.pulse_clock.runs and standing.rests:
            share, colour = canvas.pulse_clock.share, pointer.colour(colours.theme)
            if pointer.wires:
                decorations.paint_pulse(painter, drawing, canvas.camera, pointer.wires, share, pointer.back, colour)
            else:
                decorations.paint_ring(painter, canvas.camera.rect_to_screen(rect), share, colour)
        decorations.paint_pointer(painter, canvas.camera.rect_to_screen(rect), canvas.camera.scale, colours)

    def _paint_callouts(self, painter: QPainter, drawing: Drawing, standing: Standing, colours: Colours) -> None:
        """Says what comes into the node at the cursor, and what goes out."""
        camera, pointer = self._canvas.camera, self._canvas.pointer
        rect = pointer.rect_among(standing.boxes, standing.titles)
        if rect is not None and pointer.callouts:
            place, bounds = camera.rect_to_screen(rect), QRectF(self._canvas.rect())
            words, covered, down = self._scene.words, camera.covered, drawing.tables.direction == DOWN
            paint_callouts(painter, place, pointer.callouts, camera.scale, words, colours, bounds, covered, down)

"""Pictures that give way to others, what is kept of a picture that only moves, where the legend stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter
from PyQt6.QtWidgets import QApplication

from graphviz_nn.model.structure import Structure
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.frame import FramePainter
from graphviz_nn_ui.canvas.hits import BOX, Hit
from graphviz_nn_ui.canvas.motion import Change
from graphviz_nn_ui.canvas.scene_painter import ScenePainter
from graphviz_nn_ui.commands.appearance import Appearance
from graphviz_nn_ui.viewmodels.document import Document
from tests.support.structures import resnet, transformer
from tests.ui.canvas.conftest import Stage

Open = Callable[[Path], Document]
OpenStructure = Callable[[Structure], Document]


@pytest.fixture
def pictures(stage: Stage, open_structure: OpenStructure) -> tuple[Drawing, Drawing, str]:
    """A picture with a closed module, one with the module open, and its key."""
    session = open_structure(transformer(3)).session
    session.set_expanded({"m0"})
    stage.settle()
    closed = stage.drawing
    key = next(filter(None, (stage.canvas.expanding.key_of(Hit(BOX, box)) for box in range(len(stage.titles)))))
    session.expand(key)
    stage.settle()
    return closed, stage.drawing, key


def _rect(table: np.ndarray, place: int | None) -> QRectF:
    assert place is not None
    return QRectF(*table[place].tolist())


def test_what_opens_comes_out_of_its_box(pictures: tuple[Drawing, Drawing, str]) -> None:
    closed, opened, key = pictures
    change = Change(closed, opened, (7.0, 3.0))
    box = _rect(closed.tables.boxes.rects, closed.box(key)).translated(7.0, 3.0)
    place = opened.container(key)
    table = opened.tables.containers
    assert place is not None
    inside = slice(int(table.first_box[place]), int(table.end_box[place]))
    assert _rect(change.at(0.0).container_rects, place) == box
    for share in (0.0, 0.3, 0.7, 1.0):
        fade = change.at(share)
        around = _rect(fade.container_rects, place).adjusted(-1e-6, -1e-6, 1e-6, 1e-6)
        middles = fade.rects[inside, :2] + fade.rects[inside, 2:] / 2
        assert all(around.contains(*middle) for middle in middles.tolist())
        assert (fade.fresh[inside] == share).all()
    assert (change.at(1.0).rects == opened.tables.boxes.rects).all()


def test_what_closes_goes_into_its_box(pictures: tuple[Drawing, Drawing, str]) -> None:
    closed, opened, key = pictures
    change = Change(opened, closed, (0.0, 0.0))
    began, ended = change.at(0.0).leaving, change.at(1.0).leaving
    assert began.drawing is opened
    assert (began.left, ended.left) == (1.0, 0.0)
    place = began.folded.areas.tolist().index(opened.container(key))
    assert _rect(began.folded.area_rects, place) == _rect(opened.tables.containers.rects, opened.container(key))
    assert _rect(ended.folded.area_rects, place) == _rect(closed.tables.boxes.rects, closed.box(key))
    assert began.folded.box_rects.tolist() == opened.tables.boxes.rects[began.folded.boxes].tolist()


def test_the_frame_of_what_closes_shrinks_to_its_box_and_wires_give_way(
    pictures: tuple[Drawing, Drawing, str],
) -> None:
    closed, opened, key = pictures
    change, box = Change(opened, closed, (0.0, 0.0)), closed.box(key)
    assert _rect(change.at(0.0).frames, box) == _rect(opened.tables.containers.rects, opened.container(key))
    assert _rect(change.at(1.0).frames, box) == _rect(closed.tables.boxes.rects, box)
    assert [(fade.leaving.wires, fade.wires) for fade in map(change.at, (0.0, 0.5, 1.0))] == [(1, 0), (0, 0), (0, 1)]


def test_selection_and_pointer_are_seen_on_their_way(stage: Stage, open_structure: OpenStructure) -> None:
    session = open_structure(transformer(3)).session
    session.set_expanded({"m0"})
    session.scrub(len(session.step.order) // 2)
    stage.settle()
    stage.canvas.animated = True
    colours = stage.canvas.colours.accent, stage.canvas.colours.theme.pointer
    stage.click("ln_f")
    session.expand("m1")
    stage._bot.waitUntil(lambda: stage.canvas.change is not None)
    moving = _pixels(stage.canvas.grab().toImage())
    assert stage.canvas.change is not None
    for colour in colours:
        wanted = [colour.blue(), colour.green(), colour.red()]
        assert np.count_nonzero(np.abs(moving - wanted).max(axis=2) < 30) > 40


def test_a_change_is_painted_and_comes_to_rest(stage: Stage, open_structure: OpenStructure) -> None:
    open_structure(resnet()).session.set_expanded({"m0"})
    stage.settle()
    stage.canvas.animated = True
    stage.canvas.expanding.open_all()
    stage.settle()
    assert stage.canvas.change is not None
    minimap = stage.canvas.minimap.geometry()
    moving = stage.canvas.grab().toImage()
    stage._bot.waitUntil(lambda: stage.canvas.change is None, timeout=5_000)
    assert stage.canvas.grab().toImage() != moving
    assert stage.canvas.minimap.geometry() != minimap


@pytest.mark.parametrize("scale", [0.12, 0.3, 0.4, 0.9])
def test_a_change_begins_and_ends_with_boxes_as_they_are_at_rest(
    stage: Stage, pictures: tuple[Drawing, Drawing, str], scale: float
) -> None:
    canvas, (closed, opened, _) = stage.canvas, pictures
    view = QRectF(0, 0, canvas.width() / scale, canvas.height() / scale)
    target = QRectF(canvas.rect())
    ground = QImage(canvas.size(), QImage.Format.Format_RGB32)
    ground.fill(canvas.colours.canvas)
    moving, resting = ground.copy(), ground.copy()
    scene = ScenePainter()
    painter = QPainter(moving)
    scene.paint_fading(painter, opened, Change(closed, opened, (0.0, 0.0)).at(1.0), view, target, canvas.colours)
    painter.end()
    painter = QPainter(resting)
    scene.paint(painter, opened, view, target, canvas.colours)
    painter.end()
    differs = np.abs(_pixels(moving) - _pixels(resting)).max(axis=2)
    # Labels of wires appear when the change has ended.
    assert np.count_nonzero(differs > 60) < differs.size * 0.01


@pytest.mark.parametrize("scale", [0.3, 0.75, 1.3])
def test_a_kept_picture_that_was_moved_is_the_one_painted_anew(
    stage: Stage, open_structure: OpenStructure, scale: float
) -> None:
    open_structure(resnet())
    stage.canvas.expanding.open_all()
    stage.settle()
    camera = stage.canvas.camera
    camera.scale = scale
    camera.center(QRectF(0, 0, *camera.world).center())
    for dx, dy in ((0, 0), (0, 0), (-40, 11), (3, -90), (55, 30), (0, 2000), (0, -2000)):
        camera.pan(dx, dy)
        stage.canvas.repaint()
    kept = _pixels(stage.canvas.grab().toImage())
    stage.canvas._painter = FramePainter(stage.canvas)
    differs = np.abs(kept - _pixels(stage.canvas.grab().toImage())).max(axis=2)
    # Cards stand on whole pixels where they are kept: a few pixels of their borders are of another shade.
    assert np.count_nonzero(differs > 60) < differs.size * 0.002


def test_a_kept_picture_shows_boxes_whose_state_changes(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    stage.canvas.animated = False
    session.scrub(4)
    for _ in range(3):
        stage.canvas.repaint()
    for seq in (5, 6, 9, len(session.step.order) // 2, len(session.step.order) // 2 + 2, 3):
        session.scrub(seq)
        kept = _pixels(stage.canvas.grab().toImage())
        stage.canvas._painter = FramePainter(stage.canvas)
        anew = _pixels(stage.canvas.grab().toImage())
        stage.canvas.repaint()
        assert np.count_nonzero(np.abs(kept - anew).max(axis=2) > 60) < kept[..., 0].size * 0.002


def _pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    data = image.constBits()
    assert data is not None
    return (
        np.frombuffer(data.asarray(image.sizeInBytes()), np.uint8).reshape(image.height(), -1, 4)[..., :3].astype(int)
    )


@pytest.mark.parametrize(("width", "height"), [(900, 700), (640, 480), (1500, 900)])
@pytest.mark.parametrize("direction", ["down", "right"])
def test_the_legend_covers_no_box_at_the_first_look(
    stage: Stage, open_structure: OpenStructure, width: int, height: int, direction: str
) -> None:
    stage.workspace.look.set("direction", direction)
    stage.canvas.resize(width, height)
    open_structure(resnet())
    legend, camera = stage.canvas.legend, stage.canvas.camera
    place = QRectF(legend.geometry())
    for rect in stage.drawing.tables.boxes.rects.tolist():
        assert not camera.rect_to_screen(QRectF(*rect)).intersects(place)
    legend.fold()
    stage.settle()
    assert legend.isVisible()


def test_words_of_the_legend_have_room_at_any_size(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    legend = stage.canvas.legend
    small = legend.sizeHint()
    font = legend.font()
    font.setPointSizeF(font.pointSizeF() + 5)
    legend.setFont(font)
    stage.canvas.tell_parts()
    assert legend.sizeHint().width() > small.width()
    assert legend.sizeHint().height() > small.height()
    assert legend.size() == legend.sizeHint()


@pytest.fixture
def appearance(stage: Stage, qapp: QApplication) -> Iterator[Appearance]:
    """The size of text of the application, which is the usual one again after the test."""
    appearance = Appearance(qapp, stage.workspace)
    usual = appearance.points
    yield appearance
    appearance.set_points(usual)


@pytest.mark.parametrize("width", [480, 520, 560, 600])
def test_the_legend_gives_way_where_larger_text_makes_it_cover_boxes(
    stage: Stage, open_file: Open, digits_run: Path, appearance: Appearance, width: int
) -> None:
    stage.canvas.resize(width, 700)
    open_file(digits_run)
    legend = stage.canvas.legend
    before = legend.font().pointSizeF()
    appearance.set_points(14)
    stage.settle()
    assert legend.font().pointSizeF() > before
    place = QRectF(legend.geometry())
    for rect in stage.drawing.tables.boxes.rects.tolist():
        assert not stage.canvas.camera.rect_to_screen(QRectF(*rect)).intersects(place)

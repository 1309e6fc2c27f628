"""What comes into view, what stands over the picture, what stays faded, Space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, QRectF, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.structure import Structure
from graphviz_nn.run import Run, load
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection
from graphviz_nn_ui.canvas.camera import Camera
from graphviz_nn_ui.canvas.view import Canvas
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_textbook import callouts
from graphviz_nn_ui.workspace import Workspace
from tests.support.runs import with_gradients
from tests.support.structures import resnet
from tests.ui.canvas.conftest import Stage

Open = Callable[[Path], Document]
OpenStructure = Callable[[Structure], Document]


@pytest.fixture
def far(stage: Stage, open_structure: OpenStructure) -> Stage:
    """A long picture, seen from its beginning."""
    open_structure(resnet())
    stage.canvas.expanding.open_all()
    stage.settle()
    stage.canvas.camera.scale = 1.0
    stage.canvas.camera.x = stage.canvas.camera.y = 0.0
    stage.canvas.moved()
    return stage


def _selected(stage: Stage) -> QRectF:
    rect = stage.canvas.selected_rect()
    assert rect is not None
    return rect


def test_what_is_selected_elsewhere_comes_into_view(far: Stage) -> None:
    session, camera = far.workspace.document.session, far.canvas.camera  # type: ignore[union-attr]
    structure = session.structure
    last = structure.nodes[-1]
    for selection in (
        NodeSelection(structure.by_name["layer4.1.conv2"].id),
        ModuleSelection("layer1.0.conv1"),
        EdgeSelection(last.inputs[0].node, last.inputs[0].output, last.id, 0),
        ModuleSelection("layer2.0.bn1"),
    ):
        session.select(selection)
        assert camera.sees(_selected(far)), selection


def test_a_module_larger_than_the_canvas_shows_its_beginning(far: Stage) -> None:
    session, camera = far.workspace.document.session, far.canvas.camera  # type: ignore[union-attr]
    camera.scale = 3.0
    session.select(ModuleSelection("layer3"))
    rect = _selected(far)
    assert not camera.sees(rect)
    assert camera.view.contains(rect.topLeft())


def test_a_click_moves_nothing(far: Stage) -> None:
    camera, boxes = far.canvas.camera, far.drawing.tables.boxes.rects
    camera.y = float(boxes[5, 1] + boxes[5, 3] / 2)
    hit = far.canvas.hit(camera.to_screen(float(boxes[5, 0] + 20), float(boxes[5, 1] + boxes[5, 3] - 2)))
    before = camera.x, camera.y
    far.canvas.click(hit)
    assert far.canvas.highlight.boxes == {5}
    assert (camera.x, camera.y) == before


def test_a_run_opens_at_what_was_asked_for(workspace: Workspace, qtbot: QtBot, qapp: QApplication) -> None:
    for ask in ("module", "cursor"):
        document = Document(Run(with_gradients(resnet())))
        session = document.session
        session.set_expanded({f"m{number}" for number in range(len(session.structure.module_calls))})
        if ask == "module":
            session.select(ModuleSelection("layer4.1"))
        else:
            events = session.step.order
            calls = (events.kind == EventKind.CALL) & (events.node == session.structure.by_name["layer4.1.conv2"].id)
            session.scrub(int(calls.argmax()))
        canvas = Canvas(workspace)
        qtbot.addWidget(canvas)
        canvas.resize(900, 700)
        canvas.show()
        workspace.show(document)
        qtbot.waitUntil(lambda: not workspace.jobs.tags, timeout=20_000)
        qapp.processEvents()
        assert canvas.drawing is not None
        rect = canvas.selected_rect() if ask == "module" else canvas.pointer.rect(canvas.drawing)
        assert rect is not None
        assert canvas.camera.view.contains(rect.topLeft())
        assert rect.top() > 700
        canvas.close()


def test_what_is_fitted_steps_aside() -> None:
    camera = Camera()
    camera.width, camera.height, camera.world = 900.0, 700.0, (400.0, 2_000.0)
    rect = QRectF(100, 1_000, 200, 500)
    camera.fit(rect)
    assert camera.sees(rect)
    camera.covered = [QRectF(10, 450, 420, 240)]
    assert not camera.sees(rect)
    camera.fit(rect)
    assert camera.sees(rect)
    camera.center(rect.center())
    assert camera.bring(rect)
    assert not camera.bring(rect)


def test_the_name_of_a_module_comes_out_from_under_what_covers_it() -> None:
    camera = Camera()
    camera.width, camera.height, camera.world = 900.0, 700.0, (900.0, 2_000.0)
    camera.covered = [QRectF(10, 10, 400, 28)]
    module = QRectF(12, 100, 880, 1_800)
    camera.bring(module, 12.0)
    assert camera.rect_to_screen(module).top() > 38.0
    assert not camera.bring(module, 12.0)


def test_a_picture_that_was_seen_whole_is_seen_whole_where_the_canvas_gets_small(
    stage: Stage, open_file: Open, digits_run: Path
) -> None:
    open_file(digits_run)
    canvas = stage.canvas
    canvas.fit()
    assert canvas.camera.sees_all
    canvas.resize(900, 420)
    assert canvas.camera.sees_all
    canvas.zoom(2.0)
    scale = canvas.camera.scale
    canvas.resize(900, 380)
    assert canvas.camera.scale == scale  # somebody looked closer: so it stays


def test_legend_and_map_fold_at_their_titles(far: Stage) -> None:
    canvas, look = far.canvas, far.workspace.look
    for part, field in ((canvas.legend, "legend"), (canvas.minimap, "minimap")):
        assert part.isVisible()
        open_height, covered = part.height(), sum(each.height() for each in canvas.camera.covered)
        QTest.mouseClick(part, Qt.MouseButton.LeftButton, pos=QPoint(12, 8))
        assert getattr(look, field) == "folded"
        assert part.height() < open_height / 2
        assert sum(each.height() for each in canvas.camera.covered) < covered
        part.fold()
        assert part.height() == open_height


def test_a_click_on_the_legend_selects_nothing_below(far: Stage) -> None:
    far.click(far.titles[2])
    selection = far.canvas.selection
    assert selection is not None
    QTest.mouseClick(far.canvas.legend, Qt.MouseButton.LeftButton, pos=QPoint(40, far.canvas.legend.height() - 6))
    assert far.canvas.selection == selection


def test_what_was_faded_stays_faded(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    stage.canvas.set_hidden(stage.titles.index("conv"), True)
    stage.canvas.toggle("m2")
    stage.settle()
    assert not stage.drawing.hidden.any()
    stage.canvas.toggle("m2")
    stage.settle()
    assert [title for title, faded in zip(stage.titles, stage.drawing.hidden, strict=True) if faded] == ["conv"]
    stage.canvas.set_hidden(stage.titles.index("conv"), False)
    assert not stage.drawing.hidden.any()


def test_the_first_look_cannot_be_undone(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    assert "conv" in stage.titles
    assert not session.can_undo
    assert not session.undo()


def test_space_plays_where_it_does_not_drag(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    played: list[bool] = []
    stage.workspace.commands.add(Command("play.toggle", "Play", lambda: played.append(True), shortcut="Space"))
    QTest.keyClick(stage.canvas, Qt.Key.Key_Space)
    assert played == [True]
    before = stage.place_of("conv")
    QTest.keyPress(stage.canvas, Qt.Key.Key_Space)
    QTest.mousePress(stage.canvas, Qt.MouseButton.LeftButton, pos=before.toPoint())
    for step in (20, 60):
        QTest.mouseMove(stage.canvas, before.toPoint() + QPoint(step, 0))
    QTest.mouseRelease(stage.canvas, Qt.MouseButton.LeftButton, pos=before.toPoint() + QPoint(60, 0))
    QTest.keyRelease(stage.canvas, Qt.Key.Key_Space)
    assert played == [True]
    assert stage.place_of("conv").x() == pytest.approx(before.x() + 60, abs=2)
    assert session.selection is None


def test_callouts_tell_of_no_buffer(digits_run: Path) -> None:
    session = Document(load(digits_run)).session
    node = session.structure.by_name["block.norm"].id
    events = session.step.order
    session.scrub(int(((events.kind == EventKind.GRADIENT) & (events.node == node)).argmax()))
    lines = {line.symbol: line.text for line in callouts(session, None, node)}
    assert {"x", "W", "∂L/∂y", "y", "∂L/∂x", "∂L/∂W"} == lines.keys()
    assert "running" not in " ".join(lines.values())
    assert "never" not in " ".join(lines.values())
    assert lines["y"].startswith("×".join(map(str, session.structure.nodes[node].outputs[0].shape)))


def test_callouts_are_those_of_the_open_step(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    node = session.structure.by_name["block.conv"].id
    session.go_to_step(len(session.data.steps()) - 1)
    events = session.step.order
    session.scrub(int(((events.kind == EventKind.GRADIENT) & (events.node == node)).argmax()))
    former = [line.text for line in stage.canvas.pointer.callouts]
    session.previous_step()
    assert [line.text for line in stage.canvas.pointer.callouts] != former
    session.next_step()
    assert [line.text for line in stage.canvas.pointer.callouts] == former

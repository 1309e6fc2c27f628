"""Opening, expanding, looking around, selecting."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, QPointF, QRectF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtTest import QTest

from graphviz_nn.model.structure import Structure
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection
from graphviz_nn_ui.canvas.commands import add_canvas_commands
from graphviz_nn_ui.canvas.hits import BOX, CONTAINER, WIRE, Hit
from graphviz_nn_ui.canvas.menu import context_menu
from graphviz_nn_ui.canvas.tooltips import tooltip_text
from graphviz_nn_ui.viewmodels.document import Document
from tests.support.structures import StructureBuilder, resnet, transformer
from tests.ui.canvas.conftest import Stage

Open = Callable[[Path], Document]
OpenStructure = Callable[[Structure], Document]


def test_a_small_run_is_opened_whole(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    assert {"stem", "conv", "norm", "cross_entropy"} <= set(stage.titles)
    assert list(stage.drawing.tables.containers.titles) == ["DigitNet", "block", "head"]
    world = stage.canvas.camera.world
    assert stage.canvas.camera.view.contains(QPointF(world[0] / 2, world[1] - 1))


def test_double_clicks_close_and_open_and_undo_takes_it_back(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    stage.canvas.toggle("m2")
    stage.settle()
    assert "conv" not in stage.titles
    assert "block" in stage.titles
    before = stage.place_of("block")
    key = stage.key_of("block")
    stage.double_click("block")
    assert "conv" in stage.titles
    place = stage.drawing.container(key)
    assert place is not None
    corner = stage.canvas.camera.to_screen(*stage.drawing.tables.containers.rects[place, :2].tolist())
    assert (corner - before).manhattanLength() < 120
    session.undo()
    stage.settle()
    assert "conv" not in stage.titles
    session.redo()
    stage.settle()
    assert "conv" in stage.titles


def test_other_panels_open_modules_too(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    session.set_expanded({"m0"})
    stage.settle()
    assert stage.titles.count("block") == 1
    stage.workspace.reveal.emit(session.structure.by_name["block.conv"].id)
    stage.settle()
    assert "conv" in stage.titles
    assert session.selection == NodeSelection(session.structure.by_name["block.conv"].id)
    assert stage.drawing.tables.boxes.titles[min(stage.canvas.highlight.boxes)] == "conv"


def test_clicks_select_what_they_hit(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    stage.click("conv")
    assert session.selection == NodeSelection(session.structure.by_name["block.conv"].id)
    assert stage.canvas.highlight.wires
    assert stage.canvas.breadcrumb.place_text.startswith("DigitNet › block › conv › conv")
    title = stage.drawing.tables.containers.title_rects[1, :2].tolist()
    QTest.mouseClick(
        stage.canvas,
        Qt.MouseButton.LeftButton,
        pos=stage.canvas.camera.to_screen(title[0] + 20, title[1] + 10).toPoint(),
    )
    assert session.selection == ModuleSelection("block", 1)
    QTest.mouseClick(stage.canvas, Qt.MouseButton.LeftButton, pos=QPoint(890, 300))
    assert session.selection is None


def test_a_wire_is_selected_as_an_edge(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    wires = stage.drawing.tables.wires
    norm = stage.titles.index("norm")
    wire = stage.drawing.entering(norm)[0]
    x0, y0, x1, y1 = wires.pieces[wires.first_pieces[wire]].tolist()
    hit = stage.canvas.hit(stage.canvas.camera.to_screen((x0 + x1) / 2 + 1, (y0 + y1) / 2))
    assert hit == (WIRE, wire)
    stage.canvas.click(hit)
    nodes = session.structure.by_name
    assert session.selection == EdgeSelection(nodes["block.conv"].id, 0, nodes["block.norm"].id, 0)
    assert stage.canvas.highlight.wires == {wire}


def test_arrows_follow_the_wires(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    nodes = session.structure.by_name
    stage.click("conv")
    stage.press(Qt.Key.Key_Down)
    assert session.selection == NodeSelection(nodes["block.norm"].id)
    stage.press(Qt.Key.Key_Up)
    stage.press(Qt.Key.Key_Up)
    assert stage.drawing.tables.boxes.titles[min(stage.canvas.highlight.boxes)] == "relu"
    stage.press(Qt.Key.Key_Escape)
    assert session.selection is None


def test_enter_plus_and_minus_open_and_close_the_selection(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    session.select(ModuleSelection("block", 1))
    stage.press(Qt.Key.Key_Return)
    assert "conv" not in stage.titles
    stage.press(Qt.Key.Key_Plus)
    assert "conv" in stage.titles
    scale = stage.canvas.camera.scale
    stage.press(Qt.Key.Key_Plus)
    assert stage.canvas.camera.scale > scale
    stage.press(Qt.Key.Key_Minus)
    assert "conv" not in stage.titles


def test_the_wheel_magnifies_around_the_mouse(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    at = stage.place_of("conv")
    fixed = stage.canvas.camera.to_world(at)
    scale = stage.canvas.camera.scale
    buttons, modifiers, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, at, QPoint(), QPoint(0, 240), buttons, modifiers, phase, False)
    stage.canvas.wheelEvent(event)
    assert stage.canvas.camera.scale == pytest.approx(scale * 1.18**2)
    assert (stage.canvas.camera.to_world(at) - fixed).manhattanLength() < 1e-6


def test_a_drag_moves_the_picture_and_selects_nothing(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    before = stage.place_of("conv")
    QTest.mousePress(stage.canvas, Qt.MouseButton.LeftButton, pos=before.toPoint())
    for step in (10, 30, 60):
        QTest.mouseMove(stage.canvas, before.toPoint() + QPoint(step, step // 2))
    QTest.mouseRelease(stage.canvas, Qt.MouseButton.LeftButton, pos=before.toPoint() + QPoint(60, 30))
    assert (stage.place_of("conv") - before - QPointF(60, 30)).manhattanLength() < 2.0
    assert session.selection is None


def test_ancestors_and_descendants(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    stage.click("norm")
    stage.canvas.set_ways(True, True)
    titles = stage.drawing.tables.boxes.titles
    up, down = ({titles[box] for box in way.boxes} for way in stage.canvas.ways)
    assert {"images", "stem", "conv", "norm"} <= up
    assert "pool" not in up
    assert {"norm", "add", "pool", "cross_entropy"} <= down
    assert "conv" not in down


def test_commands_reach_the_picture(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    add_canvas_commands(stage.workspace, stage.canvas)
    commands = stage.workspace.commands
    commands["graph.collapse_all"].run()
    stage.settle()
    assert "conv" not in stage.titles
    commands["graph.expand_all"].run()
    stage.settle()
    assert "conv" in stage.titles
    assert session.can_undo
    tall = stage.drawing.tables.height > stage.drawing.tables.width
    commands["graph.direction"].run()
    stage.settle()
    assert tall
    assert stage.drawing.tables.width > stage.drawing.tables.height
    assert commands["graph.direction"].checked()
    commands["graph.show_all"].run()
    stage.settle()
    assert "weight" in " ".join(stage.titles)
    commands["view.legend"].run()
    assert not stage.canvas.legend.isVisible()


def test_the_menu_fits_what_is_under_the_mouse(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    session.set_expanded({"m0"})
    stage.settle()
    hit = stage.canvas.hit(stage.place_of("block"))
    assert hit is not None
    assert hit.kind == BOX
    actions = {action.text(): action for action in context_menu(stage.canvas, hit).actions() if action.text()}
    assert {"Expand", "Expand inside", "Run to here", "Set a breakpoint", "Copy the name"} <= actions.keys()
    actions["Set a breakpoint"].trigger()
    assert [(each.on, each.pattern) for each in session.breakpoints] == [("module", "block")]
    assert stage.drawing.stops[hit.place]
    actions["Expand"].trigger()
    stage.settle()
    assert "conv" in stage.titles
    container = stage.canvas.hit(stage.place_of("conv") - QPointF(0, 28))
    assert container is not None
    inside = [action.text() for action in context_menu(stage.canvas, container).actions()]
    if container.kind == CONTAINER:
        assert "Collapse" in inside


def test_tooltips_say_what_a_box_is(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    hit = stage.canvas.hit(stage.place_of("conv"))
    assert hit is not None
    text = tooltip_text(stage.canvas, hit)
    assert "block.conv" in text
    assert "gradient, L2 norm: " in text


def test_a_folded_chain_opens_one_by_one_or_all_at_once(stage: Stage, open_structure: OpenStructure) -> None:
    session = open_structure(transformer(5)).session
    session.set_expanded({"m0"})
    stage.settle()
    folded = next(place for place in range(len(stage.titles)) if stage.drawing.tables.boxes.repeats[place] == 5)
    assert len(stage.canvas.expanding.siblings(folded)) == 5
    key = stage.drawing.tables.boxes.key(folded)
    session.expand(key)
    stage.settle()
    assert sorted(stage.drawing.tables.boxes.repeats.tolist())[-1] == 4
    stage.canvas.source.set_folds(False)
    stage.settle()
    assert max(stage.drawing.tables.boxes.repeats.tolist()) == 1


def test_the_minimap_moves_the_view(stage: Stage, open_structure: OpenStructure) -> None:
    open_structure(resnet())
    stage.canvas.expanding.open_all()
    stage.settle()
    stage.canvas.camera.scale = 1.0
    stage.canvas.moved()
    stage.canvas._place_parts()
    minimap = stage.canvas.minimap
    assert minimap.isVisible()
    QTest.mouseClick(minimap, Qt.MouseButton.LeftButton, pos=QPoint(minimap.width() // 2, minimap.height() - 8))
    assert stage.canvas.camera.view.center().y() > stage.drawing.tables.height * 0.9


def test_a_picture_that_was_seen_whole_is_seen_whole_when_it_is_turned(
    stage: Stage, open_file: Open, digits_run: Path
) -> None:
    open_file(digits_run)
    stage.canvas.fit()
    stage.workspace.look.set("direction", "right")
    stage.settle()
    assert stage.drawing.tables.direction == "right"
    assert stage.canvas.camera.view.contains(QRectF(0, 0, *stage.canvas.camera.world))


@pytest.mark.parametrize("selected", [True, False])
def test_what_is_in_sight_stays_in_sight_when_the_picture_is_turned(
    stage: Stage, open_structure: OpenStructure, selected: bool
) -> None:
    open_structure(transformer(12)).session.set_expanded({f"m{number}" for number in range(60)})
    stage.settle()
    camera, tables = stage.canvas.camera, stage.drawing.tables
    box = len(tables.boxes) // 3
    camera.scale = 1.0
    camera.center(QRectF(*tables.boxes.rects[box].tolist()).center())
    if selected:
        camera.pan(-260.0, 140.0)
        stage.canvas.click(Hit(BOX, box))
    key, before = tables.boxes.key(box), camera.rect_to_screen(QRectF(*tables.boxes.rects[box].tolist()))
    stage.workspace.look.set("direction", "right")
    stage.settle()
    now = stage.drawing.box(key)
    assert now is not None
    after = camera.rect_to_screen(QRectF(*stage.drawing.tables.boxes.rects[now].tolist()))
    assert after.left() == pytest.approx(before.left(), abs=1.0)
    if camera.world[1] > camera.height:
        assert after.top() == pytest.approx(before.top(), abs=1.0)
    else:
        assert camera.to_screen(0.0, camera.world[1] / 2).y() == pytest.approx(camera.height / 2, abs=1.0)


def test_a_run_of_one_node(stage: Stage, open_structure: OpenStructure) -> None:
    builder = StructureBuilder()
    builder.input("x", (2, 3))
    open_structure(builder.build())
    assert stage.titles == ["x"]
    assert stage.canvas.grab().width() == 900


def test_nothing_open(stage: Stage) -> None:
    stage.canvas.grab()
    assert stage.canvas.empty_text == "No run is open."
    stage.press(Qt.Key.Key_Down)
    stage.canvas.fit()


def test_a_window_needs_no_torch(digits_run: Path) -> None:
    program = f"""
import sys
from PyQt6.QtWidgets import QApplication
app = QApplication([])
from graphviz_nn.run import load
from graphviz_nn_ui.canvas.view import Canvas
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.workspace import Workspace
workspace = Workspace()
canvas = Canvas(workspace)
canvas.resize(600, 400)
canvas.show()
workspace.show(Document(load({str(digits_run)!r})))
while canvas.drawing is None or canvas.drawing.numbers is None:
    app.processEvents()
canvas.grab()
assert "torch" not in sys.modules
workspace.show(None)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

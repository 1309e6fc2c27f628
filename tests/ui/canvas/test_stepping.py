"""What the canvas shows of the session's cursor, of numbers, findings and breakpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, QRect, QRectF, QSize
from PyQt6.QtGui import QColor

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn.model.stats import STATS
from graphviz_nn.scene.raster import ALARM
from graphviz_nn.session import Session
from graphviz_nn_ui.canvas.callouts import callout_height
from graphviz_nn_ui.canvas.colours import NO_HEAT
from graphviz_nn_ui.canvas.frame import FramePainter
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_nonfinite import NonFinite, nonfinite_sign, nonfinite_text
from graphviz_nn_ui.widgets.theme import LIGHT_THEME
from tests.ui.canvas.conftest import Stage

Open = Callable[[Path], Document]


def scrub_to(session: Session, kind: EventKind, name: str) -> None:
    """Puts the cursor at the first event of a kind about a node."""
    order, node = session.step.order, session.structure.by_name[name].id
    session.scrub(int(np.flatnonzero((order.kind == kind) & (order.node == node))[0]))


def test_what_has_no_value_yet_is_pending(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    session.scrub(-1)
    assert stage.drawing.pending.all()
    scrub_to(session, EventKind.CALL, "block.conv")
    known = {title for title, pending in zip(stage.titles, stage.drawing.pending, strict=True) if not pending}
    assert {"stem", "conv"} <= known
    assert known.isdisjoint({"norm", "pool", "cross_entropy"})
    assert not stage.drawing.arrived.any()


def test_gradients_arrive_box_by_box_and_so_do_their_colours(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    pool, stem = stage.titles.index("pool"), stage.titles.index("stem")
    scrub_to(session, EventKind.GRADIENT, "block.pool")
    assert stage.drawing.arrived[pool]
    assert not stage.drawing.arrived[stem]
    assert stage.drawing.heat[pool] != NO_HEAT
    assert stage.drawing.heat[stem] == NO_HEAT
    assert stage.drawing.heat_text(stem) == ""
    session.to_phase_end()
    assert stage.drawing.heat[stem] != NO_HEAT


def test_the_pointer_and_what_flows(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    scrub_to(session, EventKind.CALL, "block.norm")
    pointer, norm = stage.canvas.pointer, stage.titles.index("norm")
    assert pointer.box == norm
    assert list(pointer.wires) == stage.drawing.entering(norm)
    assert not pointer.back
    assert pointer.colour(LIGHT_THEME) == LIGHT_THEME.forward
    assert pointer.callouts == []
    scrub_to(session, EventKind.GRADIENT, "block.norm")
    pointer = stage.canvas.pointer
    assert pointer.back
    assert list(pointer.wires) == stage.drawing.leaving(norm)
    assert pointer.colour(LIGHT_THEME) == LIGHT_THEME.backward


def test_a_layer_in_the_backward_pass_is_drawn_as_in_a_textbook(
    stage: Stage, open_file: Open, digits_run: Path
) -> None:
    session = open_file(digits_run).session
    scrub_to(session, EventKind.GRADIENT, "block.conv")
    rows = {each.symbol: each for each in stage.canvas.pointer.callouts}
    assert list(rows) == ["x", "W", "∂L/∂y", "y", "∂L/∂x", "∂L/∂W"]
    assert [each.incoming for each in rows.values()] == [True, True, True, False, False, False]
    assert rows["W"].text.startswith("4×4×3×3  ‖·‖ ")
    assert rows["∂L/∂y"].there
    assert rows["∂L/∂W"].text == "not yet"
    assert not rows["∂L/∂W"].there
    scrub_to(session, EventKind.GRADIENT, "block.conv.weight")
    rows = {each.symbol: each for each in stage.canvas.pointer.callouts}
    assert rows["∂L/∂W"].there


def test_what_comes_in_and_goes_out_is_seen_whole_where_the_flow_runs_sideways(
    stage: Stage, open_file: Open, digits_run: Path
) -> None:
    stage.workspace.look.set("direction", "right")
    session = open_file(digits_run).session
    camera = stage.canvas.camera
    camera.scale = 1.0
    camera.y = float(stage.drawing.tables.boxes.rects[stage.titles.index("conv"), 1]) - 600.0
    scrub_to(session, EventKind.GRADIENT, "block.conv")
    assert stage.canvas.pointer.callouts
    rect = stage.canvas.pointer.rect(stage.drawing)
    assert rect is not None
    below = camera.rect_to_screen(rect).bottom() + callout_height(3)
    assert below < stage.canvas.height()


def test_an_update_points_at_the_box_that_reads_the_parameter(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    scrub_to(session, EventKind.UPDATE, "block.conv.weight")
    assert stage.canvas.pointer.box == stage.titles.index("conv")
    assert stage.canvas.pointer.colour(LIGHT_THEME) == LIGHT_THEME.update


def test_the_picture_follows_the_cursor_only_out_of_sight(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    scrub_to(session, EventKind.CALL, "stem")
    stage.canvas.camera.scale = 2.0
    stage.canvas.camera.center(stage.drawing_point("stem"))
    x, y = stage.canvas.camera.x, stage.canvas.camera.y
    scrub_to(session, EventKind.CALL, "relu")
    assert (stage.canvas.camera.x, stage.canvas.camera.y) == (x, y)
    scrub_to(session, EventKind.CALL, "cross_entropy")
    rect = stage.canvas.pointer.rect(stage.drawing)
    assert rect is not None
    assert stage.canvas.camera.sees(rect)
    stage.canvas.follow = False
    x, y = stage.canvas.camera.x, stage.canvas.camera.y
    scrub_to(session, EventKind.CALL, "stem")
    assert (stage.canvas.camera.x, stage.canvas.camera.y) == (x, y)


def test_another_step_of_the_same_structure_only_changes_colours(
    stage: Stage, open_file: Open, digits_run: Path
) -> None:
    session = open_file(digits_run).session
    tables, numbers = stage.drawing.tables, stage.drawing.numbers
    session.go_to_step(0)
    stage.settle()
    assert stage.drawing.tables is tables
    assert numbers is not None
    assert stage.drawing.numbers is not None
    assert not np.array_equal(stage.drawing.numbers.boxes, numbers.boxes, equal_nan=True)


@pytest.mark.parametrize(
    ("color_by", "said"),
    [
        ("activation", "output, L2 norm (log): "),
        ("zeros", "share of zeros in the output: "),
        ("nonfinite", "NaN and ±Inf in output and gradient: none"),
        ("update", "update ÷ parameter, L2 norms (log): "),
        ("none", ""),
    ],
)
def test_the_legend_says_what_colours_mean(
    stage: Stage, open_file: Open, digits_run: Path, color_by: str, said: str
) -> None:
    open_file(digits_run)
    stage.workspace.look.set("color_by", color_by)
    stage.settle()
    assert stage.canvas.legend.text.startswith(said)
    assert (stage.canvas.legend.text == "") == (color_by == "none")
    assert stage.drawing.tables.heat == (color_by != "none")
    stage.canvas.grab()


def test_a_run_without_numbers_says_why_nothing_is_coloured(stage: Stage, open_file: Open, plain_run: Path) -> None:
    open_file(plain_run)
    assert "keep='stats'" in stage.canvas.legend.text
    assert stage.drawing.numbers is None
    assert stage.canvas.legend.height() > 60
    stage.canvas.grab()


def test_a_forward_run_says_that_no_gradient_was_recorded(stage: Stage, open_file: Open, forward_run: Path) -> None:
    open_file(forward_run)
    assert "no backward pass" in stage.canvas.legend.text


def test_a_broken_run_marks_the_failure_and_what_is_not_finite(stage: Stage, open_file: Open, broken_run: Path) -> None:
    open_file(broken_run)
    stage.workspace.look.set("color_by", "activation")
    stage.settle()
    alarming = {title for place, title in enumerate(stage.titles) if stage.drawing.alarms[place]}
    assert "log" in alarming
    failed = [title for place, title in enumerate(stage.titles) if stage.drawing.tables.boxes.marks[place]]
    assert len(failed) == 1
    stage.canvas.grab()


@pytest.mark.parametrize("color_by", ["none", "gradient", "activation", "time", "nonfinite"])
def test_what_is_not_finite_is_marked_whatever_the_colours(
    stage: Stage, open_file: Open, broken_run: Path, color_by: str
) -> None:
    session = open_file(broken_run).session
    stage.workspace.look.set("color_by", color_by)
    stage.settle()
    log = stage.titles.index("log")
    scrub_to(session, EventKind.CALL, "mul")
    assert not stage.drawing.alarms[log]
    scrub_to(session, EventKind.CALL, "log")
    assert nonfinite_sign(int(stage.drawing.alarms[log])) == "±Inf"
    assert stage.drawing.far_codes[log] == ALARM
    with_sign = stage.canvas.grab().toImage()
    stage.drawing.alarms = np.zeros_like(stage.drawing.alarms)
    at = stage.place_of("log") + QPointF(40, -22)
    corner = QRect(at.toPoint() - QPoint(30, 14), QSize(60, 28))
    stage.canvas.tell_parts()
    assert with_sign.copy(corner) != stage.canvas.grab().toImage().copy(corner)


def test_a_gradient_that_is_not_finite_is_told_from_a_value(stage: Stage, open_file: Open, digits_run: Path) -> None:
    document = open_file(digits_run)
    step = document.session.step
    gradients = step.readings.gradients
    assert gradients is not None
    order = step.order
    arrived = np.flatnonzero(order.kind == EventKind.GRADIENT)
    row = int(np.flatnonzero(order.node[arrived] == order.structure.by_name["block.conv"].id)[0])
    step.readings.gradients = gradients.copy()
    step.readings.gradients[row, STATS.index("nan")] = 3
    found = NonFinite(document.data, step)
    box = stage.titles.index("conv")
    assert found.by_box(stage.drawing.tables, int(arrived[row]) - 1)[box] == 0
    bits = int(found.by_box(stage.drawing.tables, int(arrived[row]))[box])
    assert nonfinite_sign(bits) == "∇ NaN"
    assert nonfinite_text(bits) == "its gradient holds NaN"


def test_findings_and_breakpoints_are_marked(stage: Stage, open_file: Open, digits_run: Path) -> None:
    document = open_file(digits_run)
    session = document.session
    conv = session.structure.by_name["block.conv"].id
    finding = Finding("dead_units", "warning", session.position, conv, "block.conv", {}, "It is dead.", "Revive it.")
    document.set_findings([finding])
    place = stage.titles.index("conv")
    assert SEVERITIES[stage.drawing.severities[place]] == "warning"
    assert (stage.drawing.severities >= 0).sum() == 1
    session.breakpoints.add("op", "max_pool2d")
    assert stage.drawing.stops.nonzero()[0].tolist() == [stage.titles.index("pool")]
    image = stage.canvas.grab().toImage()
    rect = stage.canvas.camera.rect_to_screen(QRectF(*stage.drawing.tables.boxes.rects[stage.titles.index("pool")]))
    dot = image.pixelColor(round(rect.left() - 9 * 0.8), round(rect.center().y()))
    assert dot == LIGHT_THEME.breakpoint


def test_the_strip_of_a_box_has_the_colour_of_its_number(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    place = stage.titles.index("conv")
    rect = stage.canvas.camera.rect_to_screen(QRectF(*stage.drawing.tables.boxes.rects[place].tolist()))
    image = stage.canvas.grab().toImage()
    seen = image.pixelColor(round(rect.right() - 3), round(rect.center().y()))
    expected = stage.canvas.colours.table[int(stage.drawing.heat[place])]
    assert _distance(seen, expected) < 12
    assert _distance(expected, LIGHT_THEME.surface) > 60


def test_a_change_of_structure_brings_another_picture(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    stage.canvas.animated = True
    session.set_expanded({"m0"})
    stage.settle()
    assert stage.canvas.change is not None
    fade = stage.canvas.change.at(0.5)
    place = stage.titles.index("stem")
    assert fade.fresh[place] == 1.0
    assert fade.fresh[stage.titles.index("block")] == pytest.approx(0.5)
    stage.canvas.grab()
    stage.canvas.change_clock.stop()
    assert isinstance(stage.canvas._painter, FramePainter)


def _distance(one: QColor, other: QColor) -> int:
    return sum(abs(a - b) for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True))


def test_an_update_closes_in_on_the_box_of_its_parameter(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    stage.canvas.animated = True
    scrub_to(session, EventKind.UPDATE, "block.conv.weight")
    pointer = stage.canvas.pointer
    assert pointer.box == stage.titles.index("conv")
    assert pointer.colour(LIGHT_THEME) == LIGHT_THEME.update
    assert stage.canvas.pulse_clock.runs
    stage.canvas.pulse_clock.share = 0.5
    ring = stage.canvas.grab().toImage()
    stage.canvas.pulse_clock.stop()
    assert ring != stage.canvas.grab().toImage()


def test_the_menu_of_the_keyboard_is_about_the_selection(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    stage.click("norm")
    hit, at = stage.canvas._selected_hit()
    assert hit is not None
    assert stage.titles[hit.place] == "norm"
    x, y, _, height = stage.drawing.tables.boxes.rects[hit.place].tolist()
    corner = stage.canvas.camera.to_screen(x, y + height)
    assert (stage.canvas.mapFromGlobal(at) - corner.toPoint()).manhattanLength() <= 2
    stage.canvas.select(None)
    assert stage.canvas._selected_hit()[0] is None

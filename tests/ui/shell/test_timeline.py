"""The timeline: lanes of events, marks, scrubbing, zooming, the strip of training steps."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QWheelEvent
from PyQt6.QtWidgets import QApplication

from graphviz_nn.model.nodes import PHASES
from graphviz_nn.model.steps import ErrorInfo, StepInfo
from graphviz_nn_ui.panels.timeline import Timeline
from graphviz_nn_ui.panels.timeline.lanes import Lanes
from graphviz_nn_ui.panels.timeline.margins import EDGE, RIGHT, fitted_font, left_of
from graphviz_nn_ui.panels.timeline.steps import StepsStrip
from graphviz_nn_ui.viewmodels.numbers import short_text
from graphviz_nn_ui.viewmodels.timeline import EventLanes, Range, ticks
from graphviz_nn_ui.viewmodels.training_steps import TrainingSteps
from graphviz_nn_ui.widgets.theme import LIGHT_THEME


class Order:
    """As much of a step's order as lanes are made of."""

    def __init__(self, *phases: tuple[str, int]) -> None:
        codes, counts = [PHASES.index(name) for name, _ in phases], [count for _, count in phases]
        self.phase = np.repeat(np.array(codes, np.int8), np.array(counts, np.intp))


@pytest.fixture
def lanes() -> EventLanes:
    return EventLanes(Order(("forward", 60_000), ("backward", 30_000), ("recompute", 5_000), ("optimizer", 5_000)))  # type: ignore[arg-type]


def test_lanes_are_the_phases(lanes):
    assert lanes.counts() == (65_000, 30_000, 5_000)


@pytest.mark.parametrize("width", [1, 97, 800])
def test_every_event_is_in_one_column(lanes, width):
    shares = lanes.columns(Range(0, 100_000), width)
    assert shares.shape == (3, width)
    assert np.allclose(shares.sum(axis=0), 1)
    assert shares.sum(axis=1) * 100_000 / width == pytest.approx([65_000, 30_000, 5_000], rel=0.02)


def test_few_events_fill_their_columns_with_gaps_between(lanes):
    shares = lanes.columns(Range(59_995, 60_005), 100)
    forward, backward = shares[0], shares[1]
    assert forward[:49].sum() == 45
    assert forward[50:].sum() == 0
    assert backward[50:].sum() == 45
    assert not shares[:, 9::10].any()


def test_nothing_to_show():
    empty = EventLanes(Order())  # type: ignore[arg-type]
    assert empty.columns(Range(0, 0), 50).shape == (3, 50)


def test_zooming_keeps_what_is_under_the_pointer_in_place():
    view = Range(0, 1000).zoomed(0.5, 250, 1000)
    assert view.span == 500
    assert (250 - view.start) / view.span == pytest.approx(0.25)
    assert Range(0, 1000).zoomed(2, 250, 1000) == Range(0, 1000)
    assert view.moved(10_000, 1000).stop == 1000
    assert Range(0, 100).showing(500, 1000).start == 450


def test_ticks_are_round_and_few():
    assert ticks(0, 100, 10) == list(range(0, 100, 10))
    assert ticks(37, 1003, 5) == [200, 400, 600, 800, 1000]
    assert ticks(0, 3, 50) == [0, 1, 2]
    assert ticks(5, 5, 4) == []


@pytest.fixture
def timeline(qtbot, workspace):
    timeline = Timeline(workspace)
    qtbot.addWidget(timeline)
    timeline.resize(left_of(timeline) + RIGHT + 500, 200)
    timeline.show()
    return timeline


def _x(timeline, share: float) -> QPoint:
    return QPoint(left_of(timeline) + int(share * 500), 40)


def test_a_click_puts_the_cursor_there_and_a_drag_scrubs(qtbot, timeline, show, digits_run):
    session = show(digits_run).session
    count = len(session.step.order)
    qtbot.mouseClick(timeline.lanes, Qt.MouseButton.LeftButton, pos=_x(timeline, 0.5))
    assert session.cursor == pytest.approx(count / 2, abs=1)
    qtbot.mousePress(timeline.lanes, Qt.MouseButton.LeftButton, pos=_x(timeline, 0.5))
    qtbot.mouseMove(timeline.lanes, QPoint(2, 40))
    qtbot.mouseRelease(timeline.lanes, Qt.MouseButton.LeftButton, pos=QPoint(2, 40))
    qtbot.mouseClick(timeline.lanes, Qt.MouseButton.LeftButton, pos=QPoint(2, 40))
    assert session.cursor == -1


def test_what_has_happened_is_painted_stronger(timeline, show, digits_run):
    session = show(digits_run).session
    end = int(np.flatnonzero(timeline.lanes._lanes.lane == 0)[-1])
    session.scrub(end // 2)
    picture = timeline.lanes.grab().toImage()
    row = int(timeline.lanes._rows()[0] + 6)
    past, future = (picture.pixelColor(int(timeline.lanes.x_of(seq + 0.4)), row) for seq in (2, end - 2))
    assert past.saturation() > future.saturation()
    assert abs(past.hue() - LIGHT_THEME.forward.hue()) < 12


def test_the_wheel_zooms_around_the_pointer(timeline, show, digits_run):
    show(digits_run)
    before = timeline.lanes.view
    place = QPointF(_x(timeline, 0.25))
    under = timeline.lanes.seq_at(place.x())
    event = QWheelEvent(
        place,
        place,
        QPoint(0, 0),
        QPoint(0, 360),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(timeline.lanes, event)
    assert timeline.lanes.view.span < before.span
    assert timeline.lanes.seq_at(place.x()) == pytest.approx(under, abs=1)


def test_keys_step(qtbot, timeline, show, digits_run):
    session = show(digits_run).session
    session.scrub(10)
    qtbot.keyClick(timeline.lanes, Qt.Key.Key_Right)
    qtbot.keyClick(timeline.lanes, Qt.Key.Key_Right)
    qtbot.keyClick(timeline.lanes, Qt.Key.Key_Left)
    assert session.cursor == 11


def test_a_click_on_the_strip_opens_that_step(qtbot, timeline, show, digits_run):
    session = show(digits_run).session
    qtbot.mouseClick(timeline.steps, Qt.MouseButton.LeftButton, pos=QPoint(timeline.steps.left, 10))
    assert session.position == 0
    qtbot.mouseClick(timeline.steps, Qt.MouseButton.LeftButton, pos=QPoint(timeline.steps.left + 499, 10))
    assert session.position == 11


def test_breakpoints_and_problems_are_marked(timeline, show, broken_run):
    session = show(broken_run).session
    session.breakpoints.add("op", "relu")
    assert timeline.lanes._stops.tolist() == session.step.stops(session.breakpoints).tolist()
    assert len(timeline.lanes._problems) == len(session.step.readings.problems) > 0


def test_every_run_can_be_painted(timeline, workspace, show, broken_run, forward_run, plain_run, lstm_run):
    for path in (broken_run, forward_run, plain_run, lstm_run):
        session = show(path).session
        session.scrub(4)
        assert not timeline.grab().isNull()
    workspace.show(None)
    assert timeline.lanes.seq_at(300) == -1
    assert not timeline.grab().isNull()


def _step(index: int, loss: float | None, failed: bool = False) -> StepInfo:
    error = ErrorInfo("RuntimeError", "no", None, "forward") if failed else None
    return StepInfo(index, "digest", 0.0, 1.0, loss, error=error)


def test_steps_that_were_not_recorded_leave_gaps():
    steps = TrainingSteps([_step(0, 2.0), _step(10, 1.0), _step(100, None, failed=True)])
    assert steps.places(200).tolist() == [0, 20, 200]
    assert steps.nearest(16, 200) == 1
    assert steps.nearest(140, 200) == 2
    assert steps.failed.tolist() == [False, False, True]
    assert TrainingSteps([]).nearest(3, 10) == -1
    assert TrainingSteps([_step(7, 1.0)]).places(10).tolist() == [5]


def test_the_curve_keeps_the_peaks_of_ten_thousand_steps():
    steps = TrainingSteps([_step(index, 5.0 if index == 5000 else 1.0) for index in range(10_000)])
    places, least, greatest = steps.curve(300)
    assert len(places) == 300
    assert greatest.max() == 5.0
    assert least.max() == 1.0


def test_losses_that_are_not_numbers_are_left_out():
    steps = TrainingSteps([_step(0, 2.0), _step(1, float("nan")), _step(2, float("inf")), _step(3, None)])
    places, least, _ = steps.curve(100)
    assert places.tolist() == [0]
    assert least.tolist() == [2.0]


def test_what_is_written_beside_the_steps_fits(qtbot, workspace):
    timeline = Timeline(workspace)
    qtbot.addWidget(timeline)
    for points in (8, 13, 17):
        font = timeline.font()
        font.setPointSizeF(points)
        timeline.setFont(font)
        metrics = timeline.steps.fontMetrics()
        for text in ("Backward", short_text(-97_200.0), short_text(-9.72e-14)):
            assert metrics.horizontalAdvance(text) <= left_of(timeline.steps) - 2 * EDGE


@pytest.mark.parametrize("points", [9, 13, 17])
def test_the_words_of_lanes_are_as_small_as_low_lanes(qtbot, points):
    lanes = Lanes()
    qtbot.addWidget(lanes)
    font = lanes.font()
    font.setPointSizeF(points)
    lanes.setFont(font)
    row = (lanes.least_height - lanes.fontMetrics().height() - 8 - 13) / 3
    assert QFontMetricsF(fitted_font(lanes.font(), row)).height() <= row + 1
    assert fitted_font(lanes.font(), 100) == lanes.font()


def test_a_low_timeline_leaves_the_training_steps_out(qtbot, workspace, show, digits_run):
    timeline = Timeline(workspace)
    qtbot.addWidget(timeline)
    timeline.show()
    show(digits_run)
    low = timeline.lanes.least_height + timeline.steps.least_height
    timeline.resize(600, low)
    assert timeline.steps.isVisible()
    timeline.resize(600, low - 1)
    assert not timeline.steps.isVisible()
    qtbot.waitUntil(lambda: timeline.lanes.height() == low - 1)
    timeline.resize(600, low)
    assert timeline.steps.isVisible()


def test_a_loss_that_is_always_the_same_is_said_once(qtbot, monkeypatch):
    said = []
    steps = StepsStrip()
    qtbot.addWidget(steps)
    steps.resize(400, 140)
    monkeypatch.setattr(QPainter, "drawText", lambda self, *arguments: said.append(arguments[-1]))
    steps.show_steps(TrainingSteps([_step(0, 1.36), _step(1, None), _step(2, float("nan"))]), 0)
    steps.grab()
    assert said == ["Loss\n1.36"]
    said.clear()
    steps.show_steps(TrainingSteps([_step(0, 1.36), _step(1, 0.5)]), 0)
    steps.grab()
    assert said == ["Loss", "1.36", "0.5"]

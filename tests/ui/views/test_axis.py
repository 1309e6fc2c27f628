"""Places of numbers on an axis, and thinning that does not change the picture."""

from __future__ import annotations

import numpy as np
import pytest

from graphviz_nn_ui.viewmodels.axis import Axis, axis_of, outline
from graphviz_nn_ui.viewmodels.grid_geometry import MARGIN, grid_geometry


@pytest.mark.parametrize("axis", [Axis(-2.0, 6.0), Axis(1e-6, 1e2, True)])
def test_a_number_and_its_place_belong_together(axis: Axis) -> None:
    assert (axis.place(axis.low), axis.place(axis.high)) == (0.0, 1.0)
    for place in (0.1, 0.5, 0.9):
        assert axis.place(axis.number(place)) == pytest.approx(place)


def test_zero_has_no_place_on_a_logarithmic_axis() -> None:
    assert np.isnan(Axis(1e-3, 1.0, True).places(np.array([0.0, -1.0, np.nan]))).all()


@pytest.mark.parametrize(
    ("numbers", "logarithmic"),
    [([1.0, 5.0], False), ([-3.0, -1.0], False), ([7.0], False), ([0.0], False), ([1e-12, 1e3], True), ([5.0], True)],
)
def test_an_axis_holds_its_numbers_and_has_ticks_within(numbers: list[float], logarithmic: bool) -> None:
    axis = axis_of([np.array([*numbers, np.nan, np.inf])], logarithmic)
    assert axis is not None
    assert axis.low <= min(numbers) <= max(numbers) <= axis.high
    assert axis.low < axis.high
    ticks = axis.ticks(6)
    assert 1 <= len(ticks) <= 8
    assert all(-1e-6 <= axis.place(tick.value) <= 1 + 1e-6 for tick in ticks)


def test_no_number_no_axis() -> None:
    assert axis_of([np.array([np.nan])]) is None
    assert axis_of([np.array([0.0, -2.0])], logarithmic=True) is None


def test_thinning_keeps_the_lowest_and_highest_of_each_column() -> None:
    generator = np.random.default_rng(0)
    x, y = np.linspace(0, 300, 10_000), generator.normal(size=10_000)
    y[5000] = 50.0
    thin_x, thin_y = outline(x, y, 300)
    assert len(thin_x) == len(thin_y) <= 2 * 301
    for column in (0, 17, 150, 299):
        inside, kept = y[x.astype(int) == column], thin_y[thin_x.astype(int) == column]
        assert (kept.min(), kept.max()) == (inside.min(), inside.max())


def test_few_points_are_left_alone() -> None:
    x = np.arange(10.0)
    assert outline(x, x, 300)[0] is x


@pytest.mark.parametrize("room", [(300.0, 200.0), (90.0, 800.0), (1000.0, 40.0), (5.0, 5.0)])
@pytest.mark.parametrize("labels", [True, False])
def test_images_lie_within_the_room_and_apart(room: tuple[float, float], labels: bool) -> None:
    geometry = grid_geometry(7, 8, 12, room, 14.0, labels)
    boxes = [geometry.box(place) for place in range(7)]
    if min(room) > 30:
        assert max(box.left + box.width for box in boxes) <= room[0] - MARGIN + 1
        assert max(box.top + box.height for box in boxes) <= room[1] - MARGIN + 1
    for place, box in enumerate(boxes):
        inside = geometry.pixel_at(box.left + 6.5 * geometry.scale, box.top + 4.5 * geometry.scale)
        assert inside == (place, 4, 6)
    assert geometry.pixel_at(-1, -1) is None
    assert geometry.pixel_at(boxes[0].left + (12 + 0.4) * geometry.scale, boxes[0].top + 1) is None

"""Places of numbers on an axis, and thinning that does not change the picture."""

from __future__ import annotations

import numpy as np
import pytest

from graphviz_nn_ui.viewmodels.axis import Axis, axis_of, columns_of
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


def test_columns_cover_what_a_curve_covers_and_touch() -> None:
    generator = np.random.default_rng(0)
    x, y = np.linspace(0, 300, 10_000), generator.normal(size=10_000)
    y[5000] = 50.0
    y[3000:3100] = np.nan
    found = columns_of(x, y, 300)
    assert found is not None
    gap = {int(place) for place in x[3000:3100]} - {int(x[2999]), int(x[3100])}
    assert gap.isdisjoint(found.x.tolist())
    for place, top, bottom in zip(*found, strict=True):
        inside = y[x.astype(int) == place]
        assert top <= np.nanmin(inside) <= np.nanmax(inside) <= bottom
    neighbours = np.flatnonzero(np.diff(found.x) == 1)
    assert (found.top[neighbours + 1] <= found.bottom[neighbours]).all()
    assert (found.bottom[neighbours + 1] >= found.top[neighbours]).all()
    assert found.bottom.max() == 50.0


def test_few_points_are_drawn_one_by_one() -> None:
    assert columns_of(np.arange(10.0), np.arange(10.0), 300) is None


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


def test_labels_of_the_last_row_lie_within_the_room() -> None:
    geometry = grid_geometry(8, 6, 5, (307.0, 501.0), 14.0, True)
    assert geometry.labelled
    last = geometry.box(7)
    assert last.top + last.height + 14.0 <= 501.0

"""Numbers become the right colours, and images the right places."""

from __future__ import annotations

import numpy as np
import pytest

from graphviz_nn.scene.tiles import (
    GAP,
    LEVELS,
    MINUS_INF,
    NAN,
    PLUS_INF,
    best_columns,
    colour_table,
    sheet,
    tiles,
)

RAMP = np.linspace(-1, 3, 16, dtype=np.float32).reshape(1, 4, 4)


def test_each_image_spans_its_own_colours() -> None:
    found = tiles(np.concatenate([RAMP, 10 * RAMP]), "each", "sequential")
    np.testing.assert_array_equal(found.indices[0], found.indices[1])
    assert (found.indices[0, 0, 0], found.indices[0, -1, -1]) == (0, LEVELS - 1)
    np.testing.assert_allclose(found.ranges, [[-1, 3], [-10, 30]])


def test_a_common_scale_compares_images() -> None:
    found = tiles(np.concatenate([RAMP, 10 * RAMP]), "common", "sequential")
    assert found.indices[0].max() < found.indices[1].max() == LEVELS - 1
    np.testing.assert_allclose(found.ranges, [[-10, 30], [-10, 30]])


def test_zero_is_in_the_middle_of_signed_colours() -> None:
    found = tiles(np.array([[[-1.0, 0.0, 3.0]]]), "each", "signed")
    assert abs(int(found.indices[0, 0, 1]) - (LEVELS - 1) / 2) <= 0.5
    assert found.indices[0, 0, 2] == LEVELS - 1
    np.testing.assert_allclose(found.ranges, [[-3, 3]])


def test_what_is_not_finite_has_slots_and_leaves_the_rest_alone() -> None:
    image = RAMP.copy()
    image[0, 0, :3] = np.nan, np.inf, -np.inf
    found = tiles(np.concatenate([image, RAMP]), "each", "sequential")
    assert found.indices[0, 0, :3].tolist() == [NAN, PLUS_INF, MINUS_INF]
    assert found.counts == {NAN: 1, PLUS_INF: 1, MINUS_INF: 1}
    assert found.indices[0, -1, -1] == LEVELS - 1
    np.testing.assert_array_equal(found.indices[1], tiles(RAMP, "each", "sequential").indices[0])


@pytest.mark.parametrize("scale", ["each", "common"])
def test_nothing_but_nan(scale: str) -> None:
    found = tiles(np.full((2, 3, 3), np.nan, np.float32), scale, "signed")
    assert (found.indices == NAN).all()
    assert np.isnan(found.ranges).all()


def test_one_number_everywhere_is_in_the_middle() -> None:
    assert set(tiles(np.full((1, 2, 2), 7.0), "each", "sequential").indices.flat) == {LEVELS // 2}


@pytest.mark.parametrize(("offset", "size"), [(1e6, 1.0), (0.0, 3e38), (0.0, 1e-42), (-5e5, 0.5)])
def test_large_offsets_and_odd_sizes_keep_their_order(offset: float, size: float) -> None:
    image = (offset + size * np.linspace(0, 1, 5)).astype(np.float32).reshape(1, 1, 5)
    indices = tiles(image, "each", "sequential").indices.ravel()
    assert (indices[0], indices[-1]) == (0, LEVELS - 1)
    assert (np.diff(indices.astype(int)) > 30).all()


def test_the_whole_range_of_single_precision() -> None:
    image = np.array([[[-3e38, 0.0, 3e38]]], np.float32)
    assert tiles(image, "each", "sequential").indices.ravel().tolist() == [0, LEVELS // 2, LEVELS - 1]


def test_half_precision_and_integers() -> None:
    for kind in (np.float16, np.int64, np.uint8):
        assert tiles(np.array([[[0, 1, 3]]], kind), "each", "sequential").indices.ravel().tolist() == [0, 84, 251]


def test_no_image_and_no_pixel() -> None:
    assert tiles(np.empty((0, 4, 4), np.float32), "common", "signed").indices.shape == (0, 4, 4)
    assert tiles(np.empty((2, 0, 4), np.float32), "each", "sequential").indices.shape == (2, 0, 4)


def test_a_sheet_places_each_image() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((5, 2, 3), np.uint8)
    laid = sheet(images, 3, (2, 1))
    assert laid.shape == (2 * 2 + 2, 3 * 3 + 2)
    for place in range(5):
        top, left = place // 3 * 4, place % 3 * 4
        assert (laid[top : top + 2, left : left + 3] == place).all()
    assert (laid[2:4] == GAP).all()
    assert (laid[:, 3] == GAP).all()
    assert (laid[4:, 8:] == GAP).all()


@pytest.mark.parametrize(("count", "aspect"), [(1, 1.0), (12, 2.0), (64, 0.5), (7, 10.0), (3, 0.01)])
def test_columns_are_the_best_of_all(count: int, aspect: float) -> None:
    def side(columns: int) -> float:
        return min(aspect / columns, 1 / -(-count // columns))

    assert side(best_columns(count, 8, 8, aspect)) == pytest.approx(max(map(side, range(1, count + 1))))


@pytest.mark.parametrize("colours", ["sequential", "signed"])
def test_a_colour_table_has_256_different_enough_colours(colours: str) -> None:
    table = colour_table(colours, "#123456")
    assert len(table) == 256
    assert table[GAP] == "#123456"
    assert len({table[slot] for slot in (NAN, PLUS_INF, MINUS_INF)} - set(table[:LEVELS])) == 3
    assert len(set(table[:LEVELS])) > 200


def test_known_limits_are_the_ends_of_the_colours() -> None:
    images = np.array([[[0.0, 0.5, 1.0]], [[-3.0, 0.5, np.nan]]])
    found = tiles(images, "each", "sequential", limits=(0.0, 1.0))
    assert found.ranges.tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert found.indices[0].ravel().tolist() == [0, LEVELS // 2, LEVELS - 1]
    assert found.indices[1].ravel().tolist() == [0, LEVELS // 2, NAN]

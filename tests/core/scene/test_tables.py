"""Scenes as arrays: they say what the scene says, survive packing, and find what a view can see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphviz_nn.errors import UsageError
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.band import Band
from graphviz_nn.scene.box_numbers import box_numbers
from graphviz_nn.scene.composer import Composer
from graphviz_nn.scene.overlay import overlay
from graphviz_nn.scene.packing import pack, unpack
from graphviz_nn.scene.raster import rasterise
from graphviz_nn.scene.scene import Scene
from graphviz_nn.scene.tables import CATEGORIES, SceneTables, place_of
from graphviz_nn.scene.tabulate import tabulate
from graphviz_nn.scene.texts import Texts
from tests.support.runs import with_gradients
from tests.support.structures import functions, lstm, resnet, transformer, unet

STRUCTURES: tuple[Callable[[], Structure], ...] = (resnet, lstm, unet, functions, lambda: transformer(2))
QUANTITIES = ("gradient", "activation", "zeros", "memory", "time")


def half_open(structure: Structure) -> set[str]:
    """Every second module call, and the root."""
    return {"m0", *(f"m{number}" for number in range(1, len(structure.module_calls), 2))}


def made(structure: Structure, color_by: str = "gradient") -> tuple[Scene, SceneTables]:
    composer = Composer(structure)
    picture = composer.picture(half_open(structure))
    scene = composer.scene(picture, overlay=overlay(with_gradients(structure), 0, color_by), heat=True)
    return scene, tabulate(picture, scene, True)


@pytest.mark.parametrize("build", STRUCTURES)
def test_tables_say_what_the_scene_says(build: Callable[[], Structure]) -> None:
    scene, tables = made(build())
    assert [tables.boxes.key(place) for place in range(len(tables.boxes))] == [box.key for box in scene.boxes]
    assert list(tables.boxes.titles) == [box.title for box in scene.boxes]
    assert [CATEGORIES[code] for code in tables.boxes.categories] == [box.category for box in scene.boxes]
    assert np.array_equal(tables.boxes.rects, [tuple(box.rect) for box in scene.boxes])
    assert [tuple(tables.boxes.nodes(place)) for place in range(len(scene.boxes))] == [box.nodes for box in scene.boxes]
    assert list(tables.containers.titles) == [container.title for container in scene.containers]
    for place, wire in enumerate(scene.wires):
        first, last = tables.wires.first_pieces[place : place + 2]
        pieces = tables.wires.pieces[first:last]
        assert [tuple(pieces[0, :2]), *map(tuple, pieces[:, 2:])] == wire.points
        assert tables.boxes.key(int(tables.wires.sources[place])) == wire.source


@pytest.mark.parametrize("color_by", QUANTITIES)
@pytest.mark.parametrize("build", STRUCTURES)
def test_numbers_of_boxes_are_those_of_the_exporters(build: Callable[[], Structure], color_by: str) -> None:
    structure = build()
    scene, tables = made(structure, color_by)
    numbers = box_numbers(tables, overlay(with_gradients(structure), 0, color_by))  # type: ignore[arg-type]
    for found, expected in ((numbers.boxes, scene.boxes), (numbers.containers, scene.containers)):
        values = [each.heat.value if each.heat else np.nan for each in expected]
        np.testing.assert_allclose(found, values, rtol=1e-12)
        fractions = [each.heat.fraction if each.heat else np.nan for each in expected]
        np.testing.assert_allclose(numbers.fractions(found), fractions, atol=1e-12)


def test_packed_tables_are_the_same() -> None:
    _, tables = made(resnet())
    again = unpack(SceneTables, pack(tables))
    assert again.title == tables.title
    assert again.heat is True
    assert list(again.boxes.tooltips) == list(tables.boxes.tooltips)
    for name in ("rects", "members", "categories"):
        assert np.array_equal(getattr(again.boxes, name), getattr(tables.boxes, name))
    assert np.array_equal(again.piece_band.inside(0, 0, 300, 300), tables.piece_band.inside(0, 0, 300, 300))


@pytest.mark.parametrize("data", [b"", b"x", b"\x05" + b"\0" * 20, pack(Texts.of(["a"]))[:-9]])
def test_other_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(UsageError, match="hold no SceneTables"):
        unpack(SceneTables, data)


def test_a_size_does_not_depend_on_the_number_it_is_coloured_by() -> None:
    structure = resnet()
    _, one = made(structure, "gradient")
    _, other = made(structure, "memory")
    assert np.array_equal(one.boxes.rects, other.boxes.rects)


def test_exactly_the_chosen_groups_are_open() -> None:
    composer = Composer(resnet())
    closed = composer.picture({"m0"})
    inner = next(box.key for box in closed.boxes if box.role == "module")
    opened = composer.picture({"m0", inner})
    assert inner not in {box.key for box in opened.boxes}
    assert len(opened.boxes) > len(closed.boxes)
    assert {box.key for box in composer.picture({"m999", "m0"}).boxes} == {box.key for box in closed.boxes}
    assert len(composer.picture(()).boxes) < len(closed.boxes)


def test_equal_blocks_fold_unless_told_otherwise_and_one_can_be_opened() -> None:
    composer = Composer(transformer(6))
    folded = composer.picture({"m0"})
    chain = next(box for box in folded.boxes if box.repeat == 6)
    assert max(box.repeat for box in composer.picture({"m0"}, folds=False).boxes) == 1
    one_open = composer.picture({"m0", chain.key})
    assert next(box.repeat for box in one_open.boxes if box.repeat > 1) == 5


def test_siblings_keep_their_order_when_a_module_opens() -> None:
    composer = Composer(unet())
    before = composer.scene(composer.picture({"m0"}))
    key = next(box.key for box in before.boxes if box.role == "module")
    after = composer.scene(composer.picture({"m0", key}))
    kept = {box.key: box.rect.y for box in after.boxes}
    old = [box.key for box in sorted(before.boxes, key=lambda box: box.rect.y) if box.key in kept]
    assert old == sorted(old, key=lambda name: kept[name])


def test_a_band_finds_what_a_plain_search_finds() -> None:
    random = np.random.default_rng(3)
    corners = random.uniform(0, [2_000, 90_000], (3_000, 2))
    sizes = random.uniform(1, [60, 80], (3_000, 2))
    sizes[:7] = [50, 30_000]
    bounds = np.concatenate([corners, corners + sizes], axis=1)
    band = Band.of(bounds)
    assert len(band.long) == 7
    for left, top in random.uniform(-100, [1_900, 89_000], (50, 2)):
        right, bottom = left + 400, top + 900
        plain = np.flatnonzero(
            (bounds[:, 0] < right) & (bounds[:, 2] > left) & (bounds[:, 1] < bottom) & (bounds[:, 3] > top)
        )
        assert np.array_equal(band.inside(left, top, right, bottom), plain)
        assert len(plain) <= band.at_most(left, top, right, bottom) < 150


def test_texts_are_kept_once() -> None:
    texts = Texts.of(["relu", "", "ré → 3×3", "relu", "\ud800"])
    assert list(texts) == ["relu", "", "ré → 3×3", "relu", "?"]
    assert texts[3] == "relu"
    assert len(texts.data) == len("reluré → 3×3?".encode())
    assert list(Texts.of([])) == []


def test_places_by_key() -> None:
    _, tables = made(resnet())
    assert place_of(tables.boxes.ids, tables.boxes.key(3)) == 3
    assert place_of(tables.boxes.ids, "m99999") is None


def test_a_raster_shows_each_box_in_its_colour() -> None:
    _, tables = made(resnet())
    raster = rasterise(tables, 0.05, 0.05)
    codes = np.full(len(tables.boxes), 40, np.uint8)
    codes[5] = 99
    raster.paint(codes)
    left, top, right, bottom = raster.corners[5]
    assert (raster.pixels[top:bottom, left:right] == 99).all()
    codes[5] = 40
    raster.paint(codes, np.array([5]))
    assert not (raster.pixels == 99).any()
    assert {0, 3, 40} <= set(np.unique(raster.pixels).tolist())

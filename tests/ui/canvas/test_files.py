"""The picture as a file, and pictures that are laid out in a process."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PyQt6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from graphviz_nn.export import export
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.structure import Structure
from graphviz_nn.run import load
from graphviz_nn.scene.packing import unpack
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn_ui.canvas.export import Exports
from graphviz_nn_ui.canvas.overview import Overview
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.graph_groups import Groups
from graphviz_nn_ui.workers import layout
from graphviz_nn_ui.workers.jobs import Jobs
from graphviz_nn_ui.workers.layout_child import RequestMessage, StructureMessage, framed, serve, write_structure
from graphviz_nn_ui.workers.layout_request import Composers, LayoutRequest
from tests.support.structures import resnet, transformer
from tests.ui.canvas.conftest import Stage

Open = Callable[[Path], Document]


def test_what_is_written_stands_where_it_stands_on_the_screen(stage: Stage, open_file: Open, digits_run: Path) -> None:
    session = open_file(digits_run).session
    for key in sorted(session.expanded)[-1:]:
        session.collapse(key)
        stage.settle()
    scene = stage.canvas.source.scene_maker()(None)
    tables = stage.drawing.tables
    assert [box.key for box in scene.boxes] == [tables.boxes.key(place) for place in range(len(tables.boxes))]
    assert np.allclose([box.rect for box in scene.boxes], tables.boxes.rects)


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF-"), ("svg", b"<svg ")])
def test_what_is_on_the_canvas_is_written(
    stage: Stage, open_file: Open, digits_run: Path, tmp_path: Path, suffix: str, start: bytes
) -> None:
    open_file(digits_run)
    path = tmp_path / f"graph.{suffix}"
    Exports(stage.canvas).write(path)
    stage.settle()
    assert path.read_bytes().startswith(start)
    if suffix == "svg":
        assert path.read_text().count("<g id=") == len(stage.titles)


def test_a_file_that_cannot_be_written_is_told(stage: Stage, open_file: Open, digits_run: Path, tmp_path: Path) -> None:
    open_file(digits_run)
    told: list[str] = []
    stage.workspace.problem.connect(lambda title, text: told.append(title))
    Exports(stage.canvas).write(tmp_path / "missing" / "graph.png")
    stage.settle()
    assert told == ["graph.png could not be written."]


def test_the_picture_is_copied(stage: Stage, open_file: Open, digits_run: Path) -> None:
    open_file(digits_run)
    Exports(stage.canvas).copy()
    stage.settle()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    data = clipboard.mimeData()
    assert data is not None
    assert data.hasImage()
    assert data.data("image/svg+xml").data().startswith(b"<svg ")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_exporting_a_run_paints_it(digits_run: Path, tmp_path: Path, qapp: object, theme: str) -> None:
    del qapp
    with load(digits_run) as run:
        options = PictureOptions(depth=None, color_by="gradient", theme=theme)
        image = QImage(str(export(run.data, tmp_path / "a.png", options=options)))
        assert export(run.data, tmp_path / "a.pdf", options=options).read_bytes().startswith(b"%PDF-")
    assert image.height() > image.width() > 600
    assert (image.pixelColor(2, 2).lightness() < 60) == (theme == "dark")


def test_the_process_answers_with_the_same_picture(tmp_path: Path) -> None:
    structure = resnet()
    request = LayoutRequest("it", ("m0", "m3"), heat=True)
    write_structure(structure, tmp_path / "structure")
    messages = [
        StructureMessage("it", str(tmp_path / "structure")),
        RequestMessage(request, str(tmp_path / "tables")),
        RequestMessage(LayoutRequest("unknown", ()), str(tmp_path / "none")),
    ]
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(framed(msgspec.msgpack.encode(each)) for each in messages)), answers)
    there = unpack(SceneTables, (tmp_path / "tables").read_bytes())
    here = Composers().tables(structure, request)
    assert list(there.boxes.titles) == list(here.boxes.titles)
    assert np.array_equal(there.boxes.rects, here.boxes.rects)
    assert b"KeyError" in answers.getvalue()
    assert not (tmp_path / "none").exists()


@pytest.fixture
def layouts(qapp: object, monkeypatch: pytest.MonkeyPatch) -> layout.Layouts:
    """One that lays everything out in a process."""
    del qapp
    monkeypatch.setattr(layout, "LARGE_PICTURE", 0)
    return layout.Layouts(Jobs())


def test_a_large_picture_comes_from_a_process_and_the_next_is_quick(layouts: layout.Layouts, qtbot: QtBot) -> None:
    structure, got, failed = transformer(2), list[SceneTables](), list[Exception]()
    groups = Groups(structure)
    for count, opened in enumerate((groups.all, groups.to_depth(1)), 1):
        request = LayoutRequest("it", tuple(opened))
        layouts.request(structure, request, 10, got.append, failed.append)
        qtbot.waitUntil(partial(_arrived, got, failed, count), timeout=30_000)
    assert not failed
    assert len(got[0].boxes) > len(got[1].boxes)
    assert list(got[0].boxes.titles) == list(
        Composers().tables(structure, LayoutRequest("it", tuple(groups.all))).boxes.titles
    )
    layouts.forget()


def test_a_cancelled_picture_never_arrives(layouts: layout.Layouts, qtbot: QtBot) -> None:
    got: list[SceneTables] = []
    structure = transformer(30)
    layouts.request(structure, LayoutRequest("it", tuple(Groups(structure).all)), 10, got.append, got.append)  # type: ignore[arg-type]
    qtbot.wait(150)
    layouts.forget()
    qtbot.wait(300)
    assert not got


@pytest.mark.parametrize("build", [resnet, lambda: transformer(4)])
def test_groups_know_what_is_around_and_inside(build: Callable[[], Structure]) -> None:
    structure = build()
    groups = Groups(structure)
    for node in structure.nodes:
        around = groups.around(node.id)
        assert list(around) == sorted(around, key=lambda key: len(groups.outer(key)))
        for key in around:
            assert key in groups.inside(around[0])
    assert groups.to_depth(0) == frozenset()
    assert groups.to_depth(99) == groups.all
    counts = [groups.shown(groups.to_depth(depth)) for depth in range(4)]
    assert counts == sorted(counts)
    assert groups.to_depth(1) <= groups.first_look()
    assert groups.inside("m99999") == frozenset()


def test_an_overview_paints_only_what_changed() -> None:
    structure = resnet()
    tables = Composers().tables(structure, LayoutRequest("it", tuple(Groups(structure).all)))
    overview = Overview.of(tables)
    codes = np.full(len(tables.boxes), 50, np.uint8)
    overview.set_codes(codes)
    codes = codes.copy()
    codes[3] = 200
    overview.set_codes(codes)
    finest = overview.rasters[0]
    assert (finest.pixels == 200).sum() == (finest.corners[3, 2:] - finest.corners[3, :2]).prod()
    assert all((raster.pixels == 200).any() for raster in overview.rasters)
    lengths = [max(raster.pixels.shape) for raster in overview.rasters]
    assert lengths == sorted(lengths, reverse=True)


def _arrived(got: list[SceneTables], failed: list[Exception], count: int) -> bool:
    return len(got) == count or bool(failed)

"""Views become files, and what cannot is said."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from graphviz_nn.errors import NotRecorded, OptionError, PluginError, SelectorError, UsageError
from graphviz_nn.export.figures import draw
from graphviz_nn.export.views import applies, export_view, make
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, HeatMap, ImageGrid, Table, View, ViewData, ViewOptions
from graphviz_nn.run import Run

START = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
GRID = ImageGrid("Maps", np.random.default_rng(0).normal(size=(5, 4, 6)), tuple("abcde"), note="a note")
WITH_NAN = ImageGrid("Maps", np.array([[[np.nan, 1.0], [np.inf, 2.0]]]), ("a",), scale="common")
SHOWN: dict[str, ViewData] = {
    "grid": GRID,
    "not finite": WITH_NAN,
    "all nan": ImageGrid("Maps", np.full((2, 3, 3), np.nan), ("a", "b"), scale="common", colours="signed"),
    "colour": ImageGrid("Filters", np.random.default_rng(0).random((3, 4, 4, 3)), ("0", "1", "2")),
    "heat map": HeatMap("Heat", np.array([[1e-9, 1.0], [np.nan, 0.0]]), ("a", "b"), ("0", "1"), "layer", "step", "norm",
                        logarithmic=True),
    "signed heat map": HeatMap("Heat", np.array([[-1.0, 3.0]]), ("a",), ("0", "1"), "layer", "step", "x",
                               colours="signed"),
    "curves": Curves("Loss", (Curve("loss", np.arange(3.0), np.array([3, np.nan, 1])),), "step", "loss", cursor=1.0),
    "bars": Curves("Flow", (Curve("g", np.arange(2.0), np.array([1e-3, 0.0]), "backward"),), "layer", "g",
                   logarithmic=True, ticks=("a", "b"), bars=True, band=(1e-4, 1e-2)),
    "table": Table("Layers", ("layer", "norm"), (("a", 1.0), ("b", math.nan))),
}  # fmt: skip


@pytest.mark.parametrize("suffix", START)
@pytest.mark.parametrize("shown", SHOWN.values(), ids=list(SHOWN))
def test_every_kind_of_data_becomes_every_kind_of_file(shown: ViewData, suffix: str) -> None:
    assert draw(shown, suffix[1:]).startswith(START[suffix])


def test_a_figure_says_its_title_note_and_what_is_not_finite() -> None:
    def texts(shown: ViewData) -> str:
        comments = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
        root = ET.fromstring(draw(shown, "svg"), parser=comments)
        return " ".join(element.text or "" for element in root.iter() if callable(element.tag))

    assert all(text in texts(GRID) for text in ("Maps", "a note"))
    assert "1 × NaN" in texts(WITH_NAN)
    assert "1 × +Inf" in texts(WITH_NAN)


def test_curves_of_one_hue_are_told_apart() -> None:
    numbers = np.arange(3.0)
    shown = Curves("t", tuple(Curve(str(n), numbers, numbers + n, "forward" if n else "") for n in range(4)), "x", "y")
    assert [shown.fading(curve) for curve in shown.curves] == pytest.approx([0.0, 0.0, 0.8 / 3, 1.6 / 3])
    drawn = draw(shown, "svg").decode()
    assert all(f"stroke-opacity: {opacity}" in drawn for opacity in ("0.733333", "0.466667"))


def test_the_same_view_gives_the_same_file() -> None:
    assert draw(GRID, "pdf") == draw(GRID, "pdf")


@pytest.mark.parametrize("name", ["gradient_flow", "gradient_history", "layers", "loss"])
def test_views_of_a_step_need_no_node(painter: RunData, tmp_path: Path, name: str) -> None:
    path = export_view(painter, tmp_path / "figure.png", name, step=0)
    assert path.read_bytes().startswith(START[".png"])


def test_numbers_become_a_table_of_text(painter: RunData, tmp_path: Path) -> None:
    text = export_view(painter, tmp_path / "loss.csv", "loss").read_text()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["curve", "training step", "loss"]
    assert [float(row[2]) for row in rows[1:]] == [step.loss for step in painter.steps()]


def test_the_flow_names_each_layer_once_in_order(painter: RunData, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(export_view(painter, tmp_path / "layers.csv", "layers").read_text())))
    assert [row[0] for row in rows[1:]] == ["first", "second", "head"]
    run = Run(painter)
    gradient = run.gradient("second")
    assert gradient is not None
    assert float(rows[2][3]) == pytest.approx(float(gradient.square().mean().sqrt()), rel=1e-5)
    total = sum(float(run.accumulated(f"second.{name}").square().sum()) for name in ("weight", "bias"))
    assert float(rows[2][4]) == pytest.approx(math.sqrt(total / int(rows[2][1])), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"view": "feature_map", "node": "first"}, OptionError, "Did you mean 'feature_maps'"),
        ({"view": "feature_maps"}, UsageError, "name it with --node. It fits: images, first"),
        ({"view": "feature_maps", "node": "frist"}, SelectorError, "Did you mean 'first'"),
        ({"view": "feature_maps", "node": "first", "index": 3}, SelectorError, "no output 3"),
        ({"view": "feature_maps", "node": "first", "of": "input"}, OptionError, "value or gradient"),
        ({"view": "attention", "node": "first"}, SelectorError, "Views that do: norms, feature_maps, filters"),
        ({"view": "loss", "node": "first"}, UsageError, "leave the node out"),
        ({"view": "loss", "step": 99}, SelectorError, "no step 99"),
    ],
)
def test_what_cannot_be_shown_is_said(
    painter: RunData, tmp_path: Path, arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        export_view(painter, tmp_path / "x.png", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(("name", "message"), [("maps.gif", "not to .gif"), ("maps.csv", "Images are not written")])
def test_a_file_of_another_kind_is_refused(painter: RunData, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        export_view(painter, tmp_path / name, "feature_maps", node="first")


@pytest.mark.parametrize("name", ["gradient_flow", "gradient_history", "loss"])
def test_a_run_without_gradients_says_so(forward_only: RunData, tmp_path: Path, name: str) -> None:
    with pytest.raises(NotRecorded, match="backward pass"):
        export_view(forward_only, tmp_path / "x.png", name)


def test_a_view_that_fails_is_at_fault_itself(painter: RunData) -> None:
    def broken(subject: Subject, options: ViewOptions) -> ViewData:
        raise ZeroDivisionError("by nothing")

    def mistaken(subject: Subject, options: ViewOptions) -> ViewData:
        return "text"  # type: ignore[return-value]

    subject = Subject(painter, 0, 0)
    with pytest.raises(PluginError, match="'swirl' failed: ZeroDivisionError: by nothing"):
        make(View("swirl", "Swirl", broken), subject, ViewOptions())
    with pytest.raises(PluginError, match="returned str"):
        make(View("swirl", "Swirl", mistaken), subject, ViewOptions())


def test_a_view_that_raises_when_asked_does_not_apply(painter: RunData) -> None:
    def raises(subject: Subject) -> bool:
        raise ZeroDivisionError

    view = View("swirl", "Swirl", lambda subject, options: GRID, raises)
    assert not applies(view, Subject(painter, 0, 0))

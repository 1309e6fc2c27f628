"""Galleries, plots and heat maps paint what they are given, and say what is pointed at."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent
from PyQt6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from graphviz_nn.model.views import Curve, Curves, HeatMap, ImageGrid
from graphviz_nn.scene.tiles import NAN, NONFINITE_COLOURS, PLUS_INF, colour_table
from graphviz_nn_ui.viewmodels.gallery import Gallery
from graphviz_nn_ui.widgets.colour_images import ColourBar
from graphviz_nn_ui.widgets.heat_map import HeatMapView
from graphviz_nn_ui.widgets.image_grid import ImageGridView
from graphviz_nn_ui.widgets.plot import Plot

IMAGES = np.arange(6 * 4 * 4, dtype=np.float64).reshape(6, 4, 4)


def _colour(widget: QWidget, x: float, y: float) -> str:
    picture = widget.grab()
    ratio = picture.devicePixelRatio()
    return picture.toImage().pixelColor(int(x * ratio), int(y * ratio)).name()


def _grid(qtbot: QtBot, images: np.ndarray[tuple[int, ...], np.dtype[np.float64]], **options: object) -> ImageGridView:
    view = ImageGridView("maps")
    qtbot.addWidget(view)
    view.resize(400, 300)
    labels = tuple(str(place) for place in range(len(images)))
    view.show_gallery(Gallery.of(ImageGrid("maps", images, labels, **options)))  # type: ignore[arg-type]
    return view


def _move(widget: QWidget, to: QPointF) -> None:
    """Moves the pointer, also over a widget that is not on a screen."""
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, to, to, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def _middle(view: ImageGridView, place: int, row: int, column: int) -> QPointF:
    geometry = view.geometry_of_images()
    assert geometry is not None
    box = geometry.box(place)
    return QPointF(box.left + (column + 0.5) * geometry.scale, box.top + (row + 0.5) * geometry.scale)


def test_each_pixel_has_its_colour(qtbot: QtBot) -> None:
    view = _grid(qtbot, IMAGES, scale="common")
    table = colour_table("sequential", "#000000")
    for place, row, column in ((0, 0, 0), (5, 3, 3), (2, 1, 2)):
        number = IMAGES[place, row, column]
        spot = _middle(view, place, row, column)
        assert _colour(view, spot.x(), spot.y()) == table[int(number / 95 * 251 + 0.5)]


def test_what_is_not_finite_is_loud_and_counted(qtbot: QtBot) -> None:
    images = IMAGES.copy()
    images[1, 2, 3], images[4, 0, 0] = np.nan, np.inf
    view = _grid(qtbot, images)
    for slot, spot in ((NAN, _middle(view, 1, 2, 3)), (PLUS_INF, _middle(view, 4, 0, 0))):
        assert _colour(view, spot.x(), spot.y()) == NONFINITE_COLOURS[slot]
    assert view.gallery is not None
    assert view.gallery.tiles is not None
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.show_range("sequential", 0.0, 1.0, view.gallery.tiles.counts)
    assert bar.text == "0 … 1, 1 NaN, 1 +Inf"


def test_images_in_colour_keep_it(qtbot: QtBot) -> None:
    images = np.zeros((2, 3, 3, 3))
    images[1, 1, 1] = (1.0, 0.5, 0.0)
    view = _grid(qtbot, images)
    spot = _middle(view, 1, 1, 1)
    assert QColor(_colour(view, spot.x(), spot.y())).getRgb()[:3] == (255, 128, 0)


def test_images_much_larger_than_the_screen_keep_their_colours(qtbot: QtBot) -> None:
    large = np.zeros((4, 2400, 2400))
    large[1] = large[2, 1200:] = 1.0
    view = _grid(qtbot, large, scale="common")
    geometry = view.geometry_of_images()
    assert geometry is not None
    assert view._sheet(geometry).height() < 1500
    table = colour_table("sequential", "#000000")
    spots = [_middle(view, *spot) for spot in ((0, 1200, 1200), (1, 60, 2340), (2, 60, 1200), (2, 2340, 1200))]
    lowest, highest = table[0], table[251]
    assert [_colour(view, spot.x(), spot.y()) for spot in spots] == [lowest, highest, lowest, highest]


def test_the_pointer_reads_numbers(qtbot: QtBot) -> None:
    view = _grid(qtbot, IMAGES)
    texts: list[str] = []
    view.pointed.connect(texts.append)
    _move(view, _middle(view, 3, 2, 1))
    _move(view, QPointF(1, 1))
    assert texts == ["map 3 · row 2, column 1 · 57", ""]


def test_a_click_and_the_arrow_keys_choose_an_image(qtbot: QtBot) -> None:
    view = _grid(qtbot, IMAGES)
    chosen: list[int] = []
    view.current_changed.connect(chosen.append)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=_middle(view, 2, 0, 0).toPoint())
    for key in (Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Right, Qt.Key.Key_Home):
        qtbot.keyClick(view, key)
    assert chosen == [2, 3, 5, 0]


@pytest.mark.parametrize("images", [np.empty((0, 4, 4)), np.full((3, 2, 2), np.nan), np.zeros((1, 1, 1))])
def test_odd_galleries_are_painted(qtbot: QtBot, images: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    assert not _grid(qtbot, images).grab().isNull()


def _is_blue(picture: QImage, column: int) -> bool:
    """Whether the forward colour, blue in both themes, is in a column of pixels below the head."""
    colours = (picture.pixelColor(column, row) for row in range(30, picture.height() - 40))
    return any(colour.blue() > colour.red() + 90 for colour in colours)


def _plot(qtbot: QtBot, curves: Curves) -> Plot:
    plot = Plot("loss")
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    plot.show_curves(curves)
    return plot


LOSS = Curves(
    "Loss", (Curve("loss", np.array([0.0, 10, 20]), np.array([3.0, np.nan, 1.0])),), "step", "loss", cursor=10
)


def test_titles_without_room_are_said_by_the_tooltip(qtbot: QtBot) -> None:
    title, row = "gradient norm of each layer over all steps of training", "encoder.layers.11.self_attn.out_proj"
    plot, heat = Plot("plot"), HeatMapView("heat map")
    for widget in (plot, heat):
        qtbot.addWidget(widget)
        widget.resize(200, 160)
        widget.show()
    plot.show_curves(Curves(title, (Curve("loss", np.arange(3.0), np.arange(3.0)),), "step", "loss"))
    heat.show_map(HeatMap(title, np.ones((1, 3)), (row,), ("0", "1", "2"), "layer", "step", "norm"))
    for widget, place, said in ((plot, QPoint(20, 8), title), (heat, QPoint(20, 8), title), (heat, QPoint(6, 70), row)):
        QToolTip.hideText()
        QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place)))
        assert QToolTip.text() == said


def test_a_click_on_a_plot_goes_to_the_nearest_place(qtbot: QtBot) -> None:
    plot = _plot(qtbot, LOSS)
    places: list[float] = []
    plot.chosen.connect(places.append)
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(380, 100))
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert places == [20.0, 10.0]
    assert plot.cursor_place == 10.0
    assert plot.text_at(20.0) == "step 20 · loss 1"


def test_a_curve_is_drawn_in_its_hue_and_gaps_are_gaps(qtbot: QtBot) -> None:
    x = np.arange(100.0)
    y = np.where((x > 40) & (x < 60), np.nan, 1.0)
    plot = _plot(qtbot, Curves("x", (Curve("y", x, y, "forward"),), "step", "y"))
    picture = plot.grab().toImage()
    drawn = [_is_blue(picture, column) for column in range(picture.width())]
    assert sum(drawn[70:180]) > 100
    assert not any(drawn[215:235])
    assert sum(drawn[260:380]) > 100


@pytest.mark.parametrize(
    "curves",
    [
        Curves("nothing", (), "x", "y"),
        Curves("nan", (Curve("a", np.arange(3.0), np.full(3, np.nan)),), "x", "y"),
        Curves("zeros", (Curve("a", np.arange(3.0), np.zeros(3)),), "x", "y", logarithmic=True),
        Curves(
            "long nan",
            (Curve("a", np.arange(9e3), np.ones(9000)), Curve("b", np.arange(9e3), np.full(9000, np.nan))),
            "x",
            "y",
        ),
        Curves("long", (Curve("a", np.arange(9e3), np.sin(np.arange(9e3))),), "x", "y"),
        Curves("one", (Curve("a", np.zeros(1), np.ones(1)),), "x", "y"),
        Curves("bars", (Curve("a", np.arange(2.0), np.array([1.0, np.nan])),), "x", "y", ticks=("a", "b"), bars=True),
    ],
)
def test_odd_curves_are_painted(qtbot: QtBot, curves: Curves) -> None:
    assert not _plot(qtbot, curves).grab().isNull()


def _heat_map(qtbot: QtBot) -> HeatMapView:
    view = HeatMapView("flow")
    qtbot.addWidget(view)
    view.resize(400, 200)
    values = np.array([[1e-6, 1e-3, 1.0], [np.nan, 0.0, 1e-3]])
    view.show_map(
        HeatMap("Flow", values, ("first", "second"), ("0", "5", "9"), "layer", "step", "norm", logarithmic=True)
    )
    return view


def test_a_heat_map_says_its_cells_and_goes_to_them(qtbot: QtBot) -> None:
    view = _heat_map(qtbot)
    cells: list[tuple[int, int]] = []
    view.chosen.connect(lambda row, column: cells.append((row, column)))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(380, 40))
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert cells == [(0, 2), (1, 2), (1, 1)]
    assert view.text_at(0, 2) == "first · step 9 · 1"
    assert view.text_at(1, 0) == "second · step 0 · not measured"


def test_heat_map_colours_follow_the_logarithm(qtbot: QtBot) -> None:
    view = _heat_map(qtbot)
    table = colour_table("sequential", "#000000")
    assert _colour(view, 385, 40) == table[251]
    assert _colour(view, 225, 40) == table[126]
    assert _colour(view, 225, 150) == table[0]  # exactly 0 is the lowest

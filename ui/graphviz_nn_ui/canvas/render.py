"""The picture of a step without a window: what `graphviz-nn export RUN -o x.png` writes where Qt is installed."""

from __future__ import annotations

import os
from typing import Final

from PyQt6.QtGui import QGuiApplication, QImage
from PyQt6.QtWidgets import QApplication

from graphviz_nn.export.request import overlay_of, structure_of
from graphviz_nn.model.exporters import ExportRequest
from graphviz_nn.scene.arrange import arrange
from graphviz_nn.scene.box_numbers import box_numbers
from graphviz_nn.scene.compose import build_picture
from graphviz_nn.scene.tabulate import tabulate
from graphviz_nn_ui.canvas.colours import colours_of
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.export import png_bytes
from graphviz_nn_ui.canvas.page import Page
from graphviz_nn_ui.widgets.theme import DARK_THEME, LIGHT_THEME

_ZOOM: Final = 2.0
_kept: list[QGuiApplication] = []
"""The application that was made here: one that nobody keeps ends with the function that made it."""


def render(request: ExportRequest, zoom: float = 1.0) -> QImage:
    """Returns the picture of a step, `zoom` pixels of the image per pixel of the picture.

    Raises:
        OptionError: an option has an unknown value. SelectorError: a pattern of `expand` matches nothing.
        NotRecorded: the run does not hold the numbers that are to colour it.
    """
    return _page(request).image(zoom)


def write_png(request: ExportRequest) -> bytes:
    """Returns the picture of a step as a PNG, two pixels per pixel of the picture. Raises as `render` does."""
    return png_bytes(render(request, _ZOOM))


def write_pdf(request: ExportRequest) -> bytes:
    """Returns the picture of a step as a PDF of one page. Raises as `render` does."""
    return _page(request).pdf()


def _page(request: ExportRequest) -> Page:
    _need_application()
    numbers = overlay_of(request)
    picture = build_picture(structure_of(request), request.options)
    tables = tabulate(picture, arrange(picture, request.options, numbers, None), numbers is not None)
    drawing = Drawing(tables)
    drawing.set_numbers(box_numbers(tables, numbers) if numbers is not None else None)
    theme = DARK_THEME if request.options.theme == "dark" else LIGHT_THEME
    colour_map = numbers.quantity.colour_map if numbers is not None else "viridis"
    return Page(drawing, colours_of(theme, colour_map))


def _need_application() -> None:
    """Fonts need an application; without a display it draws off screen."""
    if QGuiApplication.instance() is None:
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt"):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        _kept.append(QApplication([]))

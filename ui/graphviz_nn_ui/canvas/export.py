"""What is on the canvas, as a file or on the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from PyQt6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData
from PyQt6.QtGui import QGuiApplication, QImage

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.export.files import write_whole
from graphviz_nn.export.svg import svg
from graphviz_nn.scene.overlay import overlay
from graphviz_nn_ui.canvas.page import Page
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.widgets.saving import ask_where

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_TAG: Final = "export"
_ZOOM: Final = 2.0
"""Pixels of an image per pixel of the picture."""

_FORMATS: Final = {"svg": "SVG", "png": "PNG", "pdf": "PDF"}


class Exports:
    """Writes the picture, as it is expanded and coloured, away from the window's thread."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def commands(self, there: Callable[[], bool]) -> list[Command]:
        files = [
            Command(
                f"export.{suffix}",
                f"Picture as {name}…",
                partial(self.ask, suffix),
                "File/Export",
                tip=f"Write the graph as it is expanded and coloured now as {name}",
                enabled=there,
            )
            for suffix, name in _FORMATS.items()
        ]
        tip = "Copy the graph as it is expanded and coloured now, as PNG and SVG"
        return [*files, Command("export.copy", "Copy the picture", self.copy, "Edit", "Ctrl+Shift+C", tip, "", there)]

    def ask(self, suffix: str) -> None:
        """Asks where to, and writes."""
        name, filters = f"graph.{suffix}", f"{_FORMATS[suffix]} (*.{suffix})"
        path = ask_where(self._canvas, "Export the picture", name, filters, (f".{suffix}",))
        if path is not None:
            self.write(path)

    def write(self, path: Path) -> None:
        """Writes a file in the format of its suffix; says so in the status bar, or why it could not."""
        make = self._maker(path.suffix.lower().lstrip("."))
        workspace = self._canvas.workspace

        def done(_: object) -> None:
            workspace.message.emit(f"Wrote {path}", 6.0)

        def failed(error: Exception) -> None:
            workspace.problem.emit(f"{path.name} could not be written.", str(error))

        workspace.jobs.submit(_TAG, lambda _: write_whole(path, make()), done, failed)

    def copy(self) -> None:
        """Puts the picture onto the clipboard."""
        make_svg, make_image = self._maker("svg"), self._image
        workspace = self._canvas.workspace

        def done(made: tuple[bytes, QImage]) -> None:
            data = QMimeData()
            data.setImageData(made[1])
            data.setData("image/svg+xml", QByteArray(made[0]))
            clipboard = QGuiApplication.clipboard()
            if clipboard is not None:
                clipboard.setMimeData(data)
                workspace.message.emit("Copied the picture", 4.0)

        def failed(error: Exception) -> None:
            workspace.problem.emit("The picture could not be copied.", str(error))

        workspace.jobs.submit(_TAG, lambda _: (make_svg(), make_image()), done, failed)

    def _image(self) -> QImage:
        drawing = self._canvas.drawing
        assert drawing is not None
        return Page(drawing, self._canvas.colours).image(_ZOOM)

    def _maker(self, suffix: str) -> Callable[[], bytes]:
        """What makes the bytes of a file, in any thread, of the picture as it is now."""
        drawing, colours = self._canvas.drawing, self._canvas.colours
        assert drawing is not None
        if suffix == "pdf":
            return lambda: Page(drawing, colours).pdf()
        if suffix == "png":
            return lambda: png_bytes(Page(drawing, colours).image(_ZOOM))
        return self._svg_maker()

    def _svg_maker(self) -> Callable[[], bytes]:
        source = self._canvas.source
        session, document = source.session, self._canvas.workspace.document
        assert session is not None
        assert document is not None
        data, position = document.data, session.position
        color_by, make_scene = self._canvas.workspace.look.color_by, source.scene_maker()
        theme = "dark" if self._canvas.colours.theme.dark else "light"

        def make() -> bytes:
            try:
                numbers = overlay(data, position, color_by)
            except GraphvizNNError:
                numbers = None
            return svg(msgspec.structs.replace(make_scene(numbers), theme=theme)).encode()

        return make


def png_bytes(image: QImage) -> bytes:
    """Returns an image as a PNG file."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    buffer.close()
    return data.data()

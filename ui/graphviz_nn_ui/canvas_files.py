"""The file formats that the app adds: PNG and PDF as the canvas paints them.

A plugin of its own, whose name places it after the built-in exporters: it takes the place of what `dot` draws.
"""

from __future__ import annotations

from importlib.util import find_spec

from graphviz_nn.model.exporters import Exporter, ExportRequest
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_exporters() -> list[Exporter]:
    """None where Qt is not installed. Qt is imported when a file is written."""
    if find_spec("PyQt6") is None:
        return []
    return [
        Exporter("png", (".png",), "picture as the app paints it", _png),
        Exporter("pdf", (".pdf",), "picture as the app paints it, for papers", _pdf),
    ]


def _png(request: ExportRequest) -> bytes:
    try:
        from graphviz_nn_ui.canvas.render import write_png
    except ImportError:  # Qt lacks a library of the system
        from graphviz_nn.export.dot import write_png
    return write_png(request)


def _pdf(request: ExportRequest) -> bytes:
    try:
        from graphviz_nn_ui.canvas.render import write_pdf
    except ImportError:
        from graphviz_nn.export.dot import write_pdf
    return write_pdf(request)

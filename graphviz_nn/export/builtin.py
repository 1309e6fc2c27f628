"""The built-in file formats, as a plugin like any other."""

from __future__ import annotations

from graphviz_nn.model.exporters import Exporter, ExportRequest
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_exporters() -> list[Exporter]:
    return [
        Exporter("svg", (".svg",), "picture for browsers and papers", _svg),
        Exporter("html", (".html", ".htm"), "page to explore in a browser, in one file", _html),
        Exporter("dot", (".dot", ".gv"), "picture as Graphviz source", _dot),
        Exporter("pdf", (".pdf",), "picture drawn by Graphviz, where `dot` is installed", _pdf),
        Exporter("png", (".png",), "picture drawn by Graphviz, where `dot` is installed", _png),
        Exporter("graphml", (".graphml",), "the whole graph, for Gephi, yEd, Cytoscape and networkx", _graphml),
        Exporter("json", (".json",), "the whole graph as node-link JSON, for networkx", _json),
    ]


# Each format's module is imported when the format is written: plugins are loaded whenever any command runs.


def _svg(request: ExportRequest) -> bytes:
    from graphviz_nn.export.request import scene_of
    from graphviz_nn.export.svg import svg

    return svg(scene_of(request)).encode()


def _html(request: ExportRequest) -> bytes:
    from graphviz_nn.export.html import write_html

    return write_html(request)


def _dot(request: ExportRequest) -> bytes:
    from graphviz_nn.export.dot import write_dot

    return write_dot(request)


def _pdf(request: ExportRequest) -> bytes:
    from graphviz_nn.export.dot import write_pdf

    return write_pdf(request)


def _png(request: ExportRequest) -> bytes:
    from graphviz_nn.export.dot import write_png

    return write_png(request)


def _graphml(request: ExportRequest) -> bytes:
    from graphviz_nn.export.graphml import write_graphml
    from graphviz_nn.export.request import structure_of
    from graphviz_nn.graph.build import build_graph

    return write_graphml(build_graph(structure_of(request)))


def _json(request: ExportRequest) -> bytes:
    from graphviz_nn.export.json import write_json
    from graphviz_nn.export.request import structure_of
    from graphviz_nn.graph.build import build_graph

    return write_json(build_graph(structure_of(request)))

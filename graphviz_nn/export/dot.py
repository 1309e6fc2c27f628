"""The picture as DOT, and drawn by Graphviz where it is installed: modules are clusters."""

from __future__ import annotations

import subprocess
from typing import Final

import graphviz

from graphviz_nn.errors import UsageError
from graphviz_nn.export.request import overlay_of, structure_of
from graphviz_nn.model.exporters import ExportRequest
from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.compose import build_picture
from graphviz_nn.scene.heat import HeatMap
from graphviz_nn.scene.labels import Labels
from graphviz_nn.scene.metrics import tag_texts
from graphviz_nn.scene.picture import Picture, PictureBox, PictureContainer
from graphviz_nn.scene.text import elide
from graphviz_nn.scene.theme import DARK, LIGHT, Palette, heat_colour

_SIZE: Final = 11.0
_WIDEST_LINE: Final = 600.0
"""In pixels. Graphviz reads no string of more than 16,384 bytes."""

_STYLES: Final = {"data": "solid", "alias": "dotted", "loop": "dashed"}


def write_dot(request: ExportRequest) -> bytes:
    """Returns DOT source in UTF-8, needing no Graphviz program."""
    return str(_digraph(request).source).encode()


def write_pdf(request: ExportRequest) -> bytes:
    """Returns a PDF drawn by `dot`. Raises `UsageError` where it is not installed, or fails."""
    return _draw(request, "pdf")


def write_png(request: ExportRequest) -> bytes:
    """Returns a PNG drawn by `dot`. Raises `UsageError` where it is not installed, or fails."""
    return _draw(request, "png")


def _draw(request: ExportRequest, format_name: str) -> bytes:
    digraph = _digraph(request)
    try:
        return bytes(digraph.pipe(format=format_name, quiet=True))
    except graphviz.ExecutableNotFound as error:
        raise UsageError(
            f"{format_name.upper()} is drawn by Graphviz's `dot`, which is not installed: run `apt install graphviz`, "
            "or export to .svg, which needs no other program."
        ) from error
    except subprocess.CalledProcessError as error:
        detail = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        raise UsageError(f"`dot` could not draw the picture: {detail[-1] if detail else error}") from error


def _digraph(request: ExportRequest) -> graphviz.Digraph:
    options = request.options
    picture = build_picture(structure_of(request), options)
    numbers = overlay_of(request)
    heat_map = HeatMap(picture, numbers) if numbers is not None else None
    palette = DARK if options.theme == "dark" else LIGHT
    digraph = graphviz.Digraph(
        graph_attr={
            "rankdir": "TB" if options.direction == "down" else "LR",
            "bgcolor": palette.canvas,
            "fontname": "Helvetica",
            "fontcolor": palette.ink,
            "fontsize": "12",
        },
        node_attr={"shape": "box", "style": "rounded,filled", "fontname": "Helvetica", "fontsize": "11"},
        edge_attr={"color": palette.wire, "arrowsize": "0.7"},
    )
    _Writer(picture, palette, heat_map).write(digraph)
    return digraph


class _Writer:
    def __init__(self, picture: Picture, palette: Palette, heat_map: HeatMap | None) -> None:
        self._picture = picture
        self._palette = palette
        self._labels = Labels(picture)
        self._heat_map = heat_map

    def write(self, digraph: graphviz.Digraph) -> None:
        self._write_children(digraph, self._picture.root)
        for wire in self._picture.wires:
            digraph.edge(
                wire.source.key,
                wire.target.key,
                style=_STYLES[wire.kind],
                tooltip=_lines(self._labels.wire(wire)),
                constraint="false" if wire.kind == "loop" else "true",
            )

    def _write_children(self, digraph: graphviz.Digraph, container: PictureContainer) -> None:
        for child in container.children:
            if isinstance(child, PictureBox):
                self._write_box(digraph, child, container)
            else:
                with digraph.subgraph(name=f"cluster_{child.key}") as cluster:
                    self._write_cluster(cluster, child, container)

    def _write_cluster(self, cluster: graphviz.Digraph, container: PictureContainer, outer: PictureContainer) -> None:
        text = self._labels.container(container.group, outer.group)
        palette = self._palette
        cluster.attr(
            label=_lines(f"{text.title}  {text.subtitle}".strip()),
            tooltip=_lines(text.tooltip),
            style="rounded,filled",
            color=palette.container_line,
            fillcolor=palette.containers[container.group.depth % 2],
        )
        self._write_children(cluster, container)

    def _write_box(self, digraph: graphviz.Digraph, box: PictureBox, container: PictureContainer) -> None:
        text = self._labels.box(box, container.group)
        palette = self._palette
        tone = palette.plain if text.category is Category.OTHER else palette.tones[text.category]
        heat = self._heat_map.box(box) if self._heat_map is not None else None
        lines = [*tag_texts(text.marks, box.repeat, box.looped), text.title, text.subtitle, text.shape]
        border = tone.strong
        if self._heat_map is not None and heat is not None:
            lines.append(f"{self._heat_map.scale().title}: {heat.text}")
            border = heat_colour(heat.fraction, self._heat_map.scale().colour_map)
        digraph.node(
            box.key,
            label=_lines("\n".join(filter(None, lines))),
            tooltip=_lines(text.tooltip),
            color=border,
            penwidth="3" if heat is not None else "1.2",
            fillcolor=tone.soft,
            fontcolor=palette.ink,
        )


def _lines(text: str) -> str:
    """The text as a DOT string that means itself: no escapes, no HTML, lines kept."""
    lines = (elide(line, _SIZE, _WIDEST_LINE).replace("\\", "\\\\") for line in text.split("\n"))
    quoted: str = graphviz.nohtml("\\n".join(lines))
    return quoted

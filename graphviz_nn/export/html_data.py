"""The data of a page: every box, wire and fact that it may show, as plain JSON types."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from graphviz_nn.export.html_boxes import CATEGORIES, PageBox, PageBoxes, PageGroup, walk
from graphviz_nn.export.html_details import Details, PageModule, PageNode
from graphviz_nn.export.request import overlay_of, structure_of
from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.model.exporters import ExportRequest
from graphviz_nn.model.stats import STATS
from graphviz_nn.scene import metrics
from graphviz_nn.scene.compose import build_picture
from graphviz_nn.scene.expansion import closed_groups
from graphviz_nn.scene.memory import Memory
from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.picture import Picture, PictureContainer
from graphviz_nn.scene.text import text_width
from graphviz_nn.scene.theme import COLOUR_MAPS
from graphviz_nn.scene.wiring import connect

WIRE_KINDS: Final = ("data", "alias")

_METRICS: Final = (
    "TITLE_LINE", "SUBTITLE_LINE", "SHAPE_LINE", "PADDING", "STRIPE", "TEXT_LEFT", "TEXT_RIGHT", "HEAT_STRIP", "STACK",
    "TAG_GAP", "CONTAINER_TITLE", "CONTAINER_LEFT", "CONTAINER_GAP", "LABEL_SIZE",
)  # fmt: skip

_SHAPE_CHARACTERS: Final = string.ascii_letters + string.digits + "×[] +_.,-"
"""What the labels of wires are made of: shapes, dtypes, counts."""


def page_data(request: ExportRequest) -> dict[str, Any]:
    """Returns what the page reads: see `docs/export.md`.

    Raises:
        NotRecorded, OptionError, SelectorError: as `overlay` and `compose` do.
    """
    with collector_paused():
        return _page_data(request)


def _page_data(request: ExportRequest) -> dict[str, Any]:
    options = request.options
    picture = build_picture(structure_of(request), options)
    numbers = overlay_of(request)
    # A picture that shows everything shows each repeat, and so does its page.
    tables = PageBoxes(picture, numbers, folds=options.depth is not None and not options.show_all)
    groups = tables.groups()
    opened = [container.key for container, outer in walk(picture.root) if outer is not None]
    results = {group.result for group in groups}
    edges = _edges(picture, tables, [])
    details = Details(request.data, request.position, picture.structure)
    parameters = sorted({number for box in tables.boxes for number in box.parameters})
    info = request.data.steps()[request.position]
    memory = Memory(picture.structure)
    return {
        "title": memory.title,
        "description": memory.description,
        "step": {"index": info.index, "loss": info.loss if info.loss is None else f"{info.loss:.5g}"},
        "direction": options.direction,
        "theme": options.theme,
        "scale": _scale(numbers),
        "categories": [category.value for category in CATEGORIES],
        "statistics": STATS,
        "metrics": {name: getattr(metrics, name) for name in _METRICS},
        "widths": {character: round(text_width(character, 1.0), 4) for character in _SHAPE_CHARACTERS},
        "open": opened,
        "shut": sorted(closed_groups(tables.containers["root"].group, picture.module_types, picture.types)),
        "boxes": table(tables.boxes, PageBox),
        "groups": table(groups, PageGroup),
        "edges": edges,
        "results": [edge for edge in _edges(picture, tables, list(tables.containers.values())) if edge[2] in results],
        "nodes": table(details.nodes(box.node for box in tables.boxes if box.node >= 0), PageNode),
        "parameters": table(details.nodes(parameters), PageNode),
        "modules": table(details.modules(), PageModule),
    }


def table(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Returns rows without the names of their fields, which are said once."""
    return {"fields": kind.__struct_fields__, "rows": msgspec.to_builtins(rows)}


def _edges(picture: Picture, tables: PageBoxes, opened: Sequence[PictureContainer]) -> list[list[int]]:
    """What flows between calls: source, output, target, place of the kind in `WIRE_KINDS`; by ascending target.

    While one of `opened` is open, the call that stands for its result reads what the calls inside made.
    """
    wires = connect(picture.visibility, tables.leaves, opened, {})
    return [
        [value.node, value.index, wire.target.nodes[0], WIRE_KINDS.index(wire.kind)]
        for wire in wires
        for value in wire.values
    ]


def _scale(numbers: Overlay | None) -> dict[str, Any] | None:
    """What heat means; its range is that of the boxes on show."""
    if numbers is None:
        return None
    quantity = numbers.quantity
    return {
        "title": quantity.title,
        "logarithmic": quantity.logarithmic,
        "stops": COLOUR_MAPS[quantity.colour_map],
    }

"""Between the session's selection and what the picture shows of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from PyQt6.QtCore import QPointF, QRectF

from graphviz_nn.model.structure import Structure
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Selection, ValueSelection
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.hits import BOX, CONTAINER, Hit
from graphviz_nn_ui.viewmodels.graph_state import standing_for


@dataclass(slots=True)
class Highlight:
    """What stands out: boxes, containers and wires, by place."""

    boxes: set[int] = field(default_factory=set)
    containers: set[int] = field(default_factory=set)
    wires: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.boxes or self.containers or self.wires)


def highlight_of(drawing: Drawing, structure: Structure, selection: Selection | None) -> Highlight:
    """Returns what the picture shows of a selection: what is inside a closed module stands for the module's box."""
    found = Highlight()
    match selection:
        case NodeSelection(node) | ValueSelection(node, _):
            _add_node(found, drawing, structure, node)
        case ModuleSelection(path, call):
            _add_module(found, drawing, structure, path, call)
        case EdgeSelection(source, index, target, _):
            ends = int(drawing.tables.home[source]), int(drawing.tables.home[target])
            wires = drawing.tables.wires
            for wire in drawing.leaving(ends[0]):
                if wires.targets[wire] == ends[1] and (
                    (wires.nodes[wire], wires.outputs[wire]) == (source, index) or not found.wires
                ):
                    found.wires.add(wire)
    if isinstance(selection, ValueSelection):
        wires = drawing.tables.wires
        found.wires |= {
            wire
            for box in found.boxes
            for wire in drawing.leaving(box)
            if (wires.nodes[wire], wires.outputs[wire]) == (selection.node, selection.index)
        }
    else:
        for box in found.boxes:
            found.wires |= {*drawing.leaving(box), *drawing.entering(box)}
    return found


def selection_of(drawing: Drawing, structure: Structure, hit: Hit | None) -> Selection | None:
    """Returns what a click selects."""
    if hit is None:
        return None
    tables = drawing.tables
    if hit.kind == CONTAINER:
        return selection_of_key(structure, tables.containers.key(hit.place))
    if hit.kind == BOX:
        nodes = tables.boxes.nodes(hit.place)
        key = tables.boxes.key(hit.place)
        lone = key.startswith("n") or len(nodes) == 1
        return NodeSelection(nodes[0]) if lone else selection_of_key(structure, key)
    return _of_wire(drawing, structure, hit.place)


def key_of(drawing: Drawing, found: Highlight) -> str | None:
    """Returns the key of the box, or else of the container, that stands out, the first where there are several."""
    if found.boxes:
        return drawing.tables.boxes.key(min(found.boxes))
    return drawing.tables.containers.key(min(found.containers)) if found.containers else None


def related(drawing: Drawing, boxes: set[int], *, upstream: bool) -> Highlight:
    """Returns the boxes that lead to some boxes (or that they lead to), and the wires on the way, those included."""
    wires = drawing.tables.wires
    steps, ends = (drawing.entering, wires.sources) if upstream else (drawing.leaving, wires.targets)
    found = Highlight(boxes=set(boxes))
    pending = list(boxes)
    while pending:
        for wire in steps(pending.pop()):
            found.wires.add(wire)
            other = int(ends[wire])
            if other not in found.boxes:
                found.boxes.add(other)
                pending.append(other)
    return found


def outline_of(drawing: Drawing, found: Highlight) -> QRectF | None:
    """Returns the part of the picture that holds the boxes and containers that stand out, or else the wires; None
    where nothing does."""
    outline = QRectF()
    for places, rects in (
        (found.boxes, drawing.tables.boxes.rects),
        (found.containers, drawing.tables.containers.rects),
    ):
        for place in places:
            outline = outline.united(QRectF(*rects[place].tolist()))
    if not outline.isValid():
        wires = drawing.tables.wires
        for wire in found.wires:
            pieces = drawing.tables.piece_band.bounds[wires.first_pieces[wire] : wires.first_pieces[wire + 1]]
            corners = QPointF(*pieces[:, :2].min(axis=0).tolist()), QPointF(*pieces[:, 2:].max(axis=0).tolist())
            outline = outline.united(QRectF(*corners))
    return outline if outline.isValid() else None


def _add_node(found: Highlight, drawing: Drawing, structure: Structure, node: int) -> None:
    container = drawing.container(f"f{node}")
    if container is not None:
        found.containers.add(container)
    box = standing_for(drawing.tables, structure, node)
    if box >= 0:
        found.boxes.add(box)


def _add_module(found: Highlight, drawing: Drawing, structure: Structure, path: str, call: int | None) -> None:
    calls = [
        number for number, each in enumerate(structure.module_calls) if each.path == path and call in (None, each.call)
    ]
    hidden = set()
    for number in calls:
        if (container := drawing.container(f"m{number}")) is not None:
            found.containers.add(container)
        elif (box := drawing.box(f"m{number}")) is not None:
            found.boxes.add(box)
        else:
            hidden.add(number)
    if hidden:
        inside = [node.id for node in structure.nodes if node.module_call in hidden]
        homes = drawing.tables.home[inside]
        found.boxes |= set(homes[homes >= 0].tolist())


def selection_of_key(structure: Structure, key: str) -> Selection:
    """Returns what selects the group with a key."""
    if key.startswith("m"):
        call = structure.module_calls[int(key[1:])]
        return ModuleSelection(call.path, call.call)
    return NodeSelection(int(key[1:]))


def _of_wire(drawing: Drawing, structure: Structure, wire: int) -> Selection:
    """The edge that a wire draws; where it passes through calls that are not drawn, the value that flows."""
    tables = drawing.tables
    node, output = int(tables.wires.nodes[wire]), int(tables.wires.outputs[wire])
    for target in tables.boxes.nodes(int(tables.wires.targets[wire])):
        for place, edge in enumerate(structure.nodes[target].inputs):
            if (edge.node, edge.output) == (node, output):
                return EdgeSelection(node, output, target, place)
    return ValueSelection(node, output)

"""From a scene to its arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

import numpy as np

from graphviz_nn.scene.band import Band, Bounds
from graphviz_nn.scene.picture import Picture, PictureBox, PictureContainer
from graphviz_nn.scene.scene import Scene, SceneBox, SceneWire
from graphviz_nn.scene.tables import (
    CATEGORIES,
    FROZEN,
    MARK_BITS,
    NO_PARAMETERS,
    ROLES,
    TRAINED,
    WIRE_KINDS,
    BoxTable,
    ContainerTable,
    Floats,
    Integers,
    SceneTables,
    WireTable,
    key_id,
)
from graphviz_nn.scene.texts import Texts

_CATEGORY = {category: place for place, category in enumerate(CATEGORIES)}
_ROLE = {role: place for place, role in enumerate(ROLES)}
_KIND = {kind: place for place, kind in enumerate(WIRE_KINDS)}


def tabulate(picture: Picture, scene: Scene, heat: bool) -> SceneTables:
    """Returns the arrays of a scene that was made of `picture`; `heat` as in `SceneTables`."""
    boxes, containers, wires = _boxes(picture, scene.boxes), _containers(picture, scene), _wires(picture, scene)
    return SceneTables(
        title=scene.title,
        description=scene.description,
        width=scene.width,
        height=scene.height,
        direction=scene.direction,
        heat=heat,
        home=_home(len(picture.structure.nodes), boxes),
        boxes=boxes,
        containers=containers,
        wires=wires,
        box_band=Band.of(_bounds(boxes.rects)),
        container_band=Band.of(_bounds(containers.rects)),
        piece_band=Band.of(_piece_bounds(wires.pieces)),
    )


def _bounds(rects: Floats) -> Bounds:
    return np.concatenate([rects[:, :2], rects[:, :2] + rects[:, 2:]], axis=1)


def _piece_bounds(pieces: Floats) -> Bounds:
    """Of straight pieces and of cubics alike; a pixel wider than these, as a wire is."""
    ends = pieces.reshape(-1, 2, 2)
    return np.concatenate([ends.min(axis=1) - 1, ends.max(axis=1) + 1], axis=1)


def _boxes(picture: Picture, boxes: Sequence[SceneBox]) -> BoxTable:
    members, member_starts = _ragged([box.nodes for box in boxes])
    parameters, parameter_starts = _ragged([sorted(box.parameters) for box in picture.boxes])
    return BoxTable(
        ids=np.array([key_id(box.key) for box in boxes], np.int32),
        rects=_floats((box.rect for box in boxes), 4),
        categories=np.array([_CATEGORY[box.category] for box in boxes], np.uint8),
        roles=np.array([_ROLE[box.role] for box in boxes], np.uint8),
        marks=np.array([sum(MARK_BITS[mark] for mark in box.marks) for box in boxes], np.uint8),
        badges=np.array([_badge(box) for box in boxes], np.uint8),
        repeats=np.array([box.repeat for box in boxes], np.int32),
        looped=np.array([box.looped for box in boxes], np.uint8),
        titles=Texts.of(box.title for box in boxes),
        subtitles=Texts.of(box.subtitle for box in boxes),
        shapes=Texts.of(box.shape for box in boxes),
        badge_texts=Texts.of(box.parameters.text if box.parameters else "" for box in boxes),
        tooltips=Texts.of(box.tooltip for box in boxes),
        paths=Texts.of(box.path for box in boxes),
        members=members,
        member_starts=member_starts,
        parameters=parameters,
        parameter_starts=parameter_starts,
    )


def _badge(box: SceneBox) -> int:
    if box.parameters is None:
        return NO_PARAMETERS
    return TRAINED if box.parameters.trained else FROZEN


def _home(count: int, boxes: BoxTable) -> Integers:
    home = np.full(count, -1, np.int32)
    places = np.arange(len(boxes), dtype=np.int32)
    home[boxes.parameters] = np.repeat(places, np.diff(boxes.parameter_starts))
    home[boxes.members] = np.repeat(places, np.diff(boxes.member_starts))
    return home


def _containers(picture: Picture, scene: Scene) -> ContainerTable:
    ranges = _box_ranges(picture.root)
    found = scene.containers
    return ContainerTable(
        ids=np.array([key_id(container.key) for container in found], np.int32),
        rects=_floats((container.rect for container in found), 4),
        title_rects=_floats((container.title_rect for container in found), 4),
        depths=np.array([container.depth for container in found], np.int32),
        roles=np.array([_ROLE[container.role] for container in found], np.uint8),
        titles=Texts.of(container.title for container in found),
        subtitles=Texts.of(container.subtitle for container in found),
        tooltips=Texts.of(container.tooltip for container in found),
        paths=Texts.of(container.path for container in found),
        first_box=np.array([ranges[container.key][0] for container in found], np.int32),
        end_box=np.array([ranges[container.key][1] for container in found], np.int32),
    )


def _box_ranges(root: PictureContainer) -> dict[str, tuple[int, int]]:
    """By key of a container the range of its boxes among all, in the order of `PictureContainer.boxes`."""
    ranges: dict[str, tuple[int, int]] = {}

    def visit(container: PictureContainer, place: int) -> int:
        start = place
        for child in container.children:
            place = place + 1 if isinstance(child, PictureBox) else visit(child, place)
        ranges[container.key] = (start, place)
        return place

    visit(root, 0)
    return ranges


def _wires(picture: Picture, scene: Scene) -> WireTable:
    wires = scene.wires
    places = {box.key: place for place, box in enumerate(scene.boxes)}
    counts = [len(wire.points) - 1 for wire in wires]
    pieces = ((*start, *end) for wire in wires for start, end in pairwise(wire.points))
    starts = np.zeros(len(wires) + 1, np.int32)
    np.cumsum(counts, out=starts[1:])
    return WireTable(
        sources=np.array([places[wire.source] for wire in wires], np.int32),
        targets=np.array([places[wire.target] for wire in wires], np.int32),
        kinds=np.array([_KIND[wire.kind] for wire in wires], np.uint8),
        nodes=np.array([wire.values[0].node for wire in picture.wires], np.int32),
        outputs=np.array([wire.values[0].index for wire in picture.wires], np.int32),
        labels=Texts.of(wire.label for wire in wires),
        label_at=_floats((wire.label_at or (np.nan, np.nan) for wire in wires), 2),
        shapes=Texts.of(map(_shape, wires)),
        pieces=_floats(pieces, 4),
        piece_wires=np.repeat(np.arange(len(wires), dtype=np.int32), counts),
        first_pieces=starts,
    )


def _shape(wire: SceneWire) -> str:
    """What flows: the last line of a wire's tooltip."""
    return wire.tooltip.rpartition("\n")[2]


def _floats(rows: Iterable[Sequence[float]], width: int) -> Floats:
    return np.fromiter(chain.from_iterable(rows), np.float64).reshape(-1, width)


def _ragged(rows: Sequence[Sequence[int]]) -> tuple[Integers, Integers]:
    """Rows of different length as one array and where each begins; one more entry at the end."""
    starts = np.zeros(len(rows) + 1, np.int32)
    np.cumsum([len(row) for row in rows], out=starts[1:])
    return np.array([number for row in rows for number in row], np.int32), starts

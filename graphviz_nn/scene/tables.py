"""A scene as arrays: what a window paints a hundred times a second, and what one process hands to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.band import Band
from graphviz_nn.scene.scene import BOX_ROLES, MARKS
from graphviz_nn.scene.texts import Texts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

CATEGORIES: Final = tuple(Category)
ROLES: Final = BOX_ROLES
WIRE_KINDS: Final = ("data", "alias", "loop")
NO_PARAMETERS: Final = 0
TRAINED: Final = 1
FROZEN: Final = 2

KEY_KINDS: Final = "nmf"
"""First letters of keys: of a node, a module call, a composite or custom function."""

MARK_BITS: Final = {mark: 1 << place for place, mark in enumerate(MARKS)}


def key_id(key: str) -> int:
    """Returns a key ("n12", "m3", "f12") as a number."""
    return int(key[1:]) * len(KEY_KINDS) + KEY_KINDS.index(key[0])


def key_of(number: int) -> str:
    """Returns the key that `key_id` made a number of."""
    return f"{KEY_KINDS[number % len(KEY_KINDS)]}{number // len(KEY_KINDS)}"


def place_of(ids: Integers, key: str) -> int | None:
    """Returns the place of a key among the ids of a table, or None."""
    found = np.flatnonzero(ids == key_id(key))
    return int(found[0]) if len(found) else None


@dataclass(frozen=True, slots=True, eq=False)
class BoxTable:
    """Boxes that are not expanded, one row each; see `SceneBox`.

    Attributes:
        ids: keys as numbers; see `key_id`.
        rects: x, y, width, height.
        categories, roles: places in `CATEGORIES` and `ROLES`. marks: bits of `MARK_BITS`.
        badges: `NO_PARAMETERS`, `TRAINED` or `FROZEN`; `badge_texts` their counts.
        repeats: how many equal siblings a box stands for. looped: a value goes from one to the next.
        members, member_starts: ids of the nodes of box k are `members[member_starts[k]:member_starts[k + 1]]`.
        parameters, parameter_starts: ids of the parameters that it reads, likewise.
    """

    ids: Integers
    rects: Floats
    categories: Bytes
    roles: Bytes
    marks: Bytes
    badges: Bytes
    repeats: Integers
    looped: Bytes
    titles: Texts
    subtitles: Texts
    shapes: Texts
    badge_texts: Texts
    tooltips: Texts
    paths: Texts
    members: Integers
    member_starts: Integers
    parameters: Integers
    parameter_starts: Integers

    def __len__(self) -> int:
        return len(self.rects)

    def key(self, box: int) -> str:
        return key_of(int(self.ids[box]))

    def nodes(self, box: int) -> list[int]:
        """Returns the ids of the nodes that a box stands for, in order."""
        found: list[int] = self.members[self.member_starts[box] : self.member_starts[box + 1]].tolist()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ContainerTable:
    """Expanded groups, outer ones first; see `SceneContainer`. `first_box` and `end_box` bound the boxes inside."""

    ids: Integers
    rects: Floats
    title_rects: Floats
    depths: Integers
    roles: Bytes
    titles: Texts
    subtitles: Texts
    tooltips: Texts
    paths: Texts
    first_box: Integers
    end_box: Integers

    def __len__(self) -> int:
        return len(self.rects)

    def key(self, container: int) -> str:
        return key_of(int(self.ids[container]))


@dataclass(frozen=True, slots=True, eq=False)
class WireTable:
    """Wires and the pieces that they are drawn from; see `SceneWire`.

    Attributes:
        sources, targets: boxes at the ends. kinds: places in `WIRE_KINDS`.
        nodes, outputs: the first value that flows: its node and index.
        labels, label_at: what stands beside the wire, and the left end of its base line (NaN: nothing).
        shapes: what flows.
        pieces: x, y of one point of a path and of the next. Between them the wire runs straight, or as the cubic that
            `layout.geometry.cubics` gives.
        piece_wires: the wire that a piece belongs to, ascending.
        first_pieces: by wire its first piece; one more entry at the end.
    """

    sources: Integers
    targets: Integers
    kinds: Bytes
    nodes: Integers
    outputs: Integers
    labels: Texts
    label_at: Floats
    shapes: Texts
    pieces: Floats
    piece_wires: Integers
    first_pieces: Integers

    def __len__(self) -> int:
        return len(self.sources)


@dataclass(frozen=True, slots=True, eq=False)
class SceneTables:
    """A whole picture as arrays; see `Scene`.

    Attributes:
        direction: "down" or "right". heat: whether boxes have room for a number that colours them.
        home: by id of a node the box that stands for it, or that reads it where it is a parameter; -1 where none does.
        box_band, container_band, piece_band: find boxes, containers and pieces of wires that a view can see.
    """

    title: str
    description: str
    width: float
    height: float
    direction: str
    heat: bool
    home: Integers
    boxes: BoxTable
    containers: ContainerTable
    wires: WireTable
    box_band: Band
    container_band: Band
    piece_band: Band

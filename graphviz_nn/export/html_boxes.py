"""Every box that a page may show, measured: calls, modules closed and opened, folded runs of equal siblings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import msgspec

from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene import metrics
from graphviz_nn.scene.expansion import Expansion
from graphviz_nn.scene.fold import Turn, fold
from graphviz_nn.scene.heat import HeatMap, parameters_by_container
from graphviz_nn.scene.labels import Labels
from graphviz_nn.scene.outline import build_outline
from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.picture import Picture, PictureBox, PictureContainer, build_tree
from graphviz_nn.scene.scene import Heat
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.wiring import connect

CATEGORIES: Final = tuple(Category)


class PageHeat(msgspec.Struct, array_like=True):
    """The number that colours a box, None where it is infinite, and its text."""

    value: float | None
    text: str


class PageBox(msgspec.Struct, array_like=True):
    """A closed box; fields as in `SceneBox` where they have its names.

    Attributes:
        category: place in `CATEGORIES`.
        width, height: size, cards of a folded run included.
        tags: text and width of each tag.
        badge: the parameters' count, "" for none. trained: whether any of them is.
        parameters: node ids of the parameters that it reads.
        node: id of the single call that it stands for, or -1 where there are several.
    """

    key: str
    role: str
    category: int
    title: str
    subtitle: str
    shape: str
    path: str
    width: float
    height: float
    node: int
    repeat: int
    looped: bool
    marks: tuple[str, ...]
    tags: list[tuple[str, float]]
    badge: str
    trained: bool
    parameters: list[int]
    heat: PageHeat | None


class PageRun(msgspec.Struct, array_like=True):
    """Children from `start` on that repeat, `repeats` stretches of one child for each of `boxes` (places in the table
    of boxes)."""

    start: int
    repeats: int
    boxes: list[int]


class PageGroup(msgspec.Struct, array_like=True):
    """A module call, composite or custom function that can be opened, or the root of all.

    Attributes:
        closed: place of its closed box in the table of boxes; -1 for the root.
        children: a box's place in its table, or ``-1 - place`` of a group in the table of groups, in order.
        result: the node inside that stands for its own result while it is open, or -1.
        type: class of the module, or "".
    """

    key: str
    path: str
    role: str
    title: str
    subtitle: str
    width: float
    closed: int
    children: list[int]
    runs: list[PageRun]
    result: int
    type: str
    heat: PageHeat | None


class PageBoxes:
    """The tables of boxes and groups of one picture; the root is group 0.

    The picture is taken apart level by level: closed at each depth, it shows each group's box once, and each
    container's children all closed, which is when runs of equal ones fold.

    Attributes:
        leaves: the boxes of a single call. containers: every group that can be opened, with all its children closed.
    """

    def __init__(self, picture: Picture, numbers: Overlay | None, folds: bool) -> None:
        self.boxes: list[PageBox] = []
        self.leaves: list[PictureBox] = []
        self.containers: dict[str, PictureContainer] = {}
        self._groups: list[PageGroup] = []
        self._places: dict[str, int] = {}
        outline = build_outline(picture.visibility)
        deepest = max((group.depth for group in outline.groups()), default=-1)
        for depth in range(deepest + 2):
            expansion = Expansion(outline, PictureOptions(depth=depth), set())
            fresh = self._add_containers(_Level(picture, build_tree(outline, expansion), {}, numbers))
            root = build_tree(outline, expansion)
            turns = fold(root, picture.visibility) if folds else {}
            if turns:
                self._add_runs(_Level(picture, root, turns, numbers), fresh)

    def groups(self) -> list[PageGroup]:
        """Returns the table of groups."""
        opened = {key: -1 - place for place, key in enumerate(self.containers)}
        for group, container in zip(self._groups, self.containers.values(), strict=True):
            group.children = [opened.get(child.key, self._places.get(child.key, -1)) for child in container.children]
        return self._groups

    def _add_containers(self, level: _Level) -> Mapping[str, PageGroup]:
        """Adds what is open at this depth and was not at the one before, and the boxes inside."""
        fresh = {}
        for container, outer in walk(level.root):
            if container.key in self.containers:
                continue
            fresh[container.key] = level.group(container, outer, self._places.get(container.key, -1))
            self._groups.append(fresh[container.key])
            self.containers[container.key] = container
            for child in container.children:
                if isinstance(child, PictureBox):
                    self._places[child.key] = len(self.boxes)
                    self.boxes.append(level.box(child, container))
                    if len(child.nodes) == 1:
                        self.leaves.append(child)
        return fresh

    def _add_runs(self, level: _Level, fresh: Mapping[str, PageGroup]) -> None:
        for container, _ in walk(level.root):
            if container.key not in fresh:
                continue
            runs: dict[int, list[PictureBox]] = {}
            for child in container.children:
                if isinstance(child, PictureBox) and child.siblings:
                    runs.setdefault(level.turns[child.nodes[0]].run, []).append(child)
            keys = [child.key for child in self.containers[container.key].children]
            for folded in runs.values():
                places = list(range(len(self.boxes), len(self.boxes) + len(folded)))
                self.boxes += [level.box(box, container) for box in folded]
                run = PageRun(keys.index(folded[0].key), folded[0].repeat, places)
                fresh[container.key].runs.append(run)


def walk(root: PictureContainer, outer: PictureContainer | None = None) -> Iterator[Opened]:
    """Yields a container and all inside it, outer ones first, each with the one around it."""
    yield root, outer
    for child in root.children:
        if isinstance(child, PictureContainer):
            yield from walk(child, root)


Opened = tuple[PictureContainer, PictureContainer | None]


class _Level:
    """One picture of those that the page is put together from: its words, sizes and numbers."""

    def __init__(
        self, base: Picture, root: PictureContainer, turns: Mapping[int, Turn], numbers: Overlay | None
    ) -> None:
        self.root = root
        self.turns = turns
        boxes = list(root.boxes())
        wires = connect(base.visibility, boxes, [container for container, _ in walk(root)], turns)
        picture = Picture(base.structure, base.types, base.module_types, base.visibility, root, boxes, wires)
        self._labels = Labels(picture)
        self._heat_map = HeatMap(picture, numbers) if numbers is not None else None
        self._read = parameters_by_container(root) if numbers is not None else {}

    def box(self, box: PictureBox, container: PictureContainer) -> PageBox:
        text = self._labels.box(box, container.group)
        heat, heat_text = None, None
        if self._heat_map is not None:
            heat = _heat(self._heat_map.box(box))
            heat_text = heat.text if heat is not None else ""
            if box in self._heat_map.alarms:
                text = replace(text, marks=(*text.marks, "nonfinite"))
        size = metrics.box_size(text, box.repeat, box.looped, heat_text)
        stack = metrics.STACK if box.siblings else 0.0
        tags = metrics.tag_texts(text.marks, box.repeat, box.looped)
        return PageBox(
            key=box.key,
            role=text.role,
            category=CATEGORIES.index(text.category),
            title=size.title,
            subtitle=size.subtitle,
            shape=size.shape,
            path=readable(text.path),
            width=size.width + stack,
            height=size.height + stack,
            node=box.nodes[0] if len(box.nodes) == 1 and not box.siblings else -1,
            repeat=box.repeat,
            looped=box.looped,
            marks=text.marks,
            tags=[(tag, round(metrics.tag_width(tag), 2)) for tag in tags],
            badge=text.parameters.text if text.parameters is not None else "",
            trained=text.parameters is not None and text.parameters.trained,
            parameters=sorted(box.parameters),
            heat=heat,
        )

    def group(self, container: PictureContainer, outer: PictureContainer | None, closed: int) -> PageGroup:
        group = container.group
        heat = _heat(self._heat_map.container(container, self._read)) if self._heat_map is not None else None
        text = metrics.fitted(self._labels.container(group, outer.group if outer is not None else group))
        return PageGroup(
            key=container.key,
            path=readable(group.path),
            role=text.role,
            title=text.title,
            subtitle=text.subtitle,
            width=metrics.container_title_width(text, heat.text if heat is not None else None),
            closed=closed,
            children=[],
            runs=[],
            result=group.node.id if group.node is not None and group.node.outputs else -1,
            type=readable(group.module.type) if group.module is not None else "",
            heat=heat,
        )


def _heat(heat: Heat | None) -> PageHeat | None:
    if heat is None:
        return None
    return PageHeat(heat.value if math.isfinite(heat.value) else None, heat.text)

"""Measures a picture, has it laid out, and writes down the scene."""

from __future__ import annotations

from msgspec.structs import replace

from graphviz_nn.layout.cache import LayoutCache
from graphviz_nn.layout.geometry import Box, Path, Placement, Rect, Wire
from graphviz_nn.layout.nested import layout
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene import metrics
from graphviz_nn.scene.box_texts import BoxText, ContainerText
from graphviz_nn.scene.heat import HeatMap, parameters_by_container
from graphviz_nn.scene.labels import Labels
from graphviz_nn.scene.memory import Memory
from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.picture import Picture, PictureBox, PictureContainer
from graphviz_nn.scene.scene import MARKS, Heat, Legend, Scene, SceneBox, SceneContainer, SceneWire
from graphviz_nn.scene.wire_labels import LabelPlacer, wire_labels

_WIRE_KINDS = ("data", "alias", "loop")


def arrange(
    picture: Picture,
    options: PictureOptions,
    overlay: Overlay | None,
    cache: LayoutCache | None,
    heat_room: str | None = None,
    memory: Memory | None = None,
) -> Scene:
    """Returns the scene of a picture, coloured by `overlay` where one is given.

    `heat_room` is a number for which each box has room, whatever its own: boxes keep their size from step to step.
    A `memory` of the same structure saves words from picture to picture.
    """
    return _Arranger(picture, options, overlay, heat_room, memory).arrange(cache)


class _Arranger:
    def __init__(
        self,
        picture: Picture,
        options: PictureOptions,
        overlay: Overlay | None,
        heat_room: str | None,
        memory: Memory | None,
    ) -> None:
        self._picture = picture
        self._heat_room = heat_room
        self._options = options
        self._memory = memory or Memory(picture.structure)
        self._labels = Labels(picture, memory)
        self._heat_map = HeatMap(picture, overlay) if overlay is not None else None
        self._read = parameters_by_container(picture.root) if overlay is not None else {}
        self._texts: dict[PictureBox, BoxText] = {}
        self._sizes: dict[PictureBox, metrics.BoxSize] = {}
        self._heats: dict[PictureBox, Heat | None] = {}
        self._containers: list[tuple[PictureContainer, ContainerText, Heat | None, int]] = []

    def arrange(self, cache: LayoutCache | None) -> Scene:
        picture = self._picture
        root = Box("root", 0.0, 0.0, self._measure_children(picture.root, 0))
        wires = [Wire(wire.source.key, wire.target.key, wire.values[0]) for wire in picture.wires]
        placement = layout(root, wires, self._options.direction, cache)
        containers = tuple(self._scene_container(entry, placement) for entry in self._containers)
        boxes = tuple(self._scene_box(box, placement.rects[box.key]) for box in picture.boxes)
        return Scene(
            title=self._memory.title,
            description=self._memory.description,
            width=placement.width,
            height=placement.height,
            direction=self._options.direction,
            theme=self._options.theme,
            containers=containers,
            boxes=boxes,
            wires=self._scene_wires(placement, containers),
            legend=self._legend(boxes),
        )

    def _measure_children(self, container: PictureContainer, depth: int) -> list[Box]:
        return [
            self._measure_box(child, container)
            if isinstance(child, PictureBox)
            else self._measure_container(child, container, depth)
            for child in container.children
        ]

    def _measure_box(self, box: PictureBox, container: PictureContainer) -> Box:
        text = self._labels.box(box, container.group)
        heat, heat_text = None, self._heat_room
        if self._heat_map is not None:
            heat = self._heat_map.box(box)
            heat_text = self._heat_room or (heat.text if heat is not None else "")
            if box in self._heat_map.alarms:
                text = replace(text, marks=(*text.marks, "nonfinite"))
        size = metrics.box_size(text, box.repeat, box.looped, heat_text)
        self._texts[box], self._sizes[box], self._heats[box] = text, size, heat
        # The cards behind a folded run stick out.
        stack = metrics.STACK if box.siblings else 0.0
        return Box(box.key, size.width + stack, size.height + stack)

    def _measure_container(self, container: PictureContainer, outer: PictureContainer, depth: int) -> Box:
        text = metrics.fitted(self._labels.container(container.group, outer.group))
        heat = self._heat_map.container(container, self._read) if self._heat_map is not None else None
        self._containers.append((container, text, heat, depth))
        width = metrics.container_title_width(text, self._heat_room or (heat.text if heat is not None else None))
        children = self._measure_children(container, depth + 1)
        return Box(
            container.key,
            width,
            metrics.CONTAINER_TITLE,
            children,
            title_height=metrics.CONTAINER_TITLE,
            title_width=width,
        )

    def _scene_container(
        self, entry: tuple[PictureContainer, ContainerText, Heat | None, int], placement: Placement
    ) -> SceneContainer:
        container, text, heat, depth = entry
        return SceneContainer(
            key=container.key,
            rect=placement.rects[container.key],
            title_rect=placement.titles[container.key],
            role=text.role,
            title=text.title,
            subtitle=text.subtitle,
            tooltip=text.tooltip + (f"\n{self._heat_line(heat)}" if heat is not None else ""),
            path=container.group.path,
            depth=depth,
            heat=heat,
        )

    def _scene_box(self, box: PictureBox, rect: Rect) -> SceneBox:
        text, size, heat = self._texts[box], self._sizes[box], self._heats[box]
        nodes = [number for part in (box, *box.siblings) for number in part.nodes] if box.siblings else box.nodes
        return SceneBox(
            key=box.key,
            rect=rect,
            role=text.role,
            category=text.category,
            title=size.title,
            subtitle=size.subtitle,
            shape=size.shape,
            tooltip=text.tooltip + (f"\n{self._heat_line(heat)}" if heat is not None else ""),
            nodes=tuple(nodes),
            path=text.path,
            parameters=text.parameters,
            heat=heat,
            marks=text.marks,
            repeat=box.repeat,
            looped=box.looped,
        )

    def _heat_line(self, heat: Heat) -> str:
        assert self._heat_map is not None
        return f"{self._heat_map.scale().title}: {heat.text}"

    def _scene_wires(self, placement: Placement, containers: tuple[SceneContainer, ...]) -> tuple[SceneWire, ...]:
        picture = self._picture
        sources = {box for box, text in self._texts.items() if text.role == "source"}
        shapes = [self._labels.wire(wire) for wire in picture.wires]
        texts = wire_labels(picture, shapes, sources)
        obstacles = [placement.rects[box.key] for box in picture.boxes] + [c.title_rect for c in containers]
        placer = LabelPlacer(obstacles, self._options.direction)
        leaving: dict[PictureBox, list[Path]] = {
            wire.source: [] for wire, text in zip(picture.wires, texts, strict=True) if text
        }
        for wire, path in zip(picture.wires, placement.paths, strict=True):
            if wire.source in leaving:
                leaving[wire.source].append(path)
        paths = {box: text.path for box, text in self._texts.items()}
        wires = []
        for wire, path, shape, text in zip(picture.wires, placement.paths, shapes, texts, strict=True):
            source, target = wire.source, wire.target
            place = placer.place(text, path, leaving[source]) if text else None
            tooltip = f"{paths[source]} → {paths[target]}\n{shape}"
            label = text if place is not None else ""
            wires.append(SceneWire(source.key, target.key, wire.kind, path, tooltip, label, place))
        return tuple(wires)

    def _legend(self, boxes: tuple[SceneBox, ...]) -> Legend:
        categories = {box.category for box in boxes}
        marks = {mark for box in boxes for mark in box.marks}
        kinds = {wire.kind for wire in self._picture.wires}
        badges = [box.parameters for box in boxes if box.parameters is not None]
        return Legend(
            categories=tuple(category for category in Category if category in categories),
            scale=self._heat_map.scale() if self._heat_map is not None else None,
            parameters=bool(badges),
            frozen_parameters=any(not badge.trained for badge in badges),
            marks=tuple(mark for mark in MARKS if mark in marks),
            kinds=tuple(kind for kind in _WIRE_KINDS if kind in kinds),
        )

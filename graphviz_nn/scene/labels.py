"""What boxes and containers say."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from math import prod
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerType
from graphviz_nn.model.nodes import SOURCE_KINDS, Node, Output, ValueRef
from graphviz_nn.scene.box_texts import BoxText, ContainerText
from graphviz_nn.scene.call_words import SharedWords, kind_word, marks_of, own_outputs
from graphviz_nn.scene.memory import Memory
from graphviz_nn.scene.outline import Group
from graphviz_nn.scene.picture import Picture, PictureBox, PictureWire
from graphviz_nn.scene.scene import ParameterBadge
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.tooltips import box_tooltip
from graphviz_nn.scene.words import count_text, relative, shape_text, shapes_text

_SOURCE_CATEGORIES: Final = {
    "input": Category.INPUT,
    "constant": Category.INPUT,
    "parameter": Category.PARAMETER,
    "buffer": Category.PARAMETER,
}


class Labels:
    """Writes the words of one picture; those that `memory` has from another one of the same structure stay."""

    def __init__(self, picture: Picture, memory: Memory | None = None) -> None:
        self._picture = picture
        self._known = memory.boxes if memory is not None else None
        self._calls = (memory or Memory(picture.structure)).calls
        self._shared = SharedWords(picture.structure)
        self._nodes = picture.structure.nodes
        self._leaving: dict[PictureBox, dict[ValueRef, None]] = {}
        for wire in picture.wires:
            if len(wire.source.nodes) > 1:
                self._leaving.setdefault(wire.source, {}).update(dict.fromkeys(wire.values))
        self._badges: dict[tuple[tuple[tuple[int, ...], bool], ...], ParameterBadge] = {}

    def box(self, box: PictureBox, container: Group) -> BoxText:
        """The words of `box` inside `container`; names are shortened by the container's own. Not to be changed."""
        if self._known is None:
            return self._write(box, container)
        key = self._key(box, container)
        text = self._known.get(key)
        if text is None:
            text = self._known[key] = self._write(box, container)
        return text

    def _key(self, box: PictureBox, container: Group) -> Hashable:
        """What the words of a box depend on in one structure."""
        last = box.siblings[-1].key if box.siblings else ""
        leaving = tuple(self._leaving.get(box, ()))
        return box.key, container.path, box.repeat, last, box.looped, len(box.parameters), leaving

    def _write(self, box: PictureBox, container: Group) -> BoxText:
        group = box.group
        lone = self._nodes[box.nodes[0]] if len(box.nodes) == 1 else None
        layer_type = self._box_type(box, lone)
        if lone is not None:
            words = self._shared.call(lone, self._picture.types[lone.id])
            what, shape, flow, marks = words.what, words.shape, words.flow, words.marks
        else:
            shape = shapes_text(self._outputs(box))
            what, flow, marks = "", f"→ {shape}" if shape else "", ()
        if group is not None or box.siblings:
            what = self._what(box, lone)
        if lone is None or box.siblings:
            marks = marks_of([self._nodes[number] for part in (box, *box.siblings) for number in part.nodes])
        title = self._title(box, container)
        path = group.path if group is not None else self._nodes[box.nodes[0]].name
        return BoxText(
            role="source" if group is None and lone is not None and lone.kind in SOURCE_KINDS else box.role,
            category=_category(lone, layer_type, marks),
            title=title,
            subtitle=_news(what, title, lone.op if lone is not None and group is None else title),
            shape=shape,
            tooltip=box_tooltip(self._nodes, box, path, what, flow),
            path=path,
            marks=marks,
            parameters=self._badge(box) if box.parameters else None,
        )

    def container(self, group: Group, outer: Group) -> ContainerText:
        """The words of the expanded `group` inside `outer`."""
        if group.module is None:
            kind = kind_word(group.node) if group.node is not None else ""
            return ContainerText("composite", readable(relative(group.path, outer.path)), kind, readable(group.path))
        what = self._module_text(group)
        title = readable(relative(group.path, outer.path)) or readable(group.module.type)
        tooltip = "\n".join(filter(None, (readable(group.path), what)))
        return ContainerText("module", title, "" if what == title else what, tooltip)

    def wire(self, wire: PictureWire) -> str:
        """The shape that flows along a wire."""
        values = wire.values
        if len(values) > 1:
            return shapes_text(self._of_first(wire.source, values))
        output = self._nodes[values[0].node].outputs[values[0].index]
        return shape_text(output.shape, output.dtype)

    def _box_type(self, box: PictureBox, lone: Node | None) -> LayerType | None:
        picture = self._picture
        if box.group is not None and box.group.module is not None:
            found = picture.module_types.get(box.group.path)
            if found is not None and (lone is None or found.category is not Category.OTHER):
                return found
        if lone is not None:
            return picture.types[lone.id]
        if box.group is not None and box.group.node is not None:
            return picture.types[box.group.node.id]
        return None

    def _outputs(self, box: PictureBox) -> list[Output]:
        """What leaves a box of several calls, else what the last of them made."""
        leaving = self._leaving.get(box)
        return self._of_first(box, leaving) if leaving else own_outputs(self._nodes[box.nodes[-1]])

    def _of_first(self, box: PictureBox, values: Iterable[ValueRef]) -> list[Output]:
        """The values as outputs; of a folded run those of its first sibling that has any there."""
        found = [self._nodes[value.node].outputs[value.index] for value in values]
        if not box.siblings:
            return found
        first = next(iter(values)).node
        part = next(part for part in (box, *box.siblings) if first in part.nodes)
        return [output for value, output in zip(values, found, strict=True) if value.node in part.nodes]

    def _badge(self, box: PictureBox) -> ParameterBadge:
        read = [self._nodes[number].outputs[0] for number in box.parameters]
        key = tuple([(output.shape, output.requires_grad) for output in read])
        badge = self._badges.get(key)
        if badge is None:
            elements = sum(prod(output.shape) for output in read)
            trained = any(output.requires_grad for output in read)
            badge = self._badges[key] = ParameterBadge(elements, trained, count_text(elements))
        return badge

    def _title(self, box: PictureBox, container: Group) -> str:
        if box.group is None:
            node = self._nodes[box.nodes[0]]
            name = node.op if box.siblings else node.name
            return readable(relative(name, container.path)) or node.op
        first = readable(relative(box.group.path, container.path))
        if box.siblings and box.siblings[-1].group is not None:
            last = readable(relative(box.siblings[-1].group.path, container.path))
            if last != first:
                return f"{first} … {last}"
        return first or (box.group.module.type if box.group.module is not None else box.group.key)

    def _what(self, box: PictureBox, lone: Node | None) -> str:
        """What a box is, in a few words: "Conv 3×3, 64", "BasicBlock", "call 2 of 3"."""
        group = box.group
        if group is not None and group.module is not None:
            return self._module_text(group, counted=not box.siblings)
        node = lone if lone is not None else group.node if group is not None else None
        if node is None:
            return ""
        types = self._picture.types
        what = self._shared.call(node, types[node.id]).what
        if lone is not None and box.siblings:
            # What changes from one to the next, as the index of a time step.
            node = self._nodes[box.siblings[-1].nodes[0]]
            last = self._shared.call(node, types[node.id]).what
            what = what if last == what else f"{what} … {last}"
        return what

    def _module_text(self, group: Group, counted: bool = True) -> str:
        if group.module is None or group.call is None:
            return ""
        text = self._shared.module(group.module, self._picture.module_types.get(group.path))
        calls = self._calls[group.path]
        return f"{text} · call {group.call.call} of {calls}" if counted and calls > 1 else text


@lru_cache(maxsize=4096)
def _news(what: str, title: str, op: str) -> str:
    """What a subtitle adds to the title: nothing for "relu" under "relu_1", "dim 1" for "cat dim 1" under "cat"."""
    if what.lower() in (title.lower(), op.lower()):
        return ""
    return what.removeprefix(f"{op} ") if title.startswith(op) else what


def _category(lone: Node | None, layer_type: LayerType | None, marks: tuple[str, ...]) -> Category:
    if lone is not None and lone.kind in _SOURCE_CATEGORIES:
        return _SOURCE_CATEGORIES[lone.kind]
    if lone is not None and "loss" in marks:
        return Category.LOSS
    return layer_type.category if layer_type is not None else Category.OTHER

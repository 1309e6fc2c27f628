"""What boxes and containers say."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import prod
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import SOURCE_KINDS, Node, Output, ValueRef
from graphviz_nn.scene.box_texts import BoxText, ContainerText
from graphviz_nn.scene.memory import Memory
from graphviz_nn.scene.outline import Group
from graphviz_nn.scene.picture import Picture, PictureBox, PictureWire
from graphviz_nn.scene.scene import ParameterBadge
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.tooltips import box_tooltip
from graphviz_nn.scene.words import count_text, relative, shapes_text

_SOURCE_CATEGORIES: Final = {
    "input": Category.INPUT,
    "constant": Category.INPUT,
    "parameter": Category.PARAMETER,
    "buffer": Category.PARAMETER,
}
_KIND_WORDS: Final = {"custom": "custom function", "composite": "composite function", "opaque": "opaque region"}


class Labels:
    """Writes the words of one picture; those that `memory` has from another one of the same structure stay."""

    def __init__(self, picture: Picture, memory: Memory | None = None) -> None:
        self._picture = picture
        self._memory = memory or Memory(picture.structure)
        self._nodes = picture.structure.nodes
        self._leaving: dict[PictureBox, dict[ValueRef, None]] = {}
        for wire in picture.wires:
            self._leaving.setdefault(wire.source, {}).update(dict.fromkeys(wire.values))

    def box(self, box: PictureBox, container: Group) -> BoxText:
        """The words of `box` inside `container`; names are shortened by the container's own. Not to be changed."""
        known = self._memory.boxes
        key = self._key(box, container)
        text = known.get(key)
        if text is None:
            text = known[key] = self._write(box, container)
        return text

    def _key(self, box: PictureBox, container: Group) -> Hashable:
        """What the words of a box depend on in one structure."""
        last = box.siblings[-1].key if box.siblings else ""
        leaving = tuple(self._leaving.get(box, ())) if len(box.nodes) > 1 else ()
        return box.key, container.path, box.repeat, last, box.looped, len(box.parameters), leaving

    def _write(self, box: PictureBox, container: Group) -> BoxText:
        lone = self._nodes[box.nodes[0]] if len(box.nodes) == 1 else None
        kind_type = self._box_type(box, lone)
        outputs = self._box_outputs(box, lone)
        marks = self._marks(box)
        badge = self._badge(box)
        what = self._what(box, lone, kind_type)
        title = self._title(box, container)
        shape = shapes_text(outputs)
        path = box.group.path if box.group is not None else self._nodes[box.nodes[0]].name
        return BoxText(
            role="source" if box.group is None and lone is not None and lone.kind in SOURCE_KINDS else box.role,
            category=_category(lone, kind_type, marks),
            title=title,
            subtitle=_news(what, title, lone.op if lone is not None and box.group is None else title),
            shape=shape,
            tooltip=box_tooltip(self._nodes, box, path, what, shape),
            path=path,
            marks=marks,
            parameters=badge,
        )

    def container(self, group: Group, outer: Group) -> ContainerText:
        """The words of the expanded `group` inside `outer`."""
        if group.module is None:
            kind = _KIND_WORDS.get(group.node.kind, group.node.kind) if group.node is not None else ""
            return ContainerText("composite", readable(relative(group.path, outer.path)), kind, readable(group.path))
        what = self._module_text(group)
        title = readable(relative(group.path, outer.path)) or readable(group.module.type)
        tooltip = "\n".join(filter(None, (readable(group.path), what)))
        return ContainerText("module", title, "" if what == title else what, tooltip)

    def wire(self, wire: PictureWire) -> str:
        """The shape that flows along a wire."""
        return shapes_text(self._of_first(wire.source, wire.values))

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

    def _box_outputs(self, box: PictureBox, lone: Node | None) -> list[Output]:
        if lone is not None:
            return _own_outputs(lone)
        leaving = self._leaving.get(box)
        if leaving:
            return self._of_first(box, leaving)
        return _own_outputs(self._nodes[box.nodes[-1]])

    def _of_first(self, box: PictureBox, values: Iterable[ValueRef]) -> list[Output]:
        """The values as outputs; of a folded run those of its first sibling that has any there."""
        found = [self._nodes[value.node].outputs[value.index] for value in values]
        if not box.siblings:
            return found
        first = next(iter(values)).node
        part = next(part for part in (box, *box.siblings) if first in part.nodes)
        return [output for value, output in zip(values, found, strict=True) if value.node in part.nodes]

    def _marks(self, box: PictureBox) -> tuple[str, ...]:
        if len(box.nodes) == 1 and not box.siblings:
            node = self._nodes[box.nodes[0]]
            roles = tuple(output.role for output in node.outputs if output.role)
            if not roles and "error" not in node.attributes:
                return ()
        found = set()
        for part in (box, *box.siblings):
            for number in part.nodes:
                node = self._nodes[number]
                if "error" in node.attributes:
                    found.add("error")
                found.update(output.role for output in node.outputs if output.role)
        return tuple(mark for mark in ("error", "loss", "output") if mark in found)

    def _badge(self, box: PictureBox) -> ParameterBadge | None:
        if not box.parameters:
            return None
        read = [self._nodes[number].outputs[0] for number in box.parameters]
        elements = sum(prod(output.shape) for output in read)
        return ParameterBadge(elements, any(output.requires_grad for output in read), count_text(elements))

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

    def _what(self, box: PictureBox, lone: Node | None, layer_type: LayerType | None) -> str:
        """What a box is, in a few words: "Conv 3×3, 64", "BasicBlock", "call 2 of 3"."""
        if box.group is not None and box.group.module is not None:
            return self._module_text(box.group, counted=not box.siblings)
        node = lone if lone is not None else box.group.node if box.group is not None else None
        if node is None:
            return ""
        if node.kind in SOURCE_KINDS:
            return node.kind
        label = self._node_label(node, layer_type)
        if label and lone is not None and box.siblings:
            # What changes from one to the next, as the index of a time step.
            last = self._node_label(self._nodes[box.siblings[-1].nodes[0]], layer_type)
            label = label if last == label else f"{label} … {last}"
        return readable(label or _KIND_WORDS.get(node.kind) or node.op)

    def _module_text(self, group: Group, counted: bool = True) -> str:
        if group.module is None or group.call is None:
            return ""
        layer_type = self._picture.module_types.get(group.path)
        text = readable(_module_label(group.module, layer_type) or group.module.type)
        calls = self._memory.calls[group.path]
        return f"{text} · call {group.call.call} of {calls}" if counted and calls > 1 else text

    def _node_label(self, node: Node, layer_type: LayerType | None) -> str | None:
        if layer_type is None:
            return None
        nodes = self._nodes
        arguments = {edge.argument: nodes[edge.node].outputs[edge.output] for edge in node.inputs}
        module = self._picture.structure.modules_by_path.get(node.module) if node.module is not None else None
        return layer_type.label(LayerCall(node, module, arguments))


def _own_outputs(node: Node) -> list[Output]:
    """The new tensors that a call made; where it made none, the ones that it wrote to, without what they view."""
    return [o for o in node.outputs if not o.version] or [o for o in node.outputs if o.version != "base"]


def _news(what: str, title: str, op: str) -> str:
    """What a subtitle adds to the title: nothing for "relu" under "relu_1", "dim 1" for "cat dim 1" under "cat"."""
    if what.lower() in (title.lower(), op.lower()):
        return ""
    return what.removeprefix(f"{op} ") if title.startswith(op) else what


def _module_label(module: Module, layer_type: LayerType | None) -> str | None:
    return layer_type.label(module) if layer_type is not None else None


def _category(lone: Node | None, layer_type: LayerType | None, marks: tuple[str, ...]) -> Category:
    if lone is not None and lone.kind in _SOURCE_CATEGORIES:
        return _SOURCE_CATEGORIES[lone.kind]
    if lone is not None and "loss" in marks:
        return Category.LOSS
    return layer_type.category if layer_type is not None else Category.OTHER

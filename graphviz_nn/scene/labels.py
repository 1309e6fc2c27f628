"""What boxes and containers say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import SOURCE_KINDS, Node, Output, ValueRef
from graphviz_nn.scene.outline import Group
from graphviz_nn.scene.picture import Picture, PictureBox
from graphviz_nn.scene.scene import ParameterBadge
from graphviz_nn.scene.text import readable

_SOURCE_CATEGORIES: Final = {
    "input": Category.INPUT,
    "constant": Category.INPUT,
    "parameter": Category.PARAMETER,
    "buffer": Category.PARAMETER,
}
_KIND_WORDS: Final = {"custom": "custom function", "composite": "composite function", "opaque": "opaque region"}
_LONGEST_TOOLTIP_LINE: Final = 300
_TOOLTIP_PARAMETERS: Final = 8


@dataclass(slots=True)
class BoxText:
    """The words of a box; fields as in `SceneBox`."""

    role: str
    category: Category
    title: str
    subtitle: str
    shape: str
    tooltip: str
    path: str
    marks: tuple[str, ...]
    parameters: ParameterBadge | None


@dataclass(slots=True)
class ContainerText:
    """The words of a container; fields as in `SceneContainer`."""

    role: str
    title: str
    subtitle: str
    tooltip: str


class Labels:
    """Writes the words of one picture."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._nodes = picture.structure.nodes
        self._calls = Counter(call.path for call in picture.structure.module_calls if call.phase == "forward")
        self._leaving: dict[PictureBox, dict[ValueRef, None]] = {}
        for wire in picture.wires:
            self._leaving.setdefault(wire.source, {}).update(dict.fromkeys(wire.values))

    def box(self, box: PictureBox, container: Group) -> BoxText:
        """The words of `box` inside `container`; names are shortened by the container's own."""
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
            subtitle="" if what == title else what,
            shape=shape,
            tooltip=self._tooltip(box, lone, path, what, shape),
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

    def wire(self, values: Sequence[ValueRef]) -> str:
        """The shape that flows along a wire."""
        return shapes_text([self._nodes[value.node].outputs[value.index] for value in values])

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
            return [output for output in lone.outputs if output.version != "base"]
        leaving = self._leaving.get(box)
        if leaving:
            return [self._nodes[value.node].outputs[value.index] for value in leaving]
        return [output for output in self._nodes[box.nodes[-1]].outputs if output.version != "base"]

    def _marks(self, box: PictureBox) -> tuple[str, ...]:
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
        return readable(label or _KIND_WORDS.get(node.kind) or node.op)

    def _module_text(self, group: Group, counted: bool = True) -> str:
        if group.module is None or group.call is None:
            return ""
        layer_type = self._picture.module_types.get(group.path)
        text = readable(_module_label(group.module, layer_type) or group.module.type)
        calls = self._calls[group.path]
        return f"{text} · call {group.call.call} of {calls}" if counted and calls > 1 else text

    def _node_label(self, node: Node, layer_type: LayerType | None) -> str | None:
        if layer_type is None:
            return None
        nodes = self._nodes
        arguments = {edge.argument: nodes[edge.node].outputs[edge.output] for edge in node.inputs}
        module = self._picture.structure.modules_by_path.get(node.module) if node.module is not None else None
        return layer_type.label(LayerCall(node, module, arguments))

    def _tooltip(self, box: PictureBox, lone: Node | None, path: str, what: str, shape: str) -> str:
        lines = [path, what]
        if lone is not None and lone.kind not in SOURCE_KINDS:
            entering = [self._nodes[edge.node] for edge in lone.inputs if self._nodes[edge.node].kind != "parameter"]
            read = shapes_text([node.outputs[0] for node in entering if node.outputs])
            lines.append(f"{lone.op}: {read} → {shape}" if read else f"{lone.op} → {shape}")
        elif shape:
            lines.append(f"→ {shape}")
        if box.repeat > 1:
            lines.append(f"{box.repeat} equal ones" + (", each feeds the next" if box.looped else ""))
        lines += self._parameter_lines(sorted(box.parameters))
        if lone is not None:
            if lone.source is not None:
                lines.append(f"{os.path.basename(lone.source.file)}:{lone.source.line} in {lone.source.function}")
            if "error" in lone.attributes:
                lines.append(f"error: {lone.attributes['error']}")
        return "\n".join(readable(line[:_LONGEST_TOOLTIP_LINE]) for line in lines if line)

    def _parameter_lines(self, numbers: Sequence[int]) -> list[str]:
        lines = []
        for number in numbers[:_TOOLTIP_PARAMETERS]:
            node = self._nodes[number]
            frozen = "" if node.outputs[0].requires_grad else ", frozen"
            lines.append(f"{' = '.join(node.names) or node.name}: {shapes_text(node.outputs)}{frozen}")
        if len(numbers) > _TOOLTIP_PARAMETERS:
            lines.append(f"and {len(numbers) - _TOOLTIP_PARAMETERS} more parameters")
        return lines


def relative(path: str, outer: str) -> str:
    """Returns `path` without the `outer` that it starts with: "layer1.0.conv1" inside "layer1" is "0.conv1"."""
    return path[len(outer) + 1 :] if outer and path.startswith(outer + ".") else path


def shapes_text(outputs: Iterable[Output]) -> str:
    """Returns the shapes in one short line: "64×56×56", "[32×8] × 4", "8×16 +2"; "" where there are none."""
    texts = Counter(shape_text(output.shape, output.dtype) for output in outputs)
    if not texts:
        return ""
    first, count = next(iter(texts.items()))
    more = f" +{len(texts) - 1}" if len(texts) > 1 else ""
    return (f"[{first}] × {count}" if count > 1 else first) + more


@lru_cache(maxsize=16384)
def shape_text(shape: tuple[int, ...], dtype: str) -> str:
    """Returns "32×3×224×224"; "scalar" for no dimensions; dtypes other than float32 are said."""
    text = "×".join(map(str, shape)) or "scalar"
    return text if dtype in ("float32", "torch.float32") else f"{text} {dtype.removeprefix('torch.')}"


def count_text(count: int) -> str:
    """Returns a count in three digits or so: "640", "36.9k", "11.7M"."""
    value = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if value < 999.5 or unit == "T":
            break
        value /= 1000
    return f"{value:.0f}{unit}" if not unit or value >= 99.95 else f"{value:.1f}{unit}"


def _module_label(module: Module, layer_type: LayerType | None) -> str | None:
    return layer_type.label(module) if layer_type is not None else None


def _category(lone: Node | None, layer_type: LayerType | None, marks: tuple[str, ...]) -> Category:
    if lone is not None and lone.kind in _SOURCE_CATEGORIES:
        return _SOURCE_CATEGORIES[lone.kind]
    if lone is not None and "loss" in marks:
        return Category.LOSS
    return layer_type.category if layer_type is not None else Category.OTHER

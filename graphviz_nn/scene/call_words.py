"""What calls and modules say of themselves; those that are alike to a layer type are asked once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

import msgspec

from graphviz_nn.model.layer_types import LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import SOURCE_KINDS, Node, Output
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.words import shapes_text

_KIND_WORDS: Final = {"custom": "custom function", "composite": "composite function", "opaque": "opaque region"}
_ENCODER: Final = msgspec.msgpack.Encoder()


class CallWords(msgspec.Struct, frozen=True, gc=False):
    """The words that calls have in common if only their names and places differ.

    Attributes:
        what: the label that the layer type gives, else what the call is: "Conv 3×3, 64", "add", "input".
        shape: that of the tensors which it made.
        flow: what enters and what leaves: "conv2d: 8×3×224×224 → 8×64×112×112".
        marks: as in `SceneBox`.
    """

    what: str
    shape: str
    flow: str
    marks: tuple[str, ...]


class SharedWords:
    """The words of the calls and modules of one structure.

    The label of a layer type depends on what `LayerType` says that it may depend on, so one answer serves all that are
    alike in it: a deep network has thousands of calls, and some dozens of different ones.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._calls: dict[Hashable, CallWords] = {}
        self._modules: dict[Hashable, str] = {}
        self._classes: dict[str | None, Hashable] = {}

    def call(self, node: Node, layer_type: LayerType | None) -> CallWords:
        """Returns the words of a call or a source."""
        key = id(layer_type), self._call_key(node)
        words = self._calls.get(key)
        if words is None:
            words = self._calls[key] = self._write(node, layer_type)
        return words

    def module(self, module: Module, layer_type: LayerType | None) -> str:
        """Returns what a module is: the label that its layer type gives, else the name of its class."""
        key = id(layer_type), self._class_key(module.path)
        text = self._modules.get(key)
        if text is None:
            label = layer_type.label(module) if layer_type is not None else None
            text = self._modules[key] = readable(label or module.type)
        return text

    def _call_key(self, node: Node) -> Hashable:
        """Equal for calls of which a layer type must say the same."""
        nodes = self._structure.nodes
        read = []
        for edge in node.inputs:
            source = nodes[edge.node]
            read.append((edge.argument, source.kind == "parameter", source.outputs[edge.output]))
        what = (node.kind, node.op, node.function, node.arguments, node.attributes, read, node.outputs)
        return self._class_key(node.module), _encoded(what) or node.id

    def _class_key(self, path: str | None) -> Hashable:
        """Equal for modules of which a layer type must say the same; None outside any module."""
        if path not in self._classes:
            module = self._structure.modules_by_path.get(path) if path is not None else None
            key: Hashable = None
            if module is not None:
                key = _encoded((module.type, module.bases, module.attributes, module.training)) or path
            self._classes[path] = key
        return self._classes[path]

    def _write(self, node: Node, layer_type: LayerType | None) -> CallWords:
        shape = shapes_text(own_outputs(node))
        if node.kind in SOURCE_KINDS:
            what, flow = node.kind, f"→ {shape}" if shape else ""
        else:
            what = readable(self._label(node, layer_type) or _KIND_WORDS.get(node.kind) or node.op)
            flow = f"{node.op}: {self._entering(node)} → {shape}"
        return CallWords(what, shape, flow, marks_of([node]))

    def _label(self, node: Node, layer_type: LayerType | None) -> str | None:
        if layer_type is None:
            return None
        nodes = self._structure.nodes
        arguments = {edge.argument: nodes[edge.node].outputs[edge.output] for edge in node.inputs}
        module = self._structure.modules_by_path.get(node.module) if node.module is not None else None
        return layer_type.label(LayerCall(node, module, arguments))

    def _entering(self, node: Node) -> str:
        read = [(self._structure.nodes[edge.node], edge.output) for edge in node.inputs]
        return shapes_text([source.outputs[index] for source, index in read if source.kind != "parameter"])


def kind_word(node: Node) -> str:
    """Returns what a composite or a custom function is called under its name."""
    return _KIND_WORDS.get(node.kind, node.kind)


def own_outputs(node: Node) -> list[Output]:
    """Returns the new tensors that a call made; where it made none, those that it wrote to, without what they view."""
    return [o for o in node.outputs if not o.version] or [o for o in node.outputs if o.version != "base"]


def marks_of(nodes: list[Node]) -> tuple[str, ...]:
    """Returns what is special about a box that stands for these calls; see `SceneBox.marks`."""
    found = {output.role for node in nodes for output in node.outputs}
    if any("error" in node.attributes for node in nodes):
        found.add("error")
    return tuple(mark for mark in ("error", "loss", "output") if mark in found)


def _encoded(facts: tuple[object, ...]) -> bytes | None:
    """The facts as bytes, which tell True from 1 and 1 from 1.0; None where they cannot be written so."""
    try:
        return _ENCODER.encode(facts)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None

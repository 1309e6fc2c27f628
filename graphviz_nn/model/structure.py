"""What one step did, without its numbers: stored once for all steps that did the same."""

from __future__ import annotations

import hashlib
from functools import cached_property
from itertools import accumulate
from typing import Final

import msgspec

from graphviz_nn.model.modules import Module, ModuleCall, Parameter
from graphviz_nn.model.nodes import Node, ValueRef


class Structure(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """The nodes in order of id, the modules, the calls made of them in order of entry, and all their parameters.

    `parameters` is empty in a run that was recorded before they were noted.
    """

    nodes: tuple[Node, ...]
    modules: tuple[Module, ...]
    module_calls: tuple[ModuleCall, ...]
    parameters: tuple[Parameter, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Hexadecimal hash of everything in it, of what `encode` returns: equal digests mean equal structures."""
        digest = hashlib.blake2b(_array_header(len(self.__struct_fields__)), digest_size=16)
        digest.update(_array_header(len(self.nodes)))
        for first in range(0, len(self.nodes), _PIECE):  # never the whole encoding of a long program at once
            piece = self.nodes[first : first + _PIECE]
            digest.update(memoryview(_ENCODER.encode(piece))[len(_array_header(len(piece))) :])
        for part in (self.modules, self.module_calls, self.parameters):
            digest.update(_ENCODER.encode(part))
        return digest.hexdigest()

    @cached_property
    def value_offsets(self) -> tuple[int, ...]:
        """Row of each node's first output in a table of all values; one more entry at the end holds the total."""
        return tuple(accumulate((len(node.outputs) for node in self.nodes), initial=0))

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Node by its unique name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def modules_by_path(self) -> dict[str, Module]:
        return {module.path: module for module in self.modules}

    @cached_property
    def parameters_by_name(self) -> dict[str, Parameter]:
        """Parameter by each of its names."""
        return {name: parameter for parameter in self.parameters for name in parameter.names}

    @cached_property
    def parameter_readers(self) -> dict[int, tuple[Node, ...]]:
        """The nodes that read each parameter, by id of the parameter's node; both in order."""
        found: dict[int, list[Node]] = {node.id: [] for node in self.nodes if node.kind == "parameter"}
        for node in self.nodes:
            for parameter in dict.fromkeys(edge.node for edge in node.inputs if edge.node in found):
                found[parameter].append(node)
        return {parameter: tuple(readers) for parameter, readers in found.items()}

    @cached_property
    def last_outputs(self) -> tuple[int, ...]:
        """By place in `module_calls` the last node with an output that was made in the call, or in one inside it; -1
        where none was."""
        last = [-1] * len(self.module_calls)
        for node in self.nodes:
            if node.outputs and node.module_call is not None:
                last[node.module_call] = node.id
        for place in reversed(range(len(last))):  # a call comes after the one that it stands in
            outer = self.module_calls[place].parent
            if outer is not None:
                last[outer] = max(last[outer], last[place])
        return tuple(last)

    @cached_property
    def outer_calls(self) -> frozenset[int]:
        """Places in `module_calls` of the calls that hold others."""
        return frozenset(call.parent for call in self.module_calls if call.parent is not None)

    @property
    def value_count(self) -> int:
        return self.value_offsets[-1]

    def value_row(self, ref: ValueRef) -> int:
        """Row of the value in a table of all values (`StepRecord.stats["output"]`)."""
        return self.value_offsets[ref.node] + ref.index

    def encode(self) -> bytes:
        """The structure as MessagePack."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Structure:
        """Reads what `encode` wrote. Raises `msgspec.DecodeError` on anything else. Never runs code.

        Piece by piece, so that other threads get their turn: all nodes at once would keep a window still.
        """
        parts, node = _DECODER.decode(data), _NODE_DECODER.decode
        nodes = tuple([node(each) for each in _LIST_DECODER.decode(parts.nodes)])
        return cls(nodes, parts.modules, parts.module_calls, parts.parameters)


class _Parts(msgspec.Struct, frozen=True, array_like=True):
    """A `Structure` whose nodes have not been read yet."""

    nodes: msgspec.Raw
    modules: tuple[Module, ...]
    module_calls: tuple[ModuleCall, ...]
    parameters: tuple[Parameter, ...] = ()


def _array_header(length: int) -> bytes:
    """What an array of that length begins with in MessagePack."""
    if length < 16:
        return bytes([0x90 | length])
    return b"\xdc" + length.to_bytes(2, "big") if length < 65_536 else b"\xdd" + length.to_bytes(4, "big")


_PIECE: Final = 1_024
"""Nodes that are encoded together."""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Parts)
_LIST_DECODER = msgspec.msgpack.Decoder(list[msgspec.Raw])
_NODE_DECODER = msgspec.msgpack.Decoder(Node)

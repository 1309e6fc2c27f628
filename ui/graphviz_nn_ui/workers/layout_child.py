"""The process that lays out large pictures, so that the window never waits: `python -m` this module.

It reads messages from its standard input and answers each `LayoutRequest` on its standard output. Both are framed:
eight bytes of length, then the body. It needs neither torch nor Qt, and ends when its input does.
"""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

import msgspec

from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.packing import pack
from graphviz_nn_ui.workers.layout_request import Composers, LayoutRequest

FRAME: Final = 8
"""Bytes of the length in front of a body."""

PART: Final = 2000
"""Nodes that are encoded in one go: longer ones would keep the window's thread waiting."""


class StructureMessage(msgspec.Struct, tag="structure", frozen=True):
    """The structure named `digest`, in parts."""

    digest: str
    parts: tuple[bytes, ...]


class RequestMessage(msgspec.Struct, tag="request", frozen=True):
    """Asks for a picture."""

    request: LayoutRequest


class Answer(msgspec.Struct, frozen=True):
    """The packed `SceneTables`, or why there are none."""

    tables: bytes = b""
    error: str = ""


Message = StructureMessage | RequestMessage


def structure_message(digest: str, structure: Structure) -> bytes:
    """Returns the frame that tells the process of a structure."""
    nodes = structure.nodes
    pieces = [Structure(nodes[start : start + PART], (), ()) for start in range(0, len(nodes), PART)]
    pieces.append(Structure((), structure.modules, structure.module_calls))
    return frame(StructureMessage(digest, tuple(piece.encode() for piece in pieces)))


def frame(message: Message | Answer) -> bytes:
    """Returns a message with its length in front."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(FRAME, "little") + body


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers what comes from `source` until it ends."""
    composers, structures = Composers(), dict[str, Structure]()
    decoder = msgspec.msgpack.Decoder(Message)
    while len(head := source.read(FRAME)) == FRAME:
        message = decoder.decode(source.read(int.from_bytes(head, "little")))
        if isinstance(message, StructureMessage):
            structures[message.digest] = _joined(message.parts)
            continue
        try:
            request = message.request
            answer = Answer(tables=pack(composers.tables(structures[request.digest], request)))
        except Exception as error:  # the window shows it; the process lives on for the next picture
            answer = Answer(error=f"{type(error).__name__}: {error}")
        sink.write(frame(answer))
        sink.flush()


def _joined(parts: tuple[bytes, ...]) -> Structure:
    pieces = [Structure.decode(part) for part in parts]
    nodes = tuple(node for piece in pieces for node in piece.nodes)
    return Structure(nodes, pieces[-1].modules, pieces[-1].module_calls)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)

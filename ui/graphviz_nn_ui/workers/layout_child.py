"""The process that lays out large pictures, so that the window never waits: `python -m` this module.

It reads messages from its standard input and answers each request on its standard output. Both are framed: eight bytes
of length, then the body. What is large goes through files. It needs neither torch nor Qt, and ends when its input does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.packing import pack
from graphviz_nn_ui.workers.layout_request import Composers, LayoutRequest

FRAME: Final = 8
"""Bytes of the length in front of a body."""

PART: Final = 1000
"""Nodes that are encoded in one go: more would keep the window's thread waiting."""


class StructureMessage(msgspec.Struct, tag="structure", frozen=True):
    """The structure named `digest` is in a file, as `write_structure` leaves it."""

    digest: str
    file: str


class RequestMessage(msgspec.Struct, tag="request", frozen=True):
    """Asks for a picture, to be written to a file as `pack` gives it."""

    request: LayoutRequest
    file: str


class Answer(msgspec.Struct, frozen=True):
    """The file that a picture was written to, or why there is none."""

    file: str = ""
    error: str = ""


Message = StructureMessage | RequestMessage


def write_structure(structure: Structure, path: Path) -> None:
    """Writes a structure in parts, each of which takes a moment."""
    with path.open("wb") as file:
        for start in range(0, len(structure.nodes), PART):
            file.write(framed(Structure(structure.nodes[start : start + PART], (), ()).encode()))
        file.write(framed(Structure((), structure.modules, structure.module_calls).encode()))


def read_structure(path: Path) -> Structure:
    """Reads what `write_structure` wrote."""
    with path.open("rb") as file:
        pieces = [Structure.decode(body) for body in bodies(file)]
    nodes = tuple(node for piece in pieces for node in piece.nodes)
    return Structure(nodes, pieces[-1].modules, pieces[-1].module_calls)


def framed(body: bytes) -> bytes:
    """Returns a body with its length in front."""
    return len(body).to_bytes(FRAME, "little") + body


def bodies(source: BinaryIO) -> Iterator[bytes]:
    """Yields the bodies of a stream until it ends."""
    while len(head := source.read(FRAME)) == FRAME:
        yield source.read(int.from_bytes(head, "little"))


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers what comes from `source` until it ends."""
    composers, structures = Composers(), dict[str, Structure]()
    decoder = msgspec.msgpack.Decoder(Message)
    for body in bodies(source):
        message = decoder.decode(body)
        if isinstance(message, StructureMessage):
            structures[message.digest] = read_structure(Path(message.file))
            composers.prepare(structures[message.digest], LayoutRequest(message.digest, ()))
            continue
        sink.write(framed(msgspec.msgpack.encode(_answered(message, composers, structures))))
        sink.flush()


def _answered(message: RequestMessage, composers: Composers, structures: dict[str, Structure]) -> Answer:
    try:
        tables = composers.tables(structures[message.request.digest], message.request)
        Path(message.file).write_bytes(pack(tables))
    except Exception as error:  # the window shows it; the process lives on for the next picture
        return Answer(error=f"{type(error).__name__}: {error}")
    return Answer(file=message.file)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)

"""Which boxes are built alike, so that runs of equal siblings can be recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence

from graphviz_nn.layout.geometry import Box, Wire
from graphviz_nn.layout.level import NO_PORTS, Canonizer, Ports
from graphviz_nn.layout.tree import flatten
from graphviz_nn.layout.wiring import connect


def structural_hashes(root: Box, wires: Sequence[Wire]) -> dict[Hashable, str]:
    """Returns for every box a hexadecimal hash of its kind, of all that is inside it, and of how it is wired.

    Two boxes of equal hash have the same kind, children of equal hashes in the same order, the same wires among these,
    and wires that enter and leave at the same places. Keys, titles, and the sizes of boxes that have a `kind` do not
    count. The hash is the same in every process, provided that so is the `repr` of each `kind`.

    Raises:
        UsageError: as `layout` does.
    """
    tree = flatten(root, limit=len(list(root.walk())))
    wiring = connect(tree, wires)
    canonical = Canonizer()
    hashes = [""] * len(tree)
    ports: list[Ports] = [NO_PORTS] * len(tree)
    for number in range(len(tree) - 1, -1, -1):
        box, children = tree.boxes[number], tree.children[number]
        if box is None:
            continue
        seen: list[object] = [(box.width, box.height) if box.kind is None and not children else box.kind]
        if children:
            level, ports[number], _ = canonical(wiring.edges.get(number, {}), [ports[c] for c in children], False)
            seen += [hashes[child] for child in children]
            seen += [level.tops, level.bottoms, *map(tuple, level.edges)]
        hashes[number] = hashlib.blake2b(repr(seen).encode(errors="surrogatepass"), digest_size=12).hexdigest()
    return {box.key: hashes[number] for number, box in enumerate(tree.boxes) if box is not None}


def structural_hash(box: Box, wires: Sequence[Wire]) -> str:
    """Returns the hash of one box by itself, from the wires that run inside it; others are passed over.

    For several boxes `structural_hashes` is faster, and tells also how they are wired to what is around them.
    """
    inside = {each.key for each in box.walk()}
    return structural_hashes(box, [w for w in wires if w.source in inside and w.target in inside])[box.key]

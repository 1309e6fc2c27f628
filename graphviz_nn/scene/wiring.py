"""Wires between the boxes of a picture, and the parameters that each box reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.scene.fold import Turn
from graphviz_nn.scene.outline import Group
from graphviz_nn.scene.picture import PictureBox, PictureContainer, PictureWire
from graphviz_nn.scene.visibility import FLOW_KINDS, Flows, Visibility

Integers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_KINDS: Final = (*FLOW_KINDS, "loop")
_LOOP: Final = len(FLOW_KINDS)
_DATA: Final = FLOW_KINDS.index("data")


def connect(
    visibility: Visibility, boxes: Sequence[PictureBox], opened: Sequence[PictureContainer], turns: Mapping[int, Turn]
) -> list[PictureWire]:
    """Returns one wire for each two boxes and kind, in order of its target; fills in the boxes' `parameters` and
    `looped`. What flows inside one box needs no wire."""
    home = _homes(len(visibility.structure.nodes), boxes)
    flows = _flows(visibility, opened)
    for reader, parameter in zip(home[flows.readers].tolist(), flows.parameters.tolist(), strict=True):
        boxes[reader].parameters.add(parameter)
    sources, targets, kinds = home[flows.sources], home[flows.targets], flows.kinds
    apart = sources != targets
    if turns:
        around, backward = _turned(flows, turns, len(home))
        for box in np.unique(targets[around & ~apart]).tolist():
            boxes[box].looped = True
        kinds = np.where(around & backward, np.intp(_LOOP), kinds)
    codes = (sources * len(boxes) + targets) * len(_KINDS) + kinds
    return _wires(codes[apart], flows.sources[apart], flows.outputs[apart], boxes)


def _homes(count: int, boxes: Sequence[PictureBox]) -> Integers:
    """By id of a node the place of the box that stands for it, or −1."""
    parts = [part.nodes for box in boxes for part in (box, *box.siblings)]
    owners = np.repeat(np.arange(len(boxes)), [box.repeat for box in boxes])
    lengths = [len(nodes) for nodes in parts]
    home = np.full(count, -1, np.intp)
    home[np.fromiter(chain.from_iterable(parts), np.intp, sum(lengths))] = np.repeat(owners, lengths)
    return home


def _flows(visibility: Visibility, opened: Sequence[PictureContainer]) -> Flows:
    """What flows where these containers are open: the calls inside an opened function that nothing inside reads make
    its result, and lead to its own box in place of what the function reads."""
    flows = visibility.flows
    results = {c.group.node.id: _ends(visibility, c.group) for c in opened if c.group.node and c.group.node.outputs}
    results = {number: ends for number, ends in results.items() if ends}
    if not results:
        return flows
    replaced = np.zeros(len(visibility.shown), np.bool_)
    replaced[list(results)] = True
    kept, read = ~replaced[flows.targets], ~replaced[flows.readers]
    ends = np.array([end for each in results.values() for end in each], np.intp)
    targets = np.repeat(np.array(list(results), np.intp), [len(each) for each in results.values()])
    targets = np.concatenate([flows.targets[kept], targets])
    order = np.argsort(targets, kind="stable")
    return Flows(
        sources=np.concatenate([flows.sources[kept], ends])[order],
        outputs=np.concatenate([flows.outputs[kept], np.zeros_like(ends)])[order],
        targets=targets[order],
        kinds=np.concatenate([flows.kinds[kept], np.full_like(ends, _DATA)])[order],
        parameters=flows.parameters[read],
        readers=flows.readers[read],
    )


def _ends(visibility: Visibility, group: Group) -> list[int]:
    """The calls inside an opened function that nothing else inside reads."""
    nodes = visibility.structure.nodes
    own = group.node.id if group.node is not None else -1
    inside = [member for member in group.members() if member != own]
    read = {value.node for member in inside for edge in nodes[member].inputs for value in visibility.origins(edge)}
    return [member for member in inside if member not in read and nodes[member].outputs]


def _turned(flows: Flows, turns: Mapping[int, Turn], count: int) -> tuple[Flags, Flags]:
    """By flow whether it goes from one repeat of a stretch to a later one, and whether to the same or an earlier
    place of it."""
    table = np.full((3, count), -1, np.intp)
    table[:, np.fromiter(turns, np.intp, len(turns))] = np.array(list(turns.values()), np.intp).T
    before, after = table[:, flows.sources], table[:, flows.targets]
    around = (before[0] >= 0) & (before[0] == after[0]) & (after[2] > before[2])
    return around, after[1] <= before[1]


def _wires(codes: Integers, sources: Integers, outputs: Integers, boxes: Sequence[PictureBox]) -> list[PictureWire]:
    """One wire for each different code, in the order in which they come first, with its values in theirs."""
    different, firsts, places = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    wires = rank[places]
    # Among equal values of a wire the first counts.
    width = int(outputs.max(initial=0)) + 1
    values = sources * width + outputs
    by_value = np.lexsort((values, wires))
    fresh = np.ones(len(codes), np.bool_)
    fresh[by_value[1:]] = (np.diff(wires[by_value]) != 0) | (np.diff(values[by_value]) != 0)
    chosen = np.flatnonzero(fresh)
    chosen = chosen[np.argsort(wires[chosen], kind="stable")]
    starts = np.searchsorted(wires[chosen], np.arange(len(order) + 1)).tolist()
    refs = list(map(ValueRef._make, zip(sources[chosen].tolist(), outputs[chosen].tolist(), strict=True)))
    ends, kinds = np.divmod(different[order], len(_KINDS))
    tails, heads = np.divmod(ends, max(len(boxes), 1))
    return [
        PictureWire(boxes[tail], boxes[head], _KINDS[kind], refs[starts[place] : starts[place + 1]])
        for place, (tail, head, kind) in enumerate(zip(tails.tolist(), heads.tolist(), kinds.tolist(), strict=True))
    ]

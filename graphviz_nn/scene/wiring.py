"""Wires between the boxes of a picture, and the parameters that each box reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphviz_nn.model.nodes import Input, ValueRef
from graphviz_nn.scene.fold import Turn
from graphviz_nn.scene.picture import PictureBox, PictureContainer, PictureWire
from graphviz_nn.scene.visibility import Visibility


def connect(
    visibility: Visibility, boxes: Sequence[PictureBox], opened: Sequence[PictureContainer], turns: Mapping[int, Turn]
) -> list[PictureWire]:
    """Returns one wire for each two boxes and kind, in order of its target; fills in the boxes' `parameters` and
    `looped`. What flows inside one box needs no wire."""
    return _Wiring(visibility, boxes, turns).connect(opened)


class _Wiring:
    def __init__(self, visibility: Visibility, boxes: Sequence[PictureBox], turns: Mapping[int, Turn]) -> None:
        self._visibility = visibility
        self._nodes = visibility.structure.nodes
        self._turns = turns
        self._boxes = boxes
        self._home: list[int] = [-1] * len(self._nodes)
        for index, box in enumerate(boxes):
            for part in (box, *box.siblings):
                for number in part.nodes:
                    self._home[number] = index
        self._wires: dict[tuple[int, int, str], dict[ValueRef, None]] = {}

    def connect(self, opened: Sequence[PictureContainer]) -> list[PictureWire]:
        results = {c.group.node.id: c.group for c in opened if c.group.node is not None and c.group.node.outputs}
        for number in self._visibility.ids():
            if number in results:
                self._connect_result(number, results[number].members())
            else:
                self._connect_inputs(number)
        boxes = self._boxes
        return [PictureWire(boxes[s], boxes[t], kind, list(values)) for (s, t, kind), values in self._wires.items()]

    def _connect_inputs(self, number: int) -> None:
        home, shown, nodes = self._home, self._visibility.shown, self._nodes
        target = home[number]
        for edge in nodes[number].inputs:
            if shown[edge.node]:
                if home[edge.node] != target or self._turns:
                    self._add(ValueRef(edge.node, edge.output), number, edge.kind)
            elif nodes[edge.node].kind == "parameter":
                self._boxes[target].parameters.add(edge.node)
            else:
                self._pass_through(edge, number)

    def _pass_through(self, edge: Input, number: int) -> None:
        for value in self._visibility.origins(edge):
            if self._visibility.shown[value.node]:
                self._add(value, number, edge.kind)
            else:
                self._boxes[self._home[number]].parameters.add(value.node)

    def _connect_result(self, number: int, members: Sequence[int]) -> None:
        """Wires an opened function's own box to the calls inside that nothing inside reads: they make its result."""
        inside = [member for member in members if member != number]
        read = {v.node for i in inside for edge in self._nodes[i].inputs for v in self._visibility.origins(edge)}
        ends = [i for i in inside if i not in read and self._nodes[i].outputs]
        for i in ends:
            self._add(ValueRef(i, 0), number, "data")
        if not ends:
            self._connect_inputs(number)

    def _add(self, value: ValueRef, number: int, kind: str) -> None:
        source, target = self._home[value.node], self._home[number]
        before, after = self._turns.get(value.node), self._turns.get(number)
        around = before and after and before.run == after.run and after.repeat > before.repeat
        if source == target:
            if around:
                self._boxes[target].looped = True
            return
        if around and before and after and after.place <= before.place:
            kind = "loop"
        self._wires.setdefault((source, target, kind), {})[value] = None

"""Runs of equal siblings, drawn as one box each.

Two kinds of run fold. A *loop* is a stretch of siblings that repeats three times or more: the same modules called
again and the same lines of the program run again, as in a recurrence unrolled over time; each place of the stretch
becomes one box. A *chain* is three or more neighbouring modules of equal type and equal inside, each fed by the one
before, as the blocks of a transformer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, NamedTuple

from graphviz_nn.model.nodes import SOURCE_KINDS
from graphviz_nn.scene.picture import PictureBox, PictureContainer
from graphviz_nn.scene.visibility import Visibility

LEAST_REPEATS: Final = 3
_LONGEST_PERIOD: Final = 1024
_PERIODS_TRIED: Final = 4

Item = PictureBox | PictureContainer


class Run(NamedTuple):
    """`repeats` stretches of `period` siblings each, from sibling `start` on."""

    start: int
    period: int
    repeats: int


class Turn(NamedTuple):
    """Where a folded node stood: its loop or chain, the place in the stretch, and which repeat, from 0."""

    run: int
    place: int
    repeat: int


Signatures = dict[str, Hashable]
"""By key of a closed module what makes it equal to others; worked out where it is not known yet."""


def fold(root: PictureContainer, visibility: Visibility, signatures: Signatures | None = None) -> dict[int, Turn]:
    """Folds the children of every container under `root` in place; returns the turn of each folded node.

    `signatures` saves time where one structure is drawn again and again.
    """
    folder = _Folder(visibility, {} if signatures is None else signatures)
    folder.fold(root)
    return folder.turns


def find_runs(labels: Sequence[Hashable | None]) -> Iterator[Run]:
    """Yields the repeating stretches, shortest period first, from left to right, without overlap.

    None equals nothing, not even itself.
    """
    places = defaultdict(list)
    for index, label in enumerate(labels):
        if label is not None:
            places[label].append(index)
    ranks = {index: rank for positions in places.values() for rank, index in enumerate(positions)}
    start = 0
    while start < len(labels):
        run = _run_at(labels, start, places, ranks)
        if run is None:
            start += 1
        else:
            yield run
            start += run.period * run.repeats


def _run_at(
    labels: Sequence[Hashable | None], start: int, places: dict[Hashable, list[int]], ranks: dict[int, int]
) -> Run | None:
    label = labels[start]
    if label is None:
        return None
    following = ranks[start] + 1
    for next_one in places[label][following : following + _PERIODS_TRIED]:
        period = next_one - start
        if period > _LONGEST_PERIOD:
            return None
        end = next_one
        while end < len(labels) and labels[end] is not None and labels[end] == labels[end - period]:
            end += 1
        repeats = (end - start) // period
        if repeats >= LEAST_REPEATS:
            return Run(start, period, repeats)
    return None


class _Folder:
    def __init__(self, visibility: Visibility, signatures: Signatures) -> None:
        self._visibility = visibility
        self._nodes = visibility.structure.nodes
        self._signatures = signatures
        self._runs = 0
        self.turns: dict[int, Turn] = {}

    def fold(self, container: PictureContainer) -> None:
        for child in container.children:
            if isinstance(child, PictureContainer):
                self.fold(child)
        children = container.children
        children = self._folded(
            children, [r for r in find_runs(self._loop_labels(children)) if self._loops(children, r)]
        )
        container.children = self._folded(children, list(self._chains(children)))

    def _folded(self, children: list[Item], runs: list[Run]) -> list[Item]:
        kept: list[Item] = []
        done = 0
        for run in runs:
            kept += children[done : run.start]
            stretch = children[run.start : run.start + run.period * run.repeats]
            kept += self._fold_run(stretch, run.period)
            done = run.start + len(stretch)
        return kept + children[done:]

    def _fold_run(self, stretch: list[Item], period: int) -> list[PictureBox]:
        boxes = [item for item in stretch if isinstance(item, PictureBox)]
        for index, box in enumerate(boxes):
            turn = Turn(self._runs, index % period, index // period)
            self.turns.update(dict.fromkeys(box.nodes, turn))
        self._runs += 1
        for place, first in enumerate(boxes[:period]):
            first.siblings = boxes[place + period :: period]
        return boxes[:period]

    def _loop_labels(self, children: Sequence[Item]) -> list[Hashable | None]:
        return [self._loop_label(child) for child in children]

    def _loop_label(self, item: Item) -> Hashable | None:
        if isinstance(item, PictureContainer):
            return None
        if item.group is not None and item.group.call is not None:
            return item.group.path
        node = self._nodes[item.nodes[-1]]
        if node.kind in SOURCE_KINDS:
            return None
        place = node.source or (node.outputs[0].shape if node.outputs else ())
        return node.op, place

    def _loops(self, children: Sequence[Item], run: Run) -> bool:
        """Whether the stretch is a loop: one module called again and again, or a value goes around."""
        stretch = children[run.start : run.start + 2 * run.period]
        first, second = stretch[: run.period], stretch[run.period :]
        if any(isinstance(item, PictureBox) and item.group and item.group.call for item in first):
            return True
        return self._feeds(_nodes_of(first), _nodes_of(second))

    def _chains(self, children: Sequence[Item]) -> Iterator[Run]:
        def signature(index: int) -> Hashable:
            item = children[index]
            if item.key not in self._signatures:
                self._signatures[item.key] = self._signature(item)
            return self._signatures[item.key]

        start = 0
        while start < len(children):
            end = start + 1
            while (
                end < len(children)
                and _module_type(children[start]) is not None
                and _module_type(children[start]) == _module_type(children[end])
                and signature(start) == signature(end)
                and self._feeds(_nodes_of(children[end - 1 : end]), _nodes_of(children[end : end + 1]))
            ):
                end += 1
            if end - start >= LEAST_REPEATS:
                yield Run(start, 1, end - start)
            start = end

    def _feeds(self, sources: Sequence[int], targets: Sequence[int]) -> bool:
        known = set(sources)
        origins = self._visibility.origins
        return any(v.node in known for t in targets for edge in self._nodes[t].inputs for v in origins(edge))

    def _signature(self, item: Item) -> Hashable:
        """What makes modules equal: operators, attributes, shapes, and how they are wired inside."""
        members = _nodes_of([item])
        order = {number: index for index, number in enumerate(members)}
        return tuple(self._node_signature(number, order) for number in members)

    def _node_signature(self, number: int, order: dict[int, int]) -> Hashable:
        node = self._nodes[number]
        shapes = tuple(output.shape for output in node.outputs)
        inputs = tuple(
            (edge.argument, order.get(edge.node, -1), self._nodes[edge.node].outputs[edge.output].shape)
            for edge in node.inputs
        )
        return node.op, repr(node.attributes), shapes, inputs


def _nodes_of(items: Sequence[Item]) -> list[int]:
    return [number for item in items if isinstance(item, PictureBox) for number in item.nodes]


def _module_type(item: Item) -> str | None:
    """Class of the module that a box stands for; None for what is open, folded or no module."""
    if isinstance(item, PictureContainer) or item.siblings or item.group is None or item.group.module is None:
        return None
    return item.group.module.bases[0] if item.group.module.bases else item.group.module.type

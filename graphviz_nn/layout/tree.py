"""The tree of boxes as flat arrays, with overlong containers cut into sections."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphviz_nn.errors import UsageError
from graphviz_nn.layout.geometry import Box

SECTION_LIMIT: Final = 400
"""A container of more children than this is cut into sections: ranking and ordering grow faster than linearly."""

NOWHERE: Final = -1
"""Parent of the root."""


@dataclass(slots=True)
class Tree:
    """Boxes by number, parents before their children.

    Attributes:
        boxes: the box, or None for a section (an invisible container of consecutive children).
        parents: number of the box around, `NOWHERE` for the root.
        depths: 0 for the root.
        slots: place among the parent's children.
        children: numbers of the children, in order; empty for a leaf.
        numbers: number by key.
    """

    boxes: list[Box | None] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)
    numbers: dict[Hashable, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.boxes)

    def is_section(self, number: int) -> bool:
        return self.boxes[number] is None

    def has_sections(self, number: int) -> bool:
        """Whether the container's children are sections."""
        children = self.children[number]
        return bool(children) and self.boxes[children[0]] is None


@dataclass(frozen=True, slots=True)
class _Section:
    """Consecutive children of an overlong container."""

    children: Sequence[Box | _Section]


def flatten(root: Box, limit: int = SECTION_LIMIT) -> Tree:
    """Numbers the boxes and cuts containers of more than `limit` children into sections of about equal length.

    Raises:
        UsageError: two boxes have the same key.
    """
    tree = Tree()
    pending: list[tuple[Box | _Section, int, int]] = [(root, NOWHERE, 0)]
    while pending:
        entry, parent, slot = pending.pop()
        number = _add(tree, entry, parent, slot)
        if entry.children:
            inside = _cut(entry.children, limit)
            pending.extend((inside[k], number, k) for k in range(len(inside) - 1, -1, -1))
    return tree


def _add(tree: Tree, entry: Box | _Section, parent: int, slot: int) -> int:
    number = len(tree.boxes)
    if isinstance(entry, Box):
        tree.boxes.append(entry)
        if tree.numbers.setdefault(entry.key, number) != number:
            raise UsageError(f"Two boxes have the key {entry.key!r}; every box of a layout needs its own.")
    else:
        tree.boxes.append(None)
    tree.parents.append(parent)
    tree.slots.append(slot)
    tree.children.append([])
    if parent == NOWHERE:
        tree.depths.append(0)
    else:
        tree.depths.append(tree.depths[parent] + 1)
        tree.children[parent].append(number)
    return number


def _cut(children: Sequence[Box | _Section], limit: int) -> Sequence[Box | _Section]:
    while len(children) > limit:
        count = -(-len(children) // limit)
        length = -(-len(children) // count)
        children = [_Section(children[k : k + length]) for k in range(0, len(children), length)]
    return children

"""What is drawn, before anything has a place: boxes in containers, and wires between boxes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.expansion import Opens
from graphviz_nn.scene.outline import Group
from graphviz_nn.scene.visibility import Visibility


class PictureBox(msgspec.Struct, eq=False, gc=False):
    """A box that is not expanded.

    Attributes:
        key: as in `SceneBox`.
        role: as in `SceneBox`.
        nodes: ids of the shown nodes that it stands for, in order.
        group: the module call, composite or custom function that it stands for; None for a call by itself.
        siblings: the equal boxes that it stands for besides itself.
        looped: a value goes from one sibling to the next.
        parameters: ids of the parameters that its nodes read and that have no box of their own.
    """

    key: str
    role: str
    nodes: list[int]
    group: Group | None = None
    siblings: list[PictureBox] = []
    looped: bool = False
    parameters: set[int] = set()

    @property
    def repeat(self) -> int:
        return len(self.siblings) + 1


@dataclass(slots=True, eq=False)
class PictureContainer:
    """An expanded group and what is drawn in it, in order of execution."""

    group: Group
    children: list[PictureContainer | PictureBox]

    @property
    def key(self) -> str:
        return self.group.key

    def boxes(self) -> list[PictureBox]:
        """Every box inside, at any depth."""
        found = []
        for child in self.children:
            if isinstance(child, PictureBox):
                found.append(child)
            else:
                found += child.boxes()
        return found


class PictureWire(msgspec.Struct, eq=False, gc=False):
    """Values that flow from one box to another. `kind` as in `SceneWire`."""

    source: PictureBox
    target: PictureBox
    kind: str
    values: list[ValueRef]


@dataclass(slots=True, eq=False)
class Picture:
    """A whole picture without geometry. `types` and `module_types`: layer type by node id and by module path."""

    structure: Structure
    types: list[LayerType | None]
    module_types: dict[str, LayerType | None]
    visibility: Visibility
    root: PictureContainer
    boxes: list[PictureBox]
    wires: list[PictureWire]


def build_tree(group: Group, expansion: Opens) -> PictureContainer:
    """Returns the container of an open group; groups that are not open, or that hold one call, become boxes."""
    children = [_build_child(child, expansion) for child in group.children]
    return PictureContainer(group, children)


def _build_child(child: Group | int, expansion: Opens) -> PictureContainer | PictureBox:
    if isinstance(child, int):
        return PictureBox(f"n{child}", "operator", [child])
    nodes = child.members()
    if len(nodes) == 1:
        return PictureBox(child.key, "operator", nodes, innermost(child))
    if not expansion.opens(child):
        return _closed_box(child, nodes)
    only = child.lone_function()
    if only is not None:
        # A module that only calls one composite: its inside is drawn in the module's own container.
        if not expansion.opens(only):
            return _closed_box(child, nodes)
        return PictureContainer(child, build_tree(only, expansion).children)
    return build_tree(child, expansion)


def _closed_box(group: Group, nodes: list[int]) -> PictureBox:
    return PictureBox(group.key, "module" if group.node is None else "composite", nodes, group)


def innermost(group: Group) -> Group:
    """Returns the deepest module call among groups that hold one another and nothing else."""
    found = group
    while len(group.children) == 1 and isinstance(group.children[0], Group):
        group = group.children[0]
        if group.node is None:
            found = group
    return found

"""The shown calls as a tree: module calls, composites and custom functions around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphviz_nn.model.modules import Module, ModuleCall
from graphviz_nn.model.nodes import SOURCE_KINDS, Node
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.visibility import Visibility


@dataclass(slots=True, eq=False)
class Group:
    """A call with calls inside; the root of the tree is none, and holds what ran outside any module.

    Attributes:
        key: "m3" for module call 3, "f12" for composite or custom function 12, "root".
        path: dotted module path, or the node's name.
        depth: number of groups around it, the root not counted; −1 for the root.
        module, call: of a module call. node: of a composite or custom function.
        children: groups and ids of shown nodes, in order of execution.
    """

    key: str
    path: str
    depth: int
    module: Module | None = None
    call: ModuleCall | None = None
    node: Node | None = None
    children: list[Group | int] = field(default_factory=list)
    _members: list[int] | None = None

    def members(self) -> list[int]:
        """Ids of the shown nodes inside, at any depth, in order of execution. Kept: for groups that are complete."""
        if self._members is None:
            found: list[int] = []
            for child in self.children:
                if isinstance(child, int):
                    found.append(child)
                else:
                    found += child.members()
            self._members = found
        return self._members

    def lone_function(self) -> Group | None:
        """The composite or custom function that is all there is inside, or None."""
        only = self.children[0] if len(self.children) == 1 else None
        return only if isinstance(only, Group) and only.node is not None else None

    def groups(self) -> Iterator[Group]:
        """Every group inside, at any depth, outer ones first."""
        for child in self.children:
            if not isinstance(child, int):
                yield child
                yield from child.groups()


def build_outline(visibility: Visibility) -> Group:
    """Returns the root of the tree that holds every shown node once. Groups without shown nodes are left out."""
    return _Outliner(visibility).build()


_Place = tuple[int | None, int | None]
"""Module call and composite that a node stands in."""


class _Outliner:
    def __init__(self, visibility: Visibility) -> None:
        self._visibility = visibility
        self._structure: Structure = visibility.structure
        self._root = Group("root", "", -1)
        self._groups: dict[_Place, Group] = {(None, None): self._root}
        self._module_groups: dict[int, Group] = {}
        self._node_groups: dict[int, Group] = {}

    def build(self) -> Group:
        nodes = self._structure.nodes
        readers = self._first_readers()
        for number in self._visibility.ids():
            node = nodes[number]
            if node.kind in SOURCE_KINDS and node.module_call is None:
                # A source is drawn beside the call that first read it, but for inputs, which come from outside.
                node = node if node.kind in ("input", "constant") else nodes[readers.get(number, number)]
            inside = number if number in self._node_groups else node.parent
            self._group(node.module_call, inside).children.append(number)
        return self._root

    def _first_readers(self) -> dict[int, int]:
        shown, nodes = self._visibility.shown, self._structure.nodes
        sources = {n.id for n in nodes if n.kind in ("parameter", "buffer") and shown[n.id]}
        found: dict[int, int] = {}
        if sources:
            for node in nodes:
                for edge in node.inputs:
                    if edge.node in sources:
                        found.setdefault(edge.node, node.id)
        return found

    def _group(self, call: int | None, inside: int | None) -> Group:
        place = (call, inside)
        group = self._groups.get(place)
        if group is None:
            group = self._groups[place] = self._make(call, inside)
        return group

    def _make(self, call: int | None, inside: int | None) -> Group:
        """The group of a node in module call `call` and composite `inside`: the inner one of the two."""
        if inside is None:
            return self._root if call is None else self._module_group(call, None)
        outer = self._structure.nodes[inside]
        if outer.module_call == call or call is None:
            return self._node_group(outer)
        self._enter_composite(call, outer)
        return self._module_group(call, None)

    def _enter_composite(self, call: int, outer: Node) -> None:
        """Puts the module calls that ran inside composite `outer` into its group."""
        top = call
        while (parent := self._structure.module_calls[top].parent) is not None and parent != outer.module_call:
            top = parent
        if parent == outer.module_call:
            self._module_group(top, outer)

    def _module_group(self, call: int, outer: Node | None) -> Group:
        group = self._module_groups.get(call)
        if group is None:
            record = self._structure.module_calls[call]
            if outer is not None:
                parent = self._node_group(outer)
            else:
                parent = self._root if record.parent is None else self._module_group(record.parent, None)
            module = self._structure.modules_by_path.get(record.path)
            group = Group(f"m{call}", record.path, parent.depth + 1, module=module, call=record)
            self._module_groups[call] = group
            parent.children.append(group)
        return group

    def _node_group(self, node: Node) -> Group:
        group = self._node_groups.get(node.id)
        if group is None:
            parent = self._group(node.module_call, node.parent)
            group = Group(f"f{node.id}", node.name, parent.depth + 1, node=node)
            self._node_groups[node.id] = group
            parent.children.append(group)
        return group

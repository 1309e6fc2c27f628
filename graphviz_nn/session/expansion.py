"""Which modules are expanded, with undo and redo."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Final

from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure

Keys = frozenset[str]
_Name = tuple[str, int]
_BY_NAME: Final = -1
"""In place of the count of a module call: a composite or custom call, whose name is its own."""

DEEPEST_HISTORY: Final = 1000
"""Changes that can be undone."""


class Expansion:
    """The keys of the expanded groups: "m3" for module call 3, "f12" for composite or custom call 12.

    A change that leaves everything as it was is none, and cannot be undone.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self.keys: Keys = frozenset(keys)
        self._past: list[Keys] = []
        self._future: list[Keys] = []

    def change(self, keys: Iterable[str]) -> bool:
        """Expands exactly these; returns whether that is a change."""
        after = frozenset(keys)
        if after == self.keys:
            return False
        self._past = [*self._past[1 - DEEPEST_HISTORY :], self.keys]
        self._future.clear()
        self.keys = after
        return True

    def begin(self, keys: Iterable[str]) -> bool:
        """Expands exactly these, as if it had always been so: it cannot be undone. Returns whether that is a change."""
        former, self.keys = self.keys, frozenset(keys)
        return self.keys != former

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> bool:
        """Takes the last change back; returns whether there was one."""
        return self._swap(self._past, self._future)

    def redo(self) -> bool:
        """Makes the change again that was taken back last; returns whether there was one."""
        return self._swap(self._future, self._past)

    def carry(self, before: Structure, after: Structure) -> bool:
        """Gives the groups, also those of the history, the keys that they have in another structure.

        Module calls are the same by path and count, others by name; what the other has not is left out. Returns
        whether the keys changed.
        """
        names = _names(before, frozenset().union(self.keys, *self._past, *self._future))
        there = _keys(after, set(names.values()))
        translation = {key: there[name] for key, name in names.items() if name in there}

        def translated(keys: Keys) -> Keys:
            return frozenset(translation[key] for key in keys if key in translation)

        former = self.keys
        self.keys = translated(former)
        self._past = [translated(keys) for keys in self._past]
        self._future = [translated(keys) for keys in self._future]
        return self.keys != former

    def _swap(self, source: list[Keys], target: list[Keys]) -> bool:
        while source:
            target.append(self.keys)
            former, self.keys = self.keys, source.pop()
            # Two states may have become one in another structure.
            if self.keys != former:
                return True
            target.pop()
        return False


def _names(structure: Structure, keys: Iterable[str]) -> dict[str, _Name]:
    """By key what a group is called in every structure: path and count, or name and `_BY_NAME`."""
    found: dict[str, _Name] = {}
    for key in keys:
        calls = structure.module_calls if key.startswith("m") else structure.nodes
        number = int(key[1:]) if key[1:].isdecimal() else len(calls)
        if number < len(calls):
            call = calls[number]
            found[key] = (call.name, _BY_NAME) if isinstance(call, Node) else (call.path, call.call)
    return found


def _keys(structure: Structure, names: Set[_Name]) -> dict[_Name, str]:
    """The keys that groups with these names have in a structure, where it has them."""
    found: dict[_Name, str] = {}
    for number, call in enumerate(structure.module_calls):
        if (call.path, call.call) in names:
            found[call.path, call.call] = f"m{number}"
    for name, count in names:
        node = structure.by_name.get(name) if count == _BY_NAME else None
        if node is not None and node.kind in ("composite", "custom"):
            found[name, count] = f"f{node.id}"
    return found

"""The groups of a structure that can be expanded: which stand around what, and sets of them to open."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.words import relative

Keys = frozenset[str]
Integers = npt.NDArray[np.int32]

FIRST_LOOK: Final = 64
"""Boxes up to which the first picture of a run opens one more level."""

_OUTSIDE: Final = -1


class Groups:
    """Module calls ("m3") and composite or custom calls ("f12") as a tree.

    Attributes:
        structure: whose groups they are.
        keys: of all groups, outer ones before inner ones.
        depths: by group how many stand around it.
        most: about how many boxes a picture of everything has.
    """

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        calls, nodes = structure.module_calls, structure.nodes
        # A composite completes after the ones inside it, so the outer ones come first when read backwards.
        composites = [node for node in reversed(nodes) if node.kind in ("composite", "custom")]
        self.keys = tuple([f"m{number}" for number in range(len(calls))] + [f"f{node.id}" for node in composites])
        self._place = {key: place for place, key in enumerate(self.keys)}
        within = {node.id: len(calls) + place for place, node in enumerate(composites)}
        self._parents = [_OUTSIDE if call.parent is None else call.parent for call in calls]
        self._homes: list[int] = []
        for node in nodes:
            outer = nodes[node.parent] if node.parent is not None else None
            if outer is not None and outer.id in within and outer.module_call == node.module_call:
                self._homes.append(within[outer.id])
            else:
                self._homes.append(_OUTSIDE if node.module_call is None else node.module_call)
        self._parents += [self._homes[node.id] for node in composites]
        self.depths = self._depths()
        self._outer = np.array(self._parents, np.intp)
        order = np.argsort(self.depths, kind="stable")
        self._levels = np.split(order, np.flatnonzero(np.diff(self.depths[order])) + 1)
        drawn = [node.phase == "forward" and node.kind not in ("parameter", "buffer", "noop") for node in nodes]
        homes = np.array(self._homes, np.int32)[np.array(drawn, np.bool_)] if nodes else np.empty(0, np.int32)
        self._counts = np.bincount(homes + 1, minlength=len(self.keys) + 1)
        self.most = self.shown(self.all)

    @property
    def all(self) -> Keys:
        return frozenset(self.keys)

    def to_depth(self, depth: int) -> Keys:
        """Returns the groups with fewer than `depth` around them."""
        return frozenset(self.keys[place] for place in np.flatnonzero(self.depths < depth))

    def inside(self, key: str) -> Keys:
        """Returns a group and all groups inside it, at any depth."""
        place = self._place.get(key)
        if place is None:
            return frozenset()
        found = {place}
        for number, parent in enumerate(self._parents):
            if parent in found:
                found.add(number)
        return frozenset(self.keys[number] for number in found)

    def outer(self, key: str) -> tuple[str, ...]:
        """Returns the groups around a group, outermost first."""
        return self._chain(self._parents[self._place[key]]) if key in self._place else ()

    def around(self, node: int) -> tuple[str, ...]:
        """Returns the groups around a node, outermost first."""
        return self._chain(self._homes[node])

    def title(self, key: str) -> str:
        """Returns a group's name inside the module call around it: "attn", "layer1.0"; for the root its class."""
        if key.startswith("f"):
            return self.structure.nodes[int(key[1:])].op
        calls = self.structure.module_calls
        call = calls[int(key[1:])]
        module = self.structure.modules_by_path.get(call.path)
        outer = calls[call.parent].path if call.parent is not None else ""
        return relative(call.path, outer) or (module.type if module is not None else "model")

    def shown(self, opened: Keys) -> int:
        """Returns about how many boxes a picture with these groups open has, before equal ones are folded."""
        if not self.keys:
            return int(self._counts[0])
        chosen = np.zeros(len(self.keys), np.bool_)
        chosen[[self._place[key] for key in opened if key in self._place]] = True
        reached = np.zeros(len(self.keys) + 1, np.bool_)
        reached[_OUTSIDE] = True
        for places in self._levels:
            reached[places] = chosen[places] & reached[self._outer[places]]
        seen = reached[self._outer] & ~reached[:-1]
        return int(self._counts[0] + self._counts[1:][reached[:-1]].sum() + seen.sum())

    def first_look(self) -> Keys:
        """Returns what a run that is opened shows: as many levels as stay easy to overlook, but the roots at least."""
        opened = self.to_depth(1)
        for depth in range(2, int(self.depths.max(initial=0)) + 1):
            deeper = self.to_depth(depth)
            if self.shown(deeper) > FIRST_LOOK:
                break
            opened = deeper
        return opened

    def _chain(self, place: int) -> tuple[str, ...]:
        found = []
        while place != _OUTSIDE:
            found.append(self.keys[place])
            place = self._parents[place]
        return tuple(reversed(found))

    def _depths(self) -> Integers:
        depths = np.zeros(len(self.keys), np.int32)
        for place, parent in enumerate(self._parents):
            if parent != _OUTSIDE:
                depths[place] = depths[parent] + 1
        return depths

"""Which groups a picture opens."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from graphviz_nn.errors import SelectorError, did_you_mean
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.scene.outline import Group


class Opens(Protocol):
    """Knows which groups a picture opens."""

    def opens(self, group: Group) -> bool: ...


class ChosenExpansion:
    """Opens the groups with these keys, and what stands alone in one of them and is drawn as its inside: `insides` has
    the key of such a group by that of the one around it."""

    def __init__(self, keys: Collection[str], insides: Mapping[str, str]) -> None:
        self._open = {*keys, *_alone(keys, insides)}

    def opens(self, group: Group) -> bool:
        return group.depth < 0 or group.key in self._open


def lone_functions(root: Group) -> dict[str, str]:
    """Returns, by key of a group that holds one function and nothing else, the key of that function."""
    return {group.key: only.key for group in root.groups() if (only := group.lone_function()) is not None}


class Expansion:
    """Answers `opens(group)` for the groups under `root`.

    A group is open if fewer than `options.depth` groups stand around it and its layer type shows its inside, or if it
    or something inside it matches a pattern of `options.expand`.

    Raises:
        SelectorError: a pattern matches no module path and no composite's name.
    """

    def __init__(self, root: Group, options: PictureOptions, closed: set[str]) -> None:
        self._depth = options.depth
        self._closed = closed
        self._forced: set[str] = set()
        if options.expand:
            patterns = [re.compile(fnmatch.translate(pattern)) for pattern in options.expand]
            matched = self._force(root, patterns)
            for text, pattern in zip(options.expand, patterns, strict=True):
                if pattern not in matched:
                    raise _no_match(text, root)

    def opens(self, group: Group) -> bool:
        if group.depth < 0 or group.key in self._forced:
            return True
        return (self._depth is None or group.depth < self._depth) and group.key not in self._closed

    def _force(self, group: Group, patterns: Sequence[re.Pattern[str]]) -> set[re.Pattern[str]]:
        """Marks what matches and everything around it; returns the patterns that matched."""
        matched = {pattern for pattern in patterns if group.depth >= 0 and pattern.match(group.path)}
        for child in group.children:
            if not isinstance(child, int):
                matched |= self._force(child, patterns)
        if matched:
            self._forced.add(group.key)
        return matched


def closed_groups(
    root: Group, module_types: dict[str, LayerType | None], types: Sequence[LayerType | None]
) -> set[str]:
    """Returns the keys of the groups whose layer type keeps its inside to itself."""
    closed = set()
    for group in root.groups():
        layer_type = types[group.node.id] if group.node is not None else module_types.get(group.path)
        if layer_type is not None and not layer_type.opened:
            closed.add(group.key)
    return closed


def _alone(keys: Collection[str], insides: Mapping[str, str]) -> Iterator[str]:
    for key in keys:
        inside = insides.get(key)
        while inside is not None:
            yield inside
            inside = insides.get(inside)


def _no_match(pattern: str, root: Group) -> SelectorError:
    paths = sorted({group.path for group in root.groups() if group.path})
    hint = did_you_mean(pattern, paths)
    if not hint and paths:
        hint = f" There are, among others: {', '.join(paths[:5])}."
    elif not hint:
        hint = " This step called no module."
    return SelectorError(f"The expand pattern {pattern!r} matches no module that was called.{hint}")

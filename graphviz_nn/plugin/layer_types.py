"""Finds the layer type of a call or of a module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate

from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure


def plain_names(op: str) -> tuple[str, ...]:
    """Returns the names under which an operator is looked up: its own, and those without the marks of in-place
    (`relu_`) and private (`_softmax`) forms."""
    return op, op.removesuffix("_"), op.strip("_")


class LayerTypes:
    """Every registered layer type, in order of registration; where two cover the same thing the later one wins."""

    def __init__(self, types: Iterable[LayerType]) -> None:
        self._types = tuple(types)
        self._functions = {name: kind for kind in self._types for name in kind.functions}
        self._classes: dict[str, LayerType] = {}
        self._patterns: list[tuple[re.Pattern[str], LayerType]] = []
        for kind in self._types:
            for name in kind.modules:
                if "*" in name:
                    self._patterns.insert(0, (re.compile(translate(name)), kind))
                else:
                    self._classes[name] = kind
        self._by_op: dict[str, LayerType | None] = {}
        self._by_bases: dict[tuple[str, ...], LayerType | None] = {}

    def __iter__(self) -> Iterator[LayerType]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def for_node(self, node: Node, structure: Structure) -> LayerType | None:
        """Returns the layer type that covers the call, or None. It goes by the operator alone: see `for_op`."""
        del structure
        return self.for_op(node.op)

    def for_op(self, op: str) -> LayerType | None:
        """Returns the layer type that covers the operator, or None.

        In-place forms (`relu_`) and private ones (`_softmax`) are covered by the plain name where nothing covers
        them by their own.
        """
        try:
            return self._by_op[op]
        except KeyError:
            found = self._by_op[op] = self._find_function(op)
            return found

    def for_module(self, module: Module) -> LayerType | None:
        """Returns the layer type that covers the module's class or the nearest of its bases, or None.

        At each class a type that names it comes before one that covers it by a pattern.
        """
        bases = module.bases
        try:
            return self._by_bases[bases]
        except KeyError:
            found = self._by_bases[bases] = self._find_class(bases)
            return found

    def _find_function(self, op: str) -> LayerType | None:
        for name in plain_names(op):
            if name in self._functions:
                return self._functions[name]
        return None

    def _find_class(self, bases: tuple[str, ...]) -> LayerType | None:
        for base in bases:
            found = self._classes.get(base)
            if found is not None:
                return found
            for pattern, kind in self._patterns:
                if pattern.match(base):
                    return kind
        return None

"""How many elements the parameters of each module have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """Elements and bytes of the parameters that a step read; a tied parameter counts once in each module.

    Attributes:
        own, total: elements by module path: registered by the module itself; by it and the modules below it.
        total_bytes: bytes of `total`.
        elements, bytes: of all parameters together.
    """

    own: Mapping[str, int] = field(default_factory=dict)
    total: Mapping[str, int] = field(default_factory=dict)
    total_bytes: Mapping[str, int] = field(default_factory=dict)
    elements: int = 0
    bytes: int = 0


def count_parameters(structure: Structure) -> ParameterCounts:
    """Returns the counts of every module in `structure.modules`."""
    paths = [module.path for module in structure.modules]
    own, total, total_bytes = dict.fromkeys(paths, 0), dict.fromkeys(paths, 0), dict.fromkeys(paths, 0)
    elements = size = 0
    for node in structure.nodes:
        if node.kind != "parameter":
            continue
        count, width = prod(node.outputs[0].shape), node.outputs[0].bytes
        elements += count
        size += width
        for path in _owners(node) & own.keys():
            own[path] += count
        for path in _prefixes(_owners(node)) & total.keys():
            total[path] += count
            total_bytes[path] += width
    return ParameterCounts(own, total, total_bytes, elements, size)


def _owners(node: Node) -> set[str]:
    """Paths of the modules that registered the parameter, one for each of its names."""
    return {name.rpartition(".")[0] for name in node.names}


def _prefixes(paths: Iterable[str]) -> set[str]:
    return {prefix for path in paths for prefix in prefixes(path)}


def prefixes(path: str) -> Iterator[str]:
    """Yields the path and every path above it: "a.b" → "a.b", "a", ""."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""

"""How many elements the parameters of each module have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

from graphviz_nn.model.structure import Structure


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """Elements and bytes of the parameters that a step read; a tied parameter counts once in each module.

    So does one that stands there twice, whole while FSDP computes with it and as a DTensor in the update.

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
    around = {path: [prefix for prefix in prefixes(path) if prefix in total] for path in paths}
    elements = size = 0
    counted: set[tuple[str, ...]] = set()
    for node in structure.nodes:
        if node.kind != "parameter" or (node.names and node.names in counted):
            continue
        counted.add(node.names)
        count, width = prod(node.outputs[0].shape), node.outputs[0].bytes
        elements += count
        size += width
        owners = {name.rpartition(".")[0] for name in node.names} & own.keys()
        for path in owners:
            own[path] += count
        for path in {prefix for owner in owners for prefix in around[owner]}:
            total[path] += count
            total_bytes[path] += width
    return ParameterCounts(own, total, total_bytes, elements, size)


def prefixes(path: str) -> Iterator[str]:
    """Yields the path and every path above it: "a.b" → "a.b", "a", ""."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""

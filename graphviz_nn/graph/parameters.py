"""How many elements the parameters of each module have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    elements = size = 0
    for owners, (count, width) in _by_owners(structure).items():
        elements += count
        size += width
        known = [owner for owner in dict.fromkeys(owners) if owner in own]
        for path in known:
            own[path] += count
        # Modules around several owners of one parameter count it once.
        above: Iterable[str] = (
            prefixes(known[0]) if len(known) == 1 else {prefix for owner in known for prefix in prefixes(owner)}
        )
        for path in above:
            if path in total:
                total[path] += count
                total_bytes[path] += width
    return ParameterCounts(own, total, total_bytes, elements, size)


def _by_owners(structure: Structure) -> dict[tuple[str, ...], tuple[int, int]]:
    """Elements and bytes of the parameters that the same modules registered, each parameter once."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    counted: set[tuple[str, ...]] = set()
    for node in structure.nodes:
        if node.kind != "parameter" or (node.names and node.names in counted):
            continue
        counted.add(node.names)
        owners = tuple([name.rpartition(".")[0] for name in node.names])
        elements, size = found.get(owners, (0, 0))
        found[owners] = elements + prod(node.outputs[0].shape), size + node.outputs[0].bytes
    return found


def prefixes(path: str) -> Iterator[str]:
    """Yields the path and every path above it: "a.b" → "a.b", "a", ""."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""

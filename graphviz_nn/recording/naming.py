"""What a recorded call is called: its kind, its operator, and a readable name that no other call has."""

from __future__ import annotations

from graphviz_nn.model.literals import clean
from graphviz_nn.recording.classify import operator_name, qualified_name
from graphviz_nn.recording.tape import ALIAS, CUSTOM, FAILED, GROUP, INFRA, NOOP, OPAQUE, SOURCE, Op


class CallNames:
    """Gives out the names of one structure's calls, in their order."""

    def __init__(self, ops: list[Op], phases: list[int]) -> None:
        self._taken: dict[str, int] = {}
        self._per_module = _calls_per_module(ops, phases)

    def name(self, op: Op, operator: str, path: str | None, hint: str, *, infra: bool) -> str:
        """Returns the call's name: `hint` if there is one; else from its operator and the path of its module."""
        if hint:
            return self._unique(hint)
        if op.flags & SOURCE:
            return self._unique(f"{path}.{operator}" if path else operator)
        if not path:
            return self._unique(operator)
        # A module whose call is this one operator lends it its own name.
        alone = self._per_module.get(op.state[2]) == 1 and not op.flags & GROUP and not infra
        return self._unique(path if alone else f"{path}.{operator}")

    def _unique(self, name: str) -> str:
        name = clean(name)
        count = self._taken.get(name, 0) + 1
        self._taken[name] = count
        if count == 1:
            return name
        candidate = f"{name}_{count}"
        while candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        self._taken[name] = count
        self._taken[candidate] = 1
        return candidate


def _calls_per_module(ops: list[Op], phases: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for op, phase in zip(ops, phases, strict=True):
        if not op.flags & (SOURCE | ALIAS | GROUP) and op.group < 0 and phase != INFRA:
            counts[op.state[2]] = counts.get(op.state[2], 0) + 1
    return counts


def kind_of(op: Op) -> str:
    """Returns one of `graphviz_nn.model.nodes.KINDS`."""
    if op.flags & SOURCE:
        return str(op.function)
    for flag, kind in ((ALIAS, "alias"), (OPAQUE, "opaque"), (GROUP, "composite"), (CUSTOM, "custom")):
        if op.flags & flag:
            return kind
    if op.flags & NOOP and not op.value_count:
        return "noop"
    return "scalar" if not op.value_count and not op.flags & FAILED else "op"


def operator_of(op: Op) -> str:
    """Returns the user-level name of what was called."""
    if isinstance(op.function, str):
        return op.function
    if isinstance(op.function, type):
        return op.function.__name__
    return operator_name(op.function)


def function_of(op: Op) -> str:
    """Returns the importable name of what was called, or ""."""
    function = op.function
    if isinstance(function, type):
        return f"{function.__module__}.{function.__qualname__}"
    return qualified_name(function)

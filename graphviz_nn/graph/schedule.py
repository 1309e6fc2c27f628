"""What a replay does with each recorded node, decided before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from graphviz_nn.errors import ReplayError
from graphviz_nn.graph.gaps import Gaps
from graphviz_nn.graph.operators import find_operator
from graphviz_nn.graph.restore import is_restorable
from graphviz_nn.model.nodes import SOURCE_KINDS, Input, Node, ValueRef
from graphviz_nn.model.structure import Structure

_UNINITIALISED: Final = frozenset(
    {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "new"}
)
"""Operators whose result is whatever was in memory."""


class Action(Enum):
    """How the values of a node come about."""

    NOTHING = auto()
    """It has none."""
    RECORDED = auto()
    """They are taken as they were recorded."""
    CALL = auto()
    """The recorded function is called."""
    ALIAS = auto()
    """The older view is read again."""
    INSIDE = auto()
    """They are what the calls inside made."""


class Task(NamedTuple):
    """A node, what to do with it, with which function, and whether an override changed what it reads."""

    node: Node
    action: Action
    function: Callable[..., Any] | None = None
    changed: bool = False

    @property
    def reads(self) -> tuple[Input, ...]:
        """The values that the task needs."""
        match self.action:
            case Action.CALL:
                return tuple(edge for edge in self.node.inputs if not _is_result(edge))
            case Action.ALIAS:
                return self.node.inputs[:2]
            case Action.INSIDE:
                return results_of(self.node)
        return ()


def results_of(node: Node) -> tuple[Input, ...]:
    """The values made inside a custom function that left it as its results, in order."""
    return tuple(edge for edge in node.inputs if _is_result(edge))


def _is_result(edge: Input) -> bool:
    return edge.argument == "result" and edge.kind == "alias"


def schedule(
    structure: Structure, functions: Mapping[int, Callable[..., Any]] | None, overridden: Container[ValueRef]
) -> list[Task]:
    """Returns one task a node, in order.

    Args:
        functions: the live functions by node id, or None where this is not the process that recorded.
        overridden: the values that are replaced.

    Raises:
        ReplayError: a node can neither be run again nor be taken as recorded.
    """
    return _Scheduler(structure, functions, overridden).tasks()


class _Scheduler:
    def __init__(
        self, structure: Structure, functions: Mapping[int, Callable[..., Any]] | None, overridden: Container[ValueRef]
    ) -> None:
        self._nodes = structure.nodes
        self._is_live = functions is not None
        self._functions = functions or {}
        self._overridden = {node.id: _overridden_outputs(node, overridden) for node in structure.nodes}
        self._changed: set[int] = set()
        self._gaps = Gaps(structure.nodes)
        self._closed = self._find_closed()

    def tasks(self) -> list[Task]:
        return [self._task(node) for node in self._nodes]

    def _task(self, node: Node) -> Task:
        changed = any(edge.node in self._changed or edge.output in self._overridden[edge.node] for edge in node.inputs)
        if changed:
            self._changed.add(node.id)
        action, function = self._decide(node)
        if action in (Action.RECORDED, Action.INSIDE) or self._overridden[node.id]:
            self._gaps.add(node)
        return Task(node, action, function, changed)

    def _decide(self, node: Node) -> tuple[Action, Callable[..., Any] | None]:
        if not node.outputs:
            return Action.NOTHING, None
        if node.kind in SOURCE_KINDS or node.kind == "opaque" or self._is_taken(node):
            return Action.RECORDED, None
        if node.op in _UNINITIALISED:
            return Action.RECORDED, None
        if node.kind == "alias":
            return (Action.ALIAS if len(node.inputs) > 1 else Action.RECORDED), None
        function = self._function(node)
        if function is not None:
            return Action.CALL, function
        if node.kind == "custom" and self._is_made_inside(node):
            return Action.INSIDE, None
        if not node.inputs or self._is_overridden(node) or (self._is_live and not _is_restorable(node)):
            # It read no tensor, so it would give the same again; or nobody asks what it would give; or it was given
            # an object of the program's (a generator, a callback) that is gone or has moved on.
            return Action.RECORDED, None
        raise ReplayError(_refusal(node))

    def _is_taken(self, node: Node) -> bool:
        # A call that writes in place is made all the same: other views of the memory see what is written.
        writes = any(output.version for output in node.outputs)
        if node.parent in self._closed or (self._is_overridden(node) and not writes):
            return True
        if node.op == "grad" and node.phase == "backward":
            return _is_restorable(node) and self._gaps.interrupt(node)
        return node.phase != "forward"

    def _is_overridden(self, node: Node) -> bool:
        return len(self._overridden[node.id]) == len(node.outputs)

    def _find_closed(self) -> set[int | None]:
        """Ids of the calls that run as a whole: what is inside them is not run again by itself."""
        closed: set[int | None] = set()
        for node in reversed(self._nodes):
            runs = node.kind in ("custom", "composite") and node.outputs and self._function(node) is not None
            if node.parent in closed or runs:
                closed.add(node.id)
        return closed

    def _function(self, node: Node) -> Callable[..., Any] | None:
        """The function to call, or None where it or its arguments are not known here."""
        if not _is_restorable(node):
            return None
        function = self._functions.get(node.id)
        if function is None:
            named = node.function or ("torch.autograd.grad" if node.op == "grad" else "")
            return find_operator(named)
        if node.kind == "custom":
            return function.apply  # type: ignore[attr-defined, no-any-return]
        return function

    def _is_made_inside(self, node: Node) -> bool:
        return len(results_of(node)) == len(node.outputs) and not any(output.version for output in node.outputs)


def _is_restorable(node: Node) -> bool:
    return node.arguments is not None and is_restorable(node.arguments)


def _refusal(node: Node) -> str:
    why = "a file holds no code" if _is_restorable(node) else "not all of its arguments could be written down"
    return (
        f"{node.name!r} (node {node.id}, {node.function or node.op}) cannot be run again from a file: {why}. "
        "Replay in the process that recorded it, or override its value."
    )


def _overridden_outputs(node: Node, overridden: Container[ValueRef]) -> frozenset[int]:
    """Places of the values that an override replaces. Written memory is one: all versions of it change together."""
    found = frozenset(index for index in range(len(node.outputs)) if ValueRef(node.id, index) in overridden)
    if any(node.outputs[index].version for index in found):
        found |= {index for index, output in enumerate(node.outputs) if output.version}
    return found

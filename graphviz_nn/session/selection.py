"""What is selected: a node, a value, a module or an edge."""

from __future__ import annotations

from dataclasses import dataclass

from graphviz_nn.errors import SelectorError
from graphviz_nn.model.structure import Structure


@dataclass(frozen=True, slots=True)
class NodeSelection:
    """A node, by id."""

    node: int


@dataclass(frozen=True, slots=True)
class ValueSelection:
    """Output `index` of a node."""

    node: int
    index: int


@dataclass(frozen=True, slots=True)
class ModuleSelection:
    """A module by its path, or one of its calls by its count from 1."""

    path: str
    call: int | None = None


@dataclass(frozen=True, slots=True)
class EdgeSelection:
    """The edge from output `index` of node `source` to place `place` among the inputs of node `target`."""

    source: int
    index: int
    target: int
    place: int


Selection = NodeSelection | ValueSelection | ModuleSelection | EdgeSelection


def check(selection: Selection, structure: Structure) -> None:
    """Raises `SelectorError` where the structure has no such thing."""
    match selection:
        case NodeSelection(node):
            _check_node(structure, node)
        case ValueSelection(node, index):
            _check_node(structure, node)
            _check_index(structure, node, index)
        case ModuleSelection(path, call):
            calls = [each.call for each in structure.module_calls if each.path == path]
            if path not in structure.modules_by_path or (call is not None and call not in calls):
                times = f": it was called {len(calls)} times" if calls else ""
                raise SelectorError(f"This step has no call {call or 1} of module {path!r}{times}.")
        case EdgeSelection(source, index, target, place):
            _check_node(structure, target)
            inputs = structure.nodes[target].inputs
            if not 0 <= place < len(inputs) or (inputs[place].node, inputs[place].output) != (source, index):
                raise SelectorError(f"Input {place} of node {target} is not output {index} of node {source}.")


def carried(selection: Selection, before: Structure, after: Structure) -> Selection | None:
    """Returns the same thing in another structure, by the names of its nodes, or None where that has none."""
    if before is after:
        return selection
    try:
        moved = _moved(selection, before, after)
        check(moved, after)
    except SelectorError:
        return None
    return moved


def _moved(selection: Selection, before: Structure, after: Structure) -> Selection:
    match selection:
        case NodeSelection(node):
            return NodeSelection(_same(node, before, after))
        case ValueSelection(node, index):
            return ValueSelection(_same(node, before, after), index)
        case EdgeSelection(source, index, target, place):
            return EdgeSelection(_same(source, before, after), index, _same(target, before, after), place)
    return selection


def _same(number: int, before: Structure, after: Structure) -> int:
    name = before.nodes[number].name
    if name not in after.by_name:
        raise SelectorError(f"No node is named {name!r}.")
    return after.by_name[name].id


def _check_node(structure: Structure, node: int) -> None:
    if not 0 <= node < len(structure.nodes):
        raise SelectorError(f"There is no node {node}: the step has nodes 0 to {len(structure.nodes) - 1}.")


def _check_index(structure: Structure, node: int, index: int) -> None:
    outputs = structure.nodes[node].outputs
    if not 0 <= index < len(outputs):
        raise SelectorError(f"{structure.nodes[node].name!r} has {len(outputs)} outputs: there is no output {index}.")

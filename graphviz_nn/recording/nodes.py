"""Makes a node of each call of a tape: its name, kind, arguments, edges, phase, and the roles of its values."""

from __future__ import annotations

from typing import Any, Final

from graphviz_nn.model.literals import clean
from graphviz_nn.model.nodes import Input, Node, Output, Saved
from graphviz_nn.model.tensors import ITEM_BYTES
from graphviz_nn.recording.argument_forms import form_of
from graphviz_nn.recording.modules import ModuleEntry, ModuleNames
from graphviz_nn.recording.naming import CallNames, function_of, kind_of, operator_of
from graphviz_nn.recording.phases import find_phases
from graphviz_nn.recording.places import ValuePlaces
from graphviz_nn.recording.signatures import name_arguments
from graphviz_nn.recording.sources import locate
from graphviz_nn.recording.tape import (
    ALIAS,
    CUSTOM,
    FAILED,
    GROUP,
    INFRA,
    OPAQUE,
    PHASES,
    SOURCE,
    Op,
    Tape,
)

Description = tuple[list[str], dict[str, Any], list[Any] | None]
_NOTHING: Final[Description] = ([], {}, None)


class NodeMaker:
    """Makes the nodes of one tape, and holds what is needed only while they are made.

    Attributes:
        ops: the tape's calls, with their fields named.
        places: where each value stands among the nodes.
    """

    def __init__(self, tape: Tape, names: ModuleNames) -> None:
        self._tape = tape
        self._names = names
        self._descriptions: dict[Any, tuple[Description, tuple[Any, ...]]] = {}
        self._described: list[Description] = []
        self.ops = self._name_fields(tape.ops)
        self.places = ValuePlaces(tape, self.ops)
        self._numbers = _shared_numbers(self.ops)
        self._phases = find_phases(tape, self.ops, self.places)
        self._paths: dict[int, str] = {}
        self._roles = self._find_roles()
        self._made: dict[Any, Output] = {}
        self._made_together: dict[tuple[int, ...], tuple[Output, ...]] = {}
        self._read_as = self._first_labels()
        self._call_names = CallNames(self.ops, self._phases)

    def nodes(self) -> tuple[Node, ...]:
        """Returns the node of each call, in order."""
        return tuple(self._node(index, op) for index, op in enumerate(self.ops))

    def path(self, entry: ModuleEntry) -> str:
        """Returns the full path of a module."""
        path = self._paths.get(id(entry))
        if path is None:
            path = self._paths[id(entry)] = self._names.path(entry.root, entry.path)
        return path

    def _name_fields(self, ops: list[Any]) -> list[Op]:
        """Names the fields of each call and describes its arguments.

        In place of the tape's own tuples, which go as theirs are made: a long program has them only once, and equal
        arguments and instructions of all its calls are one object.
        """
        instructions: dict[int, int] = {}
        for index, op in enumerate(map(Op._make, ops)):
            description, arguments = self._describe(op)
            self._described.append(description)
            ops[index] = op._replace(lasti=instructions.setdefault(op.lasti, op.lasti), arguments=arguments)
        return ops

    def _node(self, index: int, op: Op) -> Node:
        entry, call, module_call = op.state
        source = op.flags & (SOURCE | ALIAS | OPAQUE)
        labels, attributes, arguments = self._described[index]
        made = self.places.made_by(op)
        special = self._special_attributes(index, op, made)
        if special:
            attributes = attributes | special
        name_hint, owned = self._tape.source_names.get(index, ("", ()))
        names = tuple(dict.fromkeys(self._names.path(root, name) for root, name in owned))
        name_hint = names[0] if names else name_hint
        if op.function == "input" and not name_hint:
            name_hint = self._read_as.get(index, "")
        operator = operator_of(op)
        path = None if entry is None else self.path(entry)
        return Node(
            id=self._numbers[index],
            kind=kind_of(op),
            op=operator,
            name=self._call_names.name(op, operator, path, name_hint, infra=self._phases[index] == INFRA),
            module=_owner(names, path),
            call=call,
            module_call=module_call if module_call >= 0 else None,
            source=None if op.code is None else locate(op.code, op.lasti),
            phase=PHASES[self._phases[index]],
            parent=self._parent(op),
            function="" if source else function_of(op),
            arguments=arguments,
            attributes=attributes,
            inputs=self._inputs(op, labels),
            outputs=self._outputs(made),
            names=names,
            aten=self._tape.aten.get(index, ()),
            aten_backward=self._aten_backward(made),
            saved=self._saved(op, made),
        )

    def _aten_backward(self, made: list[int]) -> tuple[str, ...]:
        of_value = self._tape.aten_backward
        return tuple(name for value in made for name in of_value.get(value, ())) if of_value else ()

    def _saved(self, op: Op, made: list[int]) -> tuple[Saved, ...] | None:
        """What autograd saved of the call; of sources, unseen code and calls that have an inside nothing is known."""
        saved = self._tape.saved
        if saved is None or op.flags & (SOURCE | ALIAS | OPAQUE | GROUP):
            return None
        each = [saved.get(value, ()) for value in made]
        known = [tensors for tensors in each if tensors is not None]
        return tuple(tensor for tensors in known for tensor in tensors) if len(known) == len(each) else None

    def _describe(self, op: Op) -> tuple[Description, tuple[Any, ...] | None]:
        """Labels, attributes and literal of a call's arguments, and the arguments; equal calls share them."""
        if op.arguments is None:
            return _NOTHING, None
        keywords = op.keywords or {}
        # 2 and 2.0, 1 and True, or 0.0 and -0.0 are equal but do not make the same of a tensor.
        forms = tuple(form_of(argument) for argument in (*op.arguments, *keywords.values()))
        key = (op.function, op.arguments, tuple(keywords.items()), forms)
        try:
            known = self._descriptions.get(key)
        except TypeError:  # a list or a slice among the arguments
            return name_arguments(op.function, op.arguments, op.keywords), op.arguments
        if known is None:
            known = self._descriptions[key] = name_arguments(op.function, op.arguments, op.keywords), op.arguments
        return known

    def _special_attributes(self, index: int, op: Op, made: list[int]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if index in self._tape.recomputed:
            found["recompute_of"] = self._tape.recomputed[index]
        if index in self._tape.autocasts:
            found["autocast"] = self._tape.autocasts[index]
        if op.flags & FAILED:
            found["error"] = clean(self._tape.errors.get(index, "raised an exception"))
        shards = {
            str(place): {"shape": list(shard[0]), "placements": shard[1]}
            for place, value in enumerate(made)
            if (shard := self._tape.shards.get(value)) is not None
        }
        if shards:
            found["shards"] = shards
        return found

    def _first_labels(self) -> dict[int, str]:
        """For each source that nobody named: what the first call that reads it calls it ("target")."""
        found: dict[int, str] = {}
        for op, (labels, _, _) in zip(self.ops, self._described, strict=True):
            for value, label in zip(op.inputs, labels, strict=False):
                node = self.places.call(value)
                if self.ops[node].flags & SOURCE:
                    found.setdefault(node, label)
        return found

    def _parent(self, op: Op) -> int | None:
        if op.group < 0:
            return None
        closed = self._tape.groups[op.group]
        return closed if closed >= 0 else None

    def _inputs(self, op: Op, labels: list[str]) -> tuple[Input, ...]:
        if op.flags & ALIAS:
            labels = ["written", "view"]
        inputs = []
        for position, value in enumerate(op.inputs):
            node, index = self.places[value]
            node = self._numbers[node]
            if position < len(labels):
                kind = "alias" if op.flags & ALIAS and position == 0 else "data"
                inputs.append(Input(node, index, labels[position], kind))
            elif op.flags & CUSTOM:
                inputs.append(Input(node, index, "result", "alias"))
            else:
                label = "input" if len(op.inputs) == 1 else f"inputs[{position}]"
                inputs.append(Input(node, index, label))
        return tuple(inputs)

    def _outputs(self, made: list[int]) -> tuple[Output, ...]:
        outputs = tuple([self._output(value) for value in made])
        return self._made_together.setdefault(tuple([id(output) for output in outputs]), outputs)

    def _output(self, value: int) -> Output:
        """The description of a value; equal ones share it, so a long program does not hold thousands of copies."""
        key = (self._tape.values[value], self._roles.get(value, ""), self._tape.versions.get(value, ""))
        output = self._made.get(key)
        if output is None:
            output = self._made[key] = self._make_output(*key)
        return output

    def _make_output(self, value: tuple[Any, ...], role: str, version: str) -> Output:
        shape, dtype, device, requires_grad = value
        name = str(dtype).removeprefix("torch.")
        item = ITEM_BYTES.get(name, getattr(dtype, "itemsize", 1))
        size = _elements(shape) * item
        return Output(_plain_shape(shape), name, str(device), requires_grad, size, role, version)

    def _find_roles(self) -> dict[int, str]:
        roles = dict.fromkeys(self._tape.outputs, "output")
        roles.update({root: "loss" for roots in self._tape.passes for root in roots})
        return roles


def _owner(names: tuple[str, ...], path: str | None) -> str | None:
    """A parameter belongs to the module that registered it, whoever read it first."""
    return names[0].rpartition(".")[0] if names else path


def _plain_shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) if isinstance(n, int) else -1 for n in shape)


def _elements(shape: Any) -> int:
    count = 1
    for n in _plain_shape(shape):
        count *= max(n, 0)
    return count


def _shared_numbers(ops: list[Op]) -> list[int]:
    """Returns the numbers of the calls, as the very objects that the calls hold as numbers of values where there are.

    A long program has each number only once, not again for each node and edge.
    """
    numbers = list(range(len(ops)))
    for op in ops:
        if op.first_value < len(numbers):
            numbers[op.first_value] = op.first_value
    return numbers

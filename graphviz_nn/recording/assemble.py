"""Turns a step's tape into a `Structure`."""

from __future__ import annotations

from graphviz_nn.model.modules import ModuleCall, Parameter
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.structure import Structure
from graphviz_nn.recording.module_table import describe_modules
from graphviz_nn.recording.modules import ModuleNames
from graphviz_nn.recording.nodes import NodeMaker
from graphviz_nn.recording.tape import OPTIMIZER, PHASES, WRITES, Tape


class Assembly:
    """A structure and the places of a tape's values in it."""

    def __init__(self, tape: Tape, names: ModuleNames, parameters: tuple[Parameter, ...] = ()) -> None:
        maker = NodeMaker(tape, names)
        self._ops, self.refs = maker.ops, maker.places
        self._recomputed = tape.recomputed
        self.structure = Structure(
            nodes=maker.nodes(),
            modules=describe_modules(tape, names),
            module_calls=tuple(
                ModuleCall(maker.path(entry), call, parent if parent >= 0 else None, PHASES[phase], training)
                for entry, call, parent, phase, training in tape.module_calls
            ),
            parameters=parameters,
        )

    def ref(self, value: int) -> ValueRef:
        """The value's place; a value made in a recomputation stands for the original one."""
        node, index = self.refs[value]
        original = self._recomputed.get(node)
        return ValueRef(node if original is None else original, index)

    def parameter(self, value: int) -> ValueRef:
        """The source of a parameter, from any version of it."""
        node, index = self.refs[value]
        while self._ops[node].phase == OPTIMIZER and self._ops[node].flags & WRITES:
            node, index = self.refs[self._ops[node].inputs[index]]
        return ValueRef(node, index)

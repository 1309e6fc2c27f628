"""What the inspector shows of a selection: a node's value, a parameter, an edge, or a module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphviz_nn.model.nodes import Node, Source, ValueRef
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Selection, Session, ValueSelection
from graphviz_nn_ui.viewmodels.flow import FlowGroup, flow_of
from graphviz_nn_ui.viewmodels.module_details import module_sections
from graphviz_nn_ui.viewmodels.node_details import node_sections
from graphviz_nn_ui.viewmodels.numbers import shape_text, size_text
from graphviz_nn_ui.viewmodels.parameter_lines import ParameterLine, ParameterLines
from graphviz_nn_ui.viewmodels.sections import Section
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.viewmodels.tensor_cards import TensorCard, cards_of

if TYPE_CHECKING:
    from graphviz_nn.graph.cost import Costs


@dataclass(frozen=True, slots=True)
class TensorChoice:
    """A tensor that the run kept, and what it is in a few words."""

    title: str
    key: TensorKey


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything about one selection, in words and numbers.

    Attributes:
        title: its name. subtitle: what it is. alarm: what went wrong there, or "".
        cards: the value and its gradients; empty for a module.
        coming, going: what came in and what goes out; empty for a module.
        parameters: those of a module, and of the modules inside it.
        sections: attributes, costs and the rest, by subject.
        tensors: what of it the run kept.
        source: the line of the program, or None. shape: of the value.
    """

    title: str
    subtitle: str
    alarm: str = ""
    cards: tuple[TensorCard, ...] = ()
    coming: tuple[FlowGroup, ...] = ()
    going: tuple[FlowGroup, ...] = ()
    parameters: Sequence[ParameterLine] = ()
    sections: tuple[Section, ...] = ()
    tensors: tuple[TensorChoice, ...] = ()
    source: Source | None = None
    shape: tuple[int, ...] = ()


def inspect(
    session: Session, numbers: StepNumbers, selection: Selection, number: int, costs: Costs | None
) -> Inspection:
    """Returns what there is to say about a selection of the open step.

    Args:
        number: the backward pass whose gradients are meant.
        costs: of the step's structure, or None while they are being counted.
    """
    match selection:
        case ModuleSelection(path, call):
            return _module(session, numbers, path, call, costs)
        case NodeSelection(node):
            return _value(session, numbers, ValueRef(node, 0), number, costs)
        case ValueSelection(node, index):
            return _value(session, numbers, ValueRef(node, index), number, costs)
        case EdgeSelection(source, index, target, place):
            reader = session.structure.nodes[target]
            found = _value(session, numbers, ValueRef(source, index), number, costs)
            return _led_to(found, reader, place)


def _value(session: Session, numbers: StepNumbers, value: ValueRef, number: int, costs: Costs | None) -> Inspection:
    structure = session.structure
    node = structure.nodes[value.node]
    made = value.index < len(node.outputs)
    coming, going = flow_of(session, numbers, node.id)
    return Inspection(
        title=node.name if len(node.outputs) < 2 else f"{node.name}[{value.index}]",
        subtitle=_subtitle(node, value.index),
        alarm=str(node.attributes.get("error", "")),
        cards=cards_of(session, numbers, value, number) if made else (),
        coming=coming,
        going=going,
        sections=node_sections(session, numbers, node, value.index, costs),
        tensors=_choices(session, coming, going, value, number),
        source=node.source,
        shape=node.outputs[value.index].shape if made else (),
    )


def _module(session: Session, numbers: StepNumbers, path: str, call: int | None, costs: Costs | None) -> Inspection:
    module = session.structure.modules_by_path[path]
    inner, nodes = f"{path}.", session.structure.nodes
    inside = [
        parameter
        for parameter in session.structure.parameter_readers
        if not path or any(name.startswith(inner) for name in nodes[parameter].names)
    ]
    which = "" if call is None else f" · call {call}"
    return Inspection(
        title=path or module.type,
        subtitle=f"{module.type}{which}",
        parameters=ParameterLines(session.structure, numbers, inside, path),
        sections=module_sections(session, numbers, module, costs),
    )


def _led_to(found: Inspection, reader: Node, place: int) -> Inspection:
    edge = reader.inputs[place]
    kind = " (alias: written through another view)" if edge.kind == "alias" else ""
    return replace(
        found, title=f"{found.title} → {reader.name}", subtitle=f"{found.subtitle} · fills {edge.argument}{kind}"
    )


def _subtitle(node: Node, index: int) -> str:
    what = node.op if node.kind in (node.op, "op") else f"{node.op} · {node.kind}"
    parts = [what, node.phase]
    if index < len(node.outputs):
        output = node.outputs[index]
        parts = [shape_text(output.shape, output.dtype), size_text(output.bytes), output.role, *parts]
    return " · ".join(filter(None, parts))


def _choices(
    session: Session, coming: tuple[FlowGroup, ...], going: tuple[FlowGroup, ...], value: ValueRef, number: int
) -> tuple[TensorChoice, ...]:
    """The tensors around a node, its own value and gradient first."""
    own = {
        TensorKey("value", value.node, value.index): "value",
        TensorKey("gradient", value.node, value.index, number): "gradient",
        TensorKey("parameter_gradient", value.node, value.index, number): ".grad",
    }
    found = {key: title for key, title in own.items() if key in session.step.kept}
    for group in (*going, *coming):
        for row in group.rows:
            what = "gradient of " if row.key.kind == "gradient" else ""
            if row.kept and row.key not in found:
                found[row.key] = f"{what}{row.title}: {row.name}"
    return tuple(TensorChoice(title, key) for key, title in found.items())

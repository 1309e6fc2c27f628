"""Facts about a call: what was called, with what, what it cost, what autograd saved of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from graphviz_nn.model.nodes import SOURCE_KINDS, Node, Saved, ValueRef
from graphviz_nn.scene.words import count_text
from graphviz_nn.session import ModuleSelection, NodeSelection, Session, ValueSelection
from graphviz_nn_ui.viewmodels.numbers import NOTHING, number_text, shape_text, size_text, time_text
from graphviz_nn_ui.viewmodels.parameter_lines import ParameterLines
from graphviz_nn_ui.viewmodels.sections import Fact, Section, attribute_text
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.viewmodels.tensor_cards import update_ratio

if TYPE_CHECKING:
    from graphviz_nn.graph.cost import Costs

_SPECIAL: Final = ("error", "recompute_of")
_MOST_CHILDREN: Final = 500


def node_sections(
    session: Session, numbers: StepNumbers, node: Node, index: int, costs: Costs | None
) -> tuple[Section, ...]:
    """Returns what there is to say about a call beyond its tensors."""
    attributes = {name: value for name, value in node.attributes.items() if name not in _SPECIAL}
    sections = (
        Section("Call", tuple(_call(session, node))),
        Section("Parameter", tuple(_parameter(session, numbers, node))),
        Section("Parameters", tuple(_parameters_read(session, numbers, node))),
        Section("Attributes", tuple(Fact(name, attribute_text(value)) for name, value in attributes.items())),
        Section("Cost", tuple(_cost(numbers, node, costs))),
        _saved(node),
        Section("Outputs", tuple(_outputs(node, index)) if len(node.outputs) > 1 else ()),
        Section("Inside", tuple(_inside(session, node))),
    )
    return tuple(section for section in sections if section.facts or section.empty)


def _call(session: Session, node: Node) -> Iterator[Fact]:
    yield Fact("operator", node.op)
    if node.function:
        yield Fact("function", node.function)
    if node.kind != "op":
        yield Fact("kind", node.kind)
    yield Fact("phase", node.phase)
    if node.module is not None:
        times = f", call {node.call}" if node.call > 1 else ""
        where = ModuleSelection(node.module) if node.module in session.structure.modules_by_path else None
        yield Fact("module", (node.module or "(root)") + times, selection=where)
    if node.parent is not None:
        yield Fact("inside of", session.structure.nodes[node.parent].name, selection=NodeSelection(node.parent))
    original = node.attributes.get("recompute_of")
    if isinstance(original, int) and 0 <= original < len(session.structure.nodes):
        name = session.structure.nodes[original].name
        yield Fact("computes again", name, selection=NodeSelection(original))
    if node.source is not None:
        file = os.path.basename(node.source.file)
        yield Fact("line", f"{file}:{node.source.line} in {node.source.function}", node.source.file)


def _parameter(session: Session, numbers: StepNumbers, node: Node) -> Iterator[Fact]:
    if node.kind not in ("parameter", "buffer"):
        return
    for place, name in enumerate(node.names):
        yield Fact("name" if place == 0 else "tied to", name)
    if node.kind == "buffer":
        return
    yield Fact("trained", "yes" if node.outputs[0].requires_grad else "no: frozen, requires_grad is False")
    known = next((each for each in session.structure.parameters if node.names and node.names[0] in each.names), None)
    optimizers = session.step.info.optimizers
    if known is not None and known.optimizer is not None and known.optimizer < len(optimizers):
        optimizer = optimizers[known.optimizer]
        group = optimizer.groups[known.group] if known.group is not None else {}
        rate = f", lr {attribute_text(group['lr'])}" if "lr" in group else ""
        yield Fact("optimizer", f"{optimizer.type}{rate}")
    ratio = update_ratio(numbers, node.id)
    if ratio is not None:
        yield Fact("update ÷ weight", number_text(ratio, 2), "Ratio of L2 norms; about 1e-3 is usual")


def _parameters_read(session: Session, numbers: StepNumbers, node: Node) -> Iterator[Fact]:
    nodes = session.structure.nodes
    read = dict.fromkeys(edge.node for edge in node.inputs if nodes[edge.node].kind == "parameter")
    for line in ParameterLines(session.structure, numbers, read, node.module or ""):
        text = f"‖w‖ {line.norm} · pass {line.contribution} · .grad {line.gradient} · Δ÷w {line.ratio}"
        name = " ≡ ".join((line.name, *line.tied))
        yield Fact(name, text, f"{name}: {text}", NodeSelection(line.node))


def _cost(numbers: StepNumbers, node: Node, costs: Costs | None) -> Iterator[Fact]:
    read_only = node.kind in SOURCE_KINDS
    seconds = numbers.seconds(node.id)
    if not read_only and not math.isnan(seconds):
        yield Fact("time", time_text(seconds), "From the event before; recording included")
    if costs is not None and node.id in costs.node_flops:
        flops = costs.node_flops[node.id]
        yield Fact("operations", f"{count_text(flops)} FLOPs", f"{flops:,}; a multiply-add counts 2")
    made = sum(output.bytes for output in node.outputs)
    yield Fact("memory" if read_only else "memory of what it made", size_text(made))


def _saved(node: Node) -> Section:
    if node.kind in (*SOURCE_KINDS, "composite"):
        return Section("Saved for backward", ())
    if node.saved is None:
        return Section("Saved for backward", (), "This recording does not say what autograd saved.")
    return Section("Saved for backward", tuple(_saved_fact(each) for each in node.saved), "Nothing.")


def _saved_fact(saved: Saved) -> Fact:
    return Fact(saved.name, f"{shape_text(saved.shape, saved.dtype)} · {size_text(saved.bytes)}")


def _outputs(node: Node, index: int) -> Iterator[Fact]:
    for place, output in enumerate(node.outputs):
        mark = "▸ " if place == index else ""
        version = f", {output.version}" if output.version else ""
        yield Fact(
            f"{mark}output {place}",
            shape_text(output.shape, output.dtype) + version,
            selection=ValueSelection(*ValueRef(node.id, place)),
        )


def _inside(session: Session, node: Node) -> Iterator[Fact]:
    if node.kind not in ("composite", "custom"):
        return
    children = [child for child in session.structure.nodes[: node.id] if child.parent == node.id]
    for child in children[:_MOST_CHILDREN]:
        shape = shape_text(child.outputs[0].shape, child.outputs[0].dtype) if child.outputs else NOTHING
        yield Fact(child.name, shape, child.op, NodeSelection(child.id))
    if len(children) > _MOST_CHILDREN:
        yield Fact("…", f"and {len(children) - _MOST_CHILDREN} more")

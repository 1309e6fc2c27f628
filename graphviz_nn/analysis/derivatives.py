"""Gradients that a program asks for itself, by `torch.autograd.grad`, and puts into its loss."""

from __future__ import annotations

from collections.abc import Iterator

from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node

DETACHING = frozenset({"detach", "detach_", "data", "detach_copy", "numpy"})
_SCALING = frozenset({"mul", "mul_", "div", "div_", "true_divide"})


def counts_by_its_derivative(step: StepFacts, parameter: Node) -> bool:
    """Whether a parameter without a gradient is in the loss through derivatives of what it is in, and no other way.

    Those were asked for with `create_graph`, so autograd knows how they depend on each parameter: not at all on one
    that is only added, as the last bias of an energy or a potential is.
    """
    derivatives = [node for node in _derivatives(step.lineage) if node.outputs[0].requires_grad]
    if not derivatives:
        return False
    lineage, after = step.lineage, step.lineage.descendants([parameter.id])
    asked = {read for node in derivatives for read in lineage.reads[node.id]}
    if not after.isdisjoint(set(step.roots) - asked):
        return False
    through = [node.id for node in derivatives if not after.isdisjoint(lineage.reads[node.id])]
    return not lineage.descendants(through).isdisjoint(step.roots)


def constant_derivatives(context: CheckContext) -> Iterator[tuple[StepFacts, Node, list[str]]]:
    """Derivatives of a network that is trained, asked for without `create_graph`, which are a term of the loss.

    Each with its step and the parameters above it. A derivative that goes through another layer first is a change of
    its input (sampling, adversarial examples); one that multiplies a term is a weight; one that is detached is meant.
    """
    for steps in context.by_structure():
        step = steps[-1]
        for node in _derivatives(step.lineage):
            names = _trained_above(step, node)
            if names and not node.outputs[0].requires_grad and _is_a_term(step, node):
                yield step, node, names


def _derivatives(lineage: Lineage) -> list[Node]:
    nodes = lineage.structure.nodes
    return [node for node in nodes if node.op == "grad" and node.phase == "backward" and node.outputs]


def _trained_above(step: StepFacts, node: Node) -> list[str]:
    above = step.lineage.ancestors([node.id])
    return [name for name, parameter in step.lineage.parameters.items() if parameter.id in above & step.updated]


def _is_a_term(step: StepFacts, derivative: Node) -> bool:
    """Whether all ways from the derivative to a root are arithmetic and losses, and it is added to what is trained."""
    lineage, nodes = step.lineage, step.structure.nodes
    between = lineage.descendants([derivative.id]) & lineage.ancestors(step.roots) - {derivative.id}
    added = False
    for number in between:
        node = nodes[number]
        if number in lineage.weighted_ids or lineage.category(node) is Category.LINEAR or node.op in DETACHING:
            return False
        learned = [nodes[read.node].outputs[read.output].requires_grad for read in node.inputs]
        if any(learned) and not all(learned) and node.op in _SCALING:
            return False
        added = added or any(learned)
    return added

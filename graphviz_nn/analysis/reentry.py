"""Values that leave PyTorch and come back: through numpy, a list or a new tensor, which carry no graph."""

from __future__ import annotations

from typing import Final

from graphviz_nn.analysis.comparisons import comparisons
from graphviz_nn.analysis.context import StepFacts
from graphviz_nn.model.nodes import Node

_MAKING: Final = frozenset({"tensor", "as_tensor", "asarray", "from_numpy"})
_LEAST_ELEMENTS: Final = 16
"""Fewer may have the same shape by chance."""


def leaves_at(step: StepFacts, parameter: Node) -> Node | None:
    """Returns the last call that computed something from the parameter, where a tensor of the same shape comes in from
    outside of PyTorch behind it and feeds the loss, other than as a target; None where there is none."""
    lineage, nodes = step.lineage, step.structure.nodes
    entries = step.share("entries", lambda: _entries(step))
    if not entries:
        return None
    ends = [nodes[n] for n in lineage.descendants([parameter.id]) if not lineage.readers[n] and nodes[n].inputs]
    for end in sorted(ends, key=lambda node: node.id):
        shapes = {output.shape for output in end.outputs}
        if any(entry.id > end.id and entry.outputs[0].shape in shapes for entry in entries):
            return end
    return None


def _entries(step: StepFacts) -> list[Node]:
    """Tensors of floating-point numbers that come from nowhere and feed the loss."""
    lineage = step.lineage
    targets = {number for found in comparisons(step) for number in lineage.ancestors([found.target.node])}
    feeding = lineage.ancestors(step.roots) - targets
    return [
        node
        for node in lineage.of_op(lambda op: op == "constant" or op in _MAKING)
        if node.id in feeding
        and not node.inputs
        and node.outputs[0].dtype.startswith(("float", "bfloat"))
        and lineage.numel[lineage.rows(node).start] >= _LEAST_ELEMENTS
    ]

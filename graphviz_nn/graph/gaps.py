"""Where a replay has no autograd history, and which recorded gradients that concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphviz_nn.model import literals
from graphviz_nn.model.nodes import SOURCE_KINDS, Node


class Gaps:
    """The nodes whose values a replay holds without the history that autograd had of them."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._gaps: set[int] = set()

    def add(self, node: Node) -> None:
        """Notes that the node's values come without history, if they had one. Those of sources are leaves."""
        has_history = node.kind not in SOURCE_KINDS and node.phase != "optimizer"
        if has_history and any(output.requires_grad for output in node.outputs):
            self._gaps.add(node.id)

    def interrupt(self, gradient: Node) -> bool:
        """Whether a gap lies on a way from what is differentiated back to what it is differentiated by."""
        if not self._gaps:
            return False
        outputs, wanted = (_slots(literal) for literal in gradient.arguments[0][:2])
        before = self._ancestors(gradient.inputs[slot].node for slot in outputs)
        beyond = self._ancestors(edge.node for gap in before & self._gaps for edge in self._nodes[gap].inputs)
        return any(gradient.inputs[slot].node in beyond for slot in wanted)

    def _ancestors(self, nodes: Iterable[int]) -> set[int]:
        """The nodes and everything that they were computed from."""
        pending = list(nodes)
        found = set(pending)
        while pending:
            for edge in self._nodes[pending.pop()].inputs:
                if edge.node not in found:
                    found.add(edge.node)
                    pending.append(edge.node)
        return found


def _slots(literal: Any) -> Iterator[int]:
    """The places of the tensors in a recorded argument."""
    if isinstance(literal, list):
        for item in literal:
            yield from _slots(item)
    elif isinstance(literal, dict):
        for key, value in literal.items():
            if key == literals.TENSOR:
                yield value
            else:
                yield from _slots(value)

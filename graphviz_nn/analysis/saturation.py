"""Activations at the flat ends of their functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import plain
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_PRODUCTS = frozenset({"mul", "mul_", "rmul", "lerp"})


_FULLY_OPEN: Final = 0.9999
_HARD: Final = frozenset({"hardtanh", "hardsigmoid"})


def flat_share(step: StepFacts, node: Node, *, gate: bool = False) -> float | None:
    """Returns the share of the call's first output in the flat ends of its function; None: no such ends, or no numbers.

    It is a multiple of 5 %, from quantiles. An open gate passes its signal on, so only a fully open one counts as flat.
    """
    ends = _flat_ends(step, node)
    table = step.metric("quantiles") if ends is not None else None
    quantiles = None if table is None else table.row(node.id)
    if quantiles is None or ends is None:
        return None
    return float(np.mean((quantiles <= ends[0]) | (quantiles >= (_FULLY_OPEN if gate else ends[1]))))


def _flat_ends(step: StepFacts, node: Node) -> tuple[float, float] | None:
    """Where the call's function is flat; that of a hard tanh begins at the ends that the call was given."""
    ends = step.lineage.healthy(node).flat
    low, high = (node.attributes.get(name) for name in ("min_val", "max_val"))
    return (float(low), float(high)) if ends and low is not None and high is not None else ends


def saturated(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Most of a sigmoid's, tanh's or recurrent cell's results lie in the flat ends of the function.

    **Symptom.** The layers above it hardly learn though the loss is high; the activations are all near 0, 1 or −1.

    **Mathematics.** The derivative of a sigmoid is σ(1 − σ), that of tanh 1 − t². Beyond |x| = 4.4 and 2.2 they are
    under 5 % of their largest value, and fall exponentially: what is there gets no gradient and cannot come back soon.
    Those of their hard forms are exactly zero at the ends.

    **Criterion.** Of the results of a call that has a layer above and a layer below it, or of the hidden state of a
    recurrent layer, more than `share` are where the derivative is under 5 % of its largest (the layer type says where
    that is), as the median over the recorded steps. For gates, whose result is multiplied by something else, it is
    `gates`, of results that are closed or above 0.9999. For the hard forms it is `hard`: normal inputs of which one
    half lie beyond 2.2, where tanh is flat, have three quarters beyond 1, and what is flat for one sample learns from
    another. Calls of one module are one finding, at the call that is worst.

    **Healthy look-alikes.** Output activations: they have no layer below. Gates of an LSTM or a squeeze-and-excitation
    block, which are often fully open or closed for a part of the units. Binary codes behind a straight-through
    estimator: the gradient goes around.

    **Remedy.** Smaller initial weights, normalisation before the activation, inputs of unit scale, a smaller learning
    rate, ReLU-like activations.

    **Source.** Glorot and Bengio 2010; LeCun et al. 1998, "Efficient BackProp", section 4.4.
    """
    for steps in context.by_structure():
        last = steps[-1]
        below = last.lineage.layers_below(last.roots)
        worst: dict[tuple[str | None, str], tuple[float, Node]] = {}
        for node in _with_flat_ends(last.lineage):
            if not _is_hidden(last, node, int(below[node.id])):
                continue
            gate = _is_gate(last, node)
            shares = [share for step in steps if (share := flat_share(step, node, gate=gate)) is not None]
            limit = thresholds["gates" if gate else "hard" if plain(node) in _HARD else "share"]
            share = float(np.median(shares)) if shares else 0.0
            place = (node.module, node.op) if node.module else (node.name, "")
            if share > limit and share > worst.get(place, (0.0, node))[0]:
                worst[place] = share, node
        for share, node in worst.values():
            yield last.finding(
                "saturated", "warning", node,
                f"{share:.0%} of the results of {node.op} lie in the flat ends of the function.",
                "Begin with smaller weights, normalise before it, or use an activation without flat ends.",
                share=share, steps=float(len(steps)), operator=node.op,
            )  # fmt: skip


def _with_flat_ends(lineage: Lineage) -> list[Node]:
    return lineage.of_op(lambda op: lineage.healthy_op(op).flat is not None)


def _is_hidden(step: StepFacts, node: Node, below: int) -> bool:
    if not node.outputs or not node.outputs[0].requires_grad:
        return False
    recurrent = node.id in step.lineage.weighted_ids
    return below > (1 if recurrent else 0) and (recurrent or node.id in step.lineage.below_a_layer)


def _is_gate(step: StepFacts, node: Node) -> bool:
    """Whether the result is multiplied by something that is not a parameter or a number."""
    nodes = step.structure.nodes
    products = [nodes[reader] for reader in step.lineage.readers[node.id] if nodes[reader].op in _PRODUCTS]
    return any(
        len([read for read in product.inputs if nodes[read.node].kind != "parameter"]) > 1 for product in products
    )

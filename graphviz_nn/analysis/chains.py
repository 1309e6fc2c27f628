"""Layers that follow each other with nothing nonlinear in between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from graphviz_nn.analysis.comparisons import plain
from graphviz_nn.analysis.context import CheckContext
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_CONVOLUTIONS: Final = frozenset({"conv1d", "conv2d", "conv3d"})
_TRANSPARENT: Final = frozenset({"dropout", "contiguous", "clone", "to", "identity"})


def linear_chain(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Linear layers follow each other without a nonlinearity: together they can do no more than one of them.

    **Symptom.** A deep model fits no better than linear regression.

    **Mathematics.** W₂(W₁x + b₁) + b₂ = (W₂W₁)x + (W₂b₁ + b₂) is one linear map. Its rank is at most the least width on
    the way: where the width in between is at least the smaller of the two ends, the product reaches every matrix that
    one layer could be, and nothing is gained; where it is smaller, the pair is a low-rank layer, which may be meant.

    **Criterion.** A trained `linear` is read by nothing but another trained `linear`, through dropout and casts at
    most, and its width is at least the smaller of what enters the first and leaves the second; for convolutions without
    groups likewise, by their channels, and for the last of them and a `linear` that reads it flattened, by the numbers
    of a sample. `layers` of them in a row, or more, are a warning; two are information, since a projection before a
    head is common.

    **Healthy look-alikes.** Bottlenecks and low-rank layers (LoRA, the projections of inverted residuals); projections
    that other calls read too, as in attention and residual blocks; depthwise convolutions; a normalisation in between;
    frozen layers; a layer that is called again on its own output; factorised kernels, and a convolution before a pixel
    shuffle.

    **Remedy.** Put an activation in between, or make one layer of the two.

    **Source.** Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 6.1; Saxe et al. 2014
    (arXiv:1312.6120) on what deep linear networks can and cannot do.
    """
    for steps in context.by_structure():
        step = steps[-1]
        lineage = step.lineage
        for chain in _chains(lineage):
            names = [node.module or node.name for node in chain]
            yield step.finding(
                "linear_chain",
                "warning" if len(chain) >= thresholds["layers"] else "info",
                chain[0],
                f"{' → '.join(names[:6])}: no activation in between, so these {len(chain)} layers amount to one.",
                "Put an activation between them, or make one layer of them.",
                layers=names,
                widths=[float(width) for width in (_width_in(lineage, chain[0]), *map(_width_out, chain))],
            )


def _chains(lineage: Lineage) -> list[list[Node]]:
    """The longest stretches of layers each of which makes the one before redundant."""
    follows: dict[int, Node] = {}
    for node in lineage.weighted:
        following = _only_reader(lineage, node)
        if following is not None and _redundant(lineage, node, following):
            follows[node.id] = following
    inner = {node.id for node in follows.values()}
    chains = []
    for node in lineage.weighted:
        if node.id in follows and node.id not in inner:
            chain = [node]
            while chain[-1].id in follows:
                chain.append(follows[chain[-1].id])
            chains.append(chain)
    return chains


def _only_reader(lineage: Lineage, node: Node) -> Node | None:
    """The layer that alone reads what the node made, behind dropout and casts; None where others read it too."""
    nodes, weighted = lineage.structure.nodes, lineage.weighted_ids
    current = node
    while True:
        readers = set(lineage.readers[current.id])
        if len(readers) != 1 or any(output.role for output in current.outputs):
            return None
        current = nodes[readers.pop()]
        if current.id in weighted:
            return current
        if plain(current) not in _TRANSPARENT and not (plain(node) in _CONVOLUTIONS and _flattens(current)):
            return None


def _redundant(lineage: Lineage, first: Node, second: Node) -> bool:
    if not (_trained(lineage, first) and _trained(lineage, second)):
        return False
    if plain(second) == "linear" and plain(first) in _CONVOLUTIONS:
        least = min(_of_a_sample(lineage, first), _width_out(second))
        return _is_dense(first) and math.prod(first.outputs[0].shape[1:]) >= least
    one = plain(first) == plain(second) and (plain(first) == "linear" or (_is_dense(first) and _is_dense(second)))
    # One layer that is called on its own output is a linear recurrence.
    if lineage.layer_key(first) == lineage.layer_key(second):
        return False
    return one and _width_out(first) >= min(_width_in(lineage, first), _width_out(second))


def _is_dense(node: Node) -> bool:
    return plain(node) in _CONVOLUTIONS and node.attributes.get("groups", 1) == 1


def _flattens(node: Node) -> bool:
    """Whether the call makes one row of all that belongs to a sample."""
    return plain(node) in ("flatten", "view", "reshape") and len(node.outputs[0].shape) == 2


def _of_a_sample(lineage: Lineage, node: Node) -> int:
    """How many numbers of a sample the call reads."""
    read = node.inputs[0]
    return math.prod(lineage.structure.nodes[read.node].outputs[read.output].shape[1:])


def _trained(lineage: Lineage, node: Node) -> bool:
    nodes = lineage.structure.nodes
    weights = [nodes[read.node] for read in node.inputs if read.argument == "weight"]
    return bool(weights) and all(weight.outputs and weight.outputs[0].requires_grad for weight in weights)


def _width_out(node: Node) -> int:
    shape = node.outputs[0].shape
    return shape[_feature_dimension(node)] if shape else 1


def _width_in(lineage: Lineage, node: Node) -> int:
    read = node.inputs[0]
    shape = lineage.structure.nodes[read.node].outputs[read.output].shape
    return shape[_feature_dimension(node)] if shape else 1


def _feature_dimension(node: Node) -> int:
    """Where features or channels stand, from the end: last for `linear`, before the positions for a convolution."""
    name = plain(node)
    return -1 if name == "linear" else -1 - int(name[-2])

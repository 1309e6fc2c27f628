"""Attention that has settled on single keys before anything was learned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from statistics import median

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Node

_SOFTMAX = frozenset({"softmax", "special_softmax"})
_FUSED = "scaled_dot_product_attention"
_PASSING = frozenset({"dropout", "masked_fill", "to", "float", "half", "type_as", "contiguous"})
_USUAL_GAIN = 3.0
_STANDS_OUT = 5.0


def attention_collapsed(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The softmax of attention scores begins as good as one-hot, so that hardly a gradient reaches queries and keys.

    **Symptom.** Training is unstable or stalls; every query attends to one key from the first step on; queries and
    keys learn far slower than values.

    **Mathematics.** For queries and keys of d unit-variance features, scores have deviation √d. Softmax over n scores
    of deviation s is nearly one-hot once s is well above √(2 ln n), and its Jacobian diag(a) − a·aᵀ then tends to zero.
    Dividing by √d keeps s at 1.

    **Criterion.** On the first step of a run, a softmax over the last dimension (of at least three), whose result is
    multiplied with values, has rows of a median entropy under `share` of ln n; and the weights above it are not those
    of a trained network: each has a usual scale (gain w·√fan-in up to 3), or is more than five times as large as the
    median gain of the other layers, as queries and keys are that were drawn far too large, and no trained ones. Fused
    kernels (`scaled_dot_product_attention`) keep their weights to themselves: those of a few queries of each head are
    computed again while the rule is on, in some twenty calls and 2·16·n·d operations a head for n keys.

    **Healthy look-alikes.** Trained attention, which may be hard: its weights are not those of an initialisation, or
    the run did not begin there. Routers and mixtures: nothing of the same size is multiplied. Causal masks, whose
    first rows have few keys: the median row counts.

    **Remedy.** Divide scores by √d (or use `scaled_dot_product_attention`), or normalise queries and keys.

    **Source.** Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.1; Zhai et al. 2023 (arXiv:2303.06296).
    """
    step = context.beginning
    if step is None:
        return
    for node, entropies in attentions(step):
        if entropies[0] >= thresholds["share"]:
            continue
        oversized = _oversized(step, node)
        if not node.outputs[0].requires_grad or oversized is None:
            continue
        keys = _key_count(step, node)
        evidence = {"entropy": entropies[0], "keys": float(keys), "usual_deviation": math.sqrt(2 * math.log(keys))}
        if node.op in _SOFTMAX:
            scores = step.output[step.lineage.row(node.inputs[0].node, node.inputs[0].output)]
            evidence["deviation"] = float(scores[COLUMN["std"]])
        yield step.finding(
            "attention_collapsed", "warning", node,
            f"The attention weights begin nearly one-hot: their entropy is {entropies[0]:.1%} of that of equal "
            "weights.",
            "Draw the weights of queries and keys at the usual scale (Glorot), or normalise both."
            if oversized else "Divide the scores by the root of the number of features, or normalise queries and keys.",
            **evidence,
        )  # fmt: skip
        return


def attentions(step: StepFacts) -> Iterator[tuple[Node, tuple[float, ...]]]:
    """The calls that weigh values by a softmax over keys, in order, and the numbers of their entropy metric.

    These are fused attention, and softmax over the last dimension whose result is multiplied with values.
    """
    visible, fused = step.metric("softmax_entropy"), step.metric("fused_entropy")
    for node in step.lineage.forward:
        if node.op in _SOFTMAX and visible is not None and _is_over_last(node):
            row = visible.row(node.id) if _weighs_values(step, node) else None
        elif node.op == _FUSED and fused is not None:
            row = fused.row(node.id)
        else:
            continue
        if row is not None:
            yield node, tuple(row.tolist())


def _key_count(step: StepFacts, node: Node) -> int:
    """How many keys a query looks at."""
    if node.op in _SOFTMAX:
        return node.outputs[0].shape[-1]
    key = next(read for read in node.inputs if read.argument == "key")
    return step.structure.nodes[key.node].outputs[key.output].shape[-2]


def _is_over_last(node: Node) -> bool:
    return node.attributes.get("dim") in (-1, len(node.outputs[0].shape) - 1)


def _weighs_values(step: StepFacts, node: Node) -> bool:
    """Whether a matrix product reads the softmax, maybe after dropout or the like."""
    nodes, lineage = step.structure.nodes, step.lineage
    front = [node.id]
    for _ in range(3):
        front = [reader for number in front for reader in lineage.readers[number]]
        if any(lineage.category(nodes[number]) is Category.LINEAR for number in front):
            return True
        front = [number for number in front if nodes[number].op in _PASSING]
    return False


def _oversized(step: StepFacts, node: Node) -> bool | None:
    """Whether weights above the call stand out in their network; None where they may be those of a trained one."""
    gains = {use.node.id: float(step.size[use.weight]) * math.sqrt(use.fan_in) for use in step.lineage.weights}
    scored = [read.node for read in node.inputs if node.op != _FUSED or read.argument in ("query", "key")]
    above = step.lineage.ancestors(scored)
    large = {number: gain for number, gain in gains.items() if number in above and gain > _USUAL_GAIN}
    if not large:
        return False
    others = [gain for number, gain in gains.items() if number not in large]
    return True if others and min(large.values()) > _STANDS_OUT * median(others) else None

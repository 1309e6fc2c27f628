"""Dropout that leaves too little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphviz_nn.analysis.context import CheckContext
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node


def dropout_too_high(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Dropout between two layers removes almost everything that the first one made.

    **Symptom.** The training loss is noisy and far above the loss in evaluation mode; the model underfits.

    **Mathematics.** Dropout with probability p keeps each element with 1 − p and divides by that, which multiplies the
    signal's second moment by 1/(1 − p): at p = 0.9 the noise has nine times the power of the signal. Several in a row
    keep the product of their shares.

    **Criterion.** The share 1 − p that the dropout calls between one layer and the next keep together, as called in
    training, is under `keep`. The call that removes most is named.

    **Healthy look-alikes.** 0.5 between the last layers of classic networks; 0.8 on recurrent language models'
    embeddings; dropout of whole paths, which has a skip connection; dropout in evaluation mode, which does nothing.

    **Remedy.** A p of 0.1 to 0.5.

    **Source.** Srivastava et al. 2014, "Dropout", sections 7.3 and A.4.
    """
    if not context.steps:
        return
    step = context.steps[-1]
    lineage, nodes = step.lineage, step.structure.nodes
    if not lineage.of_op(lambda op: "dropout" in op):
        return
    kept = [1.0] * len(nodes)
    worst: dict[int, Node] = {}
    reported: set[int] = set()
    for node in lineage.forward:
        if node.id in lineage.weighted_ids or not node.inputs:
            continue
        above = min(node.inputs, key=lambda read: kept[read.node]).node if not _is_sum(node) else None
        if above is not None:
            kept[node.id] = kept[above]
            if above in worst:
                worst[node.id] = worst[above]
        own = _kept_share(node)
        if own is None:
            continue
        kept[node.id] *= own
        if node.id not in worst or own < (_kept_share(worst[node.id]) or 0.0):
            worst[node.id] = node
        place = worst[node.id]
        if kept[node.id] < thresholds["keep"] and place.id not in reported and node.outputs[0].requires_grad:
            reported.add(place.id)
            yield step.finding(
                "dropout_too_high", "warning", place,
                f"Dropout keeps {kept[node.id]:.1%} of what the layer before it made.",
                "Use a probability of 0.1 to 0.5, once between two layers.",
                kept=kept[node.id], probability=1 - (_kept_share(place) or 0.0),
            )  # fmt: skip


def _kept_share(node: Node) -> float | None:
    """What a call of dropout keeps; None where the node is none, or does nothing."""
    name = node.op.rstrip("_")
    if "dropout" not in name or not node.outputs:
        return None
    probability = node.attributes.get("p")
    training = node.attributes.get("train", node.attributes.get("training", True))
    if not training or isinstance(probability, bool) or not isinstance(probability, (int, float)):
        return None
    return 1.0 - float(probability)


def _is_sum(node: Node) -> bool:
    return len(node.inputs) > 1

"""Batch normalisation over too few values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.comparisons import output_of
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node
from graphviz_nn.plugin.layer_types import plain_names


def batch_norm_small(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Batch normalisation estimates mean and variance from very few values.

    **Symptom.** The loss is noisy; evaluation is much worse than training.

    **Mathematics.** The variance of n normal values is known to a relative standard deviation of √(2/(n − 1)): 41 % for
    n = 13, 82 % for n = 4, 141 % for n = 2, where every output is ±1 whatever the input is. The running statistics
    of evaluation then differ widely from those that the layer was trained with.

    **Criterion.** In training, the values that each channel's statistics are made of (samples × positions) number
    `values` or fewer in at least half of the recorded steps.

    **Healthy look-alikes.** A last, smaller batch of an epoch; few samples with many positions each; evaluation, which
    uses the running statistics.

    **Remedy.** A larger batch, `GroupNorm` or `LayerNorm`, or synchronised batch normalisation over processes.

    **Source.** Wu and He 2018, "Group Normalization" (arXiv:1803.08494); the formula is that of the sample variance.
    """
    counts: dict[str, list[tuple[StepFacts, Node, int]]] = {}
    for step in context.trained:
        for node in step.lineage.of_op(lambda op: plain_names(op)[-1] == "batch_norm"):
            if node.attributes.get("training") and node.inputs and node.outputs:
                shape = output_of(step.lineage, node.inputs[0]).shape
                values = int(np.prod(shape)) // shape[1] if len(shape) > 1 else 1
                counts.setdefault(node.module or node.name, []).append((step, node, values))
    few = {place: seen for place, seen in counts.items() if _median(seen) <= thresholds["values"]}
    if few:
        step, node, values = next(iter(few.values()))[-1]
        yield step.finding(
            "batch_norm_small",
            "warning",
            node,
            f"Mean and variance of each channel are estimated from {values} values.",
            "Use a larger batch, or GroupNorm or LayerNorm.",
            values=float(values),
            relative_error=float(np.sqrt(2 / max(values - 1, 1))),
            modules=sorted(few),
        )


def _median(seen: list[tuple[StepFacts, Node, int]]) -> float:
    return float(np.median([values for _, _, values in seen]))

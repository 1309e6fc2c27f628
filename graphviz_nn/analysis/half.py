"""The narrow range of half precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.nonfinite import HALF, forward_origin
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import SOURCE_KINDS

Mask = npt.NDArray[np.bool_]

LARGEST: Final = {"float16": 65504.0, "bfloat16": 3.39e38}
SMALLEST_FLOAT16: Final = 2.0**-24
"""The smallest positive float16 (subnormal)."""


def half_overflow(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A float16 or bfloat16 result is too large for its type, and the infinity reaches the loss.

    **Symptom.** The loss is infinite or NaN in half precision, and finite in float32.

    **Mathematics.** float16 ends at 65504, bfloat16 at 3.4e38. Sums over many elements, squares and unscaled
    attention scores pass the first easily: the square of 256 does.

    **Criterion.** The origin of what is not finite in the loss (as in the rule for the forward phase) is a call whose
    result has one of these types, and whose inputs are finite.

    **Healthy look-alikes.** −inf in masks; gradients that overflow under dynamic loss scaling.

    **Remedy.** Do this call in float32 (autocast does for most), use bfloat16, or scale the input.

    **Source.** Micikevicius et al. 2018 (arXiv:1710.03740).
    """
    del thresholds
    for step in context.since_finite:
        found = forward_origin(step)
        if found is None:
            continue
        origin, chain = found
        dtype = origin.outputs[0].dtype if origin.outputs else ""
        if dtype in HALF and origin.kind not in SOURCE_KINDS:
            yield step.finding(
                "half_overflow", "error", origin,
                f"The result of {origin.op} does not fit {dtype}, which ends at {LARGEST[dtype]:.3g}.",
                "Do this call in float32, use bfloat16, or scale its input.",
                operator=origin.op, dtype=dtype, largest_input=_largest_input(step, origin.id),
                path=[node.name for node in chain[:50]],
            )  # fmt: skip
        return


def _largest_input(step: StepFacts, node: int) -> float:
    rows = [step.lineage.row(read.node, read.output) for read in step.structure.nodes[node].inputs]
    return float(np.nanmax(np.abs(step.output[rows][:, [COLUMN["min"], COLUMN["max"]]]), initial=0.0))


def half_underflow(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """float16 gradients are so small that many are rounded to zero.

    **Symptom.** Training in float16 stalls where float32 does not; the first layers' gradients are mostly zero.

    **Mathematics.** Below 2⁻²⁴ ≈ 6e-8 a float16 is zero, and below 2⁻¹⁴ it loses a bit with every halving. A mean over
    many elements gives gradients of 1/n each, and so gets there at once.

    **Criterion.** Of the float16 values that got a gradient, more than `values` have one of which at least half the
    elements are zero and the largest element is under `units` × 2⁻²⁴, or which is zero throughout while that of a value
    made from it is that small and not zero; as the median over the recorded steps. Zeros beside large elements, as
    ReLU makes them, do not count, nor do masters in float32.

    **Healthy look-alikes.** Sparse gradients of normal size; scaled losses; bfloat16, which has float32's range.

    **Remedy.** Scale the loss (`torch.amp.GradScaler`), or use bfloat16.

    **Source.** Micikevicius et al. 2018 (arXiv:1710.03740), section 3.2.
    """
    tiny = thresholds["units"] * SMALLEST_FLOAT16
    for steps in context.by_structure():
        structure, lineage = steps[-1].structure, steps[-1].lineage
        if "float16" not in lineage.dtypes:
            continue
        half = np.array([output.dtype == "float16" for node in structure.nodes for output in node.outputs], np.bool_)
        shares, lost = zip(*(_lost(step, half, tiny) for step in steps), strict=True)
        share = float(np.median(shares))
        if share <= thresholds["values"]:
            continue
        node = structure.nodes[int(lineage.value_node[np.flatnonzero(lost[-1])[-1]])] if lost[-1].any() else None
        yield steps[-1].finding(
            "half_underflow", "warning", node,
            f"{share:.0%} of the float16 gradients are so small that most of their elements are rounded to zero.",
            "Scale the loss with torch.amp.GradScaler, or use bfloat16.",
            share=share, smallest_float16=SMALLEST_FLOAT16,
        )  # fmt: skip


def _lost(step: StepFacts, half: Mask, tiny: float) -> tuple[float, Mask]:
    """Share of the float16 values with a gradient whose gradient underflows, and which these are, by row."""
    rows = step.gradient_rows
    largest = np.abs(step.gradient[:, [COLUMN["min"], COLUMN["max"]]]).max(axis=1)
    zeros = step.gradient[:, COLUMN["zeros"]]
    measured = half[rows] & np.isfinite(largest)
    small = (largest > 0) & (largest < tiny)
    lost = np.zeros(len(half), np.bool_)
    lost[rows[small & measured & (zeros >= 0.5)]] = True
    below_small = np.zeros(len(half), np.bool_)
    below_small[rows[small]] = True
    vanished = np.zeros(len(half), np.bool_)
    vanished[rows[measured & (largest == 0)]] = True
    for node in reversed(step.lineage.flow):
        if below_small[step.lineage.rows(node)].any():
            for read in node.inputs:
                row = step.lineage.row(read.node, read.output)
                if vanished[row]:
                    lost[row] = below_small[row] = True
    count = int(measured.sum())
    return (float(lost.sum()) / count if count else 0.0), lost

"""Arguments so near the edge of a function's domain that the next step may fall over it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.nonfinite import forward_origin
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Input, Node

EXPONENT_LIMIT = {"float16": 11.09, "bfloat16": 88.72, "float32": 88.72, "float64": 709.78}
"""Natural logarithm of the largest finite number of each type."""

_LOGARITHMS = frozenset({"log", "log2", "log10"})
_ROOTS = frozenset({"sqrt", "rsqrt", "reciprocal"})
_DIVISIONS = frozenset({"div", "truediv", "true_divide", "divide"})
_BOUNDED = frozenset({"acos", "arccos", "asin", "arcsin", "atanh", "arctanh"})
_EXPONENTIALS = {"exp": 1.0, "expm1": 1.0, "sinh": 1.0, "cosh": 1.0, "exp2": math.log(2)}
"""Operators that overflow, and what their argument is multiplied with in the exponent of e."""
_EDGED = _LOGARITHMS | _ROOTS | _DIVISIONS | _BOUNDED | _EXPONENTIALS.keys() | {"log1p", "pow"}
_WIDE = ("float32", "bfloat16", "float64")
_NEXT_TO_ONE = 1.5e-7
"""A little more than the distance from 1 to the next float32 above it; the statistics are float32."""


def near_edge(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A logarithm, root, division or exponential works at the edge of what its type can hold.

    **Symptom.** Training runs for a while, with jumps in the gradient norm, then the loss is NaN at some step.

    **Mathematics.** The derivatives of log x and 1/x grow as 1/x and 1/x². An argument under 5e-20 makes a gradient
    whose square exceeds float32's 3.4e38, which is what Adam's second moment takes. exp overflows at ln of the type's
    largest number: 88.7 in float32, 11.1 in float16. The derivatives of acos, asin and atanh grow without bound at ±1.

    **Criterion.** Everything is still finite, the result requires a gradient, and: the positive argument of a
    logarithm (1 + x for log1p), the argument of a root, the base of a power below one or the smallest divisor is
    under `smallest` in magnitude, or the argument of exp, exp2, expm1, sinh or cosh is over `exponent` of its limit, or
    that of acos, asin, atanh or log1p is within 1e-7 of the end of its domain. Roots count at `smallest`² only, since
    √x has a derivative of 1/(2√x). A divisor that is exactly zero somewhere is not near the edge, but over it.

    **Healthy look-alikes.** log(x + 1e-8) or clamps at 1e-12; probabilities of 1e-10; exp of log-variances;
    exp of large negative numbers, which is a clean zero; cosines of similar directions, computed without acos.

    **Remedy.** log_softmax, logsumexp, log1p, expm1, softplus, an epsilon, or a clamp before the call.

    **Source.** Goldberg 1991, "What every computer scientist should know about floating-point arithmetic".
    """
    reported: set[str] = set()
    for step in reversed(context.steps):
        if forward_origin(step) is not None:
            continue
        for node in step.lineage.of_op(_has_edge):
            found = _edge(step, node, thresholds)
            if found is not None and node.name not in reported:
                reported.add(node.name)
                argument, limit, what = found
                yield step.finding(
                    "near_edge", "warning", node,
                    f"{node.op} has an argument of {argument:.2e}, {what} {limit:.2g}.",
                    "Use a stable form (log_softmax, logsumexp, log1p), an epsilon, or a clamp before the call.",
                    operator=node.op, argument=argument, limit=limit,
                )  # fmt: skip


def _has_edge(op: str) -> bool:
    return op.rstrip("_") in _EDGED


def _edge(step: StepFacts, node: Node, thresholds: Mapping[str, float]) -> tuple[float, float, str] | None:
    """Returns the argument, the limit and how the one lies to the other; None where all is well."""
    op = node.op.rstrip("_")
    if not node.inputs or not node.outputs or not node.outputs[0].requires_grad:
        return None
    dtype = node.outputs[0].dtype
    if op in _EXPONENTIALS:
        argument = _of(step, node.inputs[0], "max")
        if op in ("sinh", "cosh"):
            argument = max(argument, -_of(step, node.inputs[0], "min"))
        limit = EXPONENT_LIMIT.get(dtype, float("inf")) / _EXPONENTIALS[op]
        return (argument, limit, "near the limit of") if argument > thresholds["exponent"] * limit else None
    if dtype not in _WIDE:
        return None
    if op in _LOGARITHMS or op in _ROOTS:
        argument = _of(step, node.inputs[0], "min")
        limit = thresholds["smallest"] ** (2 if op == "sqrt" else 1)
    elif op == "log1p":
        argument, limit = 1 + _of(step, node.inputs[0], "min"), _NEXT_TO_ONE
    elif op in _BOUNDED:
        extremes = _of(step, node.inputs[0], "min"), _of(step, node.inputs[0], "max")
        argument, limit = 1 - max(abs(extreme) for extreme in extremes), _NEXT_TO_ONE
    elif op in _DIVISIONS and len(node.inputs) == 2:
        argument, limit = _smallest_divisor(step, node.inputs[1]), thresholds["smallest"]
    elif op == "pow" and _is_below_one(node.attributes.get("exponent")):
        argument, limit = _of(step, node.inputs[0], "min"), thresholds["smallest"]
    else:
        return None
    return (argument, limit, "under") if 0 < argument < limit else None


def _smallest_divisor(step: StepFacts, read: Input) -> float:
    """The smallest magnitude in a divisor; of one of both signs only where it was measured, otherwise NaN."""
    table = step.metric("nearest_zero")
    found = None if table is None else table.row(read.node, read.output)
    if found is not None:
        return float(found[0])
    lowest, highest = _of(step, read, "min"), _of(step, read, "max")
    return max(lowest, -highest) if lowest * highest > 0 else float("nan")


def _is_below_one(exponent: object) -> bool:
    return isinstance(exponent, (int, float)) and not isinstance(exponent, bool) and exponent < 1 and exponent != 0


def _of(step: StepFacts, read: Input, statistic: str) -> float:
    return float(step.output[step.lineage.row(read.node, read.output), COLUMN[statistic]])

"""Where NaN and infinities begin, in the forward and in the backward phase."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import SOURCE_KINDS, Node

HALF = ("float16", "bfloat16")
DATA_KINDS = frozenset({"input", "constant"})
"""Kinds of nodes that bring data into the program."""
_UNWRITTEN = frozenset({"empty", "empty_like", "new_empty", "empty_strided"})


def bad_values(step: StepFacts) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Returns for each value whether it holds a NaN, and whether it holds a NaN or an infinity."""
    nan = step.output[:, COLUMN["nan"]] > 0
    infinite = (step.output[:, [COLUMN["posinf"], COLUMN["neginf"]]] > 0).any(axis=1)
    return nan, nan | infinite


def forward_origin(step: StepFacts) -> tuple[Node, list[Node]] | None:
    """Returns the call that made the NaN or infinity that spoils the step, and the calls that it spread through.

    What counts is a NaN or infinity in the loss, or a NaN above a value whose gradient is not finite. Its ways back
    are followed to the first call with finite inputs. A −inf that masks scores and becomes an exact zero in a
    softmax does not get that far. Where the program raised before it had a loss, what counts is a NaN in the last
    results that it got to.
    """
    nan, bad = bad_values(step)
    if not bad.any():
        return None
    lineage = step.lineage
    roots = step.roots or tuple(n.id for n in step.structure.nodes if any(o.role for o in n.outputs))
    ends = [node for node in roots if bad[lineage.rows(step.structure.nodes[node])].any()]
    if not roots and step.info.error is not None:
        ends = [node.id for node in _last_results(step) if nan[lineage.rows(node)].any()]
    if not ends and not _spoils_gradients(step):
        return None
    if not ends:
        above = [step.structure.nodes[number] for number in lineage.ancestors(roots)]
        ends = [node.id for node in above if node.op not in _UNWRITTEN and nan[lineage.rows(node)].any()]
    chain = _spoiled_chain(step, ends, bad)
    if not chain:
        return None
    nodes = [step.structure.nodes[number] for number in sorted(chain)]
    first_nan = next((node for node in nodes if nan[lineage.rows(node)].any()), None)
    origin = nodes[0]
    if first_nan is not None and _only_masks_above(step, first_nan, bad):
        origin = first_nan
    return origin, [node for node in nodes if node.id >= origin.id]


def _spoiled_chain(step: StepFacts, ends: list[int], bad: npt.NDArray[np.bool_]) -> set[int]:
    lineage = step.lineage
    chain = set(ends)
    waiting = list(ends)
    while waiting:
        for read in step.structure.nodes[waiting.pop()].inputs:
            unwritten = step.structure.nodes[read.node].op in _UNWRITTEN
            if bad[lineage.row(read.node, read.output)] and read.node not in chain and not unwritten:
                chain.add(read.node)
                waiting.append(read.node)
    return chain


def _last_results(step: StepFacts) -> list[Node]:
    """The calls of a program that raised with whose results it computed nothing more."""
    nodes, readers = step.structure.nodes, step.lineage.readers
    return [
        node
        for node in step.lineage.forward
        if node.op not in _UNWRITTEN and not any(nodes[reader].outputs for reader in readers[node.id])
    ]


def _only_masks_above(step: StepFacts, node: Node, bad: npt.NDArray[np.bool_]) -> bool:
    """Whether everything not finite above a NaN is −inf that was put there: the scores that a mask rules out."""
    above = [step.structure.nodes[number] for number in step.lineage.ancestors([node.id]) - {node.id}]
    spoiled = [each for each in above if bad[step.lineage.rows(each)].any()]
    rows = [row for each in spoiled for row in _row_range(step, each.id) if bad[row]]
    if not rows or (step.output[rows][:, [COLUMN["nan"], COLUMN["posinf"]]] > 0).any():
        return False
    begin = (each for each in spoiled if not any(bad[step.lineage.row(r.node, r.output)] for r in each.inputs))
    return all(each.kind in SOURCE_KINDS or _names_infinity(each.arguments) for each in begin)


def _names_infinity(literal: Any) -> bool:
    """Whether an infinity stands among the arguments of a call, as in `masked_fill(mask, -inf)`; log(0) computes it."""
    if isinstance(literal, dict):
        return any(map(_names_infinity, literal.values()))
    if isinstance(literal, (list, tuple)):
        return any(map(_names_infinity, literal))
    return isinstance(literal, float) and math.isinf(literal)


def _row_range(step: StepFacts, node: int) -> range:
    rows = step.lineage.rows(step.structure.nodes[node])
    return range(rows.start, rows.stop)


def _spoils_gradients(step: StepFacts) -> bool:
    return bool((step.gradient[:, 6:] > 0).any())


def nonfinite_forward(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A call makes the first NaN or infinity, and it reaches the loss or the gradients.

    **Symptom.** The loss is NaN or infinite; one step later every parameter is.

    **Mathematics.** NaN propagates through arithmetic, so the loss says nothing of where it began. The first call in
    execution order whose inputs are finite and whose output is not is where: 0/0, log 0, an overflow, ∞ − ∞.

    **Criterion.** On the first recorded step with a NaN or infinite loss (or a NaN above gradients that are not
    finite), values that are not finite are followed back from the loss; the earliest is the origin. Infinities that do
    not reach the loss are no fault. A NaN under nothing but −inf that the program put there itself (a mask) is placed
    where it became NaN. Of a step that raised before its loss, a NaN in the last results counts. Data that come in so
    are left to the rule for that, `input_nonfinite`, and parameters that a recorded backward phase spoiled to
    `nonfinite_backward`.

    **Healthy look-alikes.** −inf in attention masks; NaN placeholders that `where` selects away; memory from `empty`
    before it is written.

    **Remedy.** As the origin says: clean the data, keep arguments away from the edge, lower the learning rate.

    **Source.** IEEE 754-2019, section 6; PyTorch, "Reproducibility: uninitialized memory" for `empty`.
    """
    del thresholds
    seen: list[StepFacts] = []
    for step in context.since_finite:
        found = forward_origin(step)
        if found is None:
            seen.append(step)
            continue
        origin, chain = found
        if origin.kind == "parameter" and any(_spoils_gradients(before) for before in seen):
            return  # The backward phase of a step before made it so.
        if origin.kind not in DATA_KINDS and (origin.outputs[0].dtype not in HALF or origin.kind in SOURCE_KINDS):
            cause, remedy = _explain(step, origin)
            yield step.finding(
                "nonfinite_forward", "error", origin, cause, remedy, **_counts(step.output[step.lineage.rows(origin)]),
                operator=origin.op, path=[node.name for node in chain[:50]],
            )  # fmt: skip
        return


def _counts(rows: Numbers) -> dict[str, float]:
    return {name: float(np.nansum(rows[:, COLUMN[name]])) for name in ("nan", "posinf", "neginf")}


def _explain(step: StepFacts, origin: Node) -> tuple[str, str]:
    if origin.kind == "parameter":
        return (
            f"The parameter {origin.name} was not finite before the step began.",
            "Look at the update before it: lower the learning rate, or skip steps whose gradient is not finite.",
        )
    if origin.kind in SOURCE_KINDS or not origin.inputs:
        return (
            f"{origin.name} comes into the program with values that are not finite.",
            "Clean the data before the model.",
        )
    inputs = [step.lineage.row(read.node, read.output) for read in origin.inputs]
    lowest = np.nanmin(step.output[inputs, COLUMN["min"]], initial=np.inf)
    return (
        f"{origin.op} made the first value that is not finite, from inputs whose smallest element is {lowest:.3g}.",
        "Keep its arguments inside its domain: clamp, add an epsilon, or use a stable form such as log_softmax.",
    )


def nonfinite_backward(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The forward phase is finite, and a call's derivative is not.

    **Symptom.** The loss is a plain number, the gradients are NaN or infinite, and the next loss is NaN.

    **Mathematics.** Some functions are finite where their derivative is not: √x and ‖x‖ at 0, x^p with p < 1 at 0, and
    0·∞ in the branch of `where` that was not taken. Autograd multiplies the gradient by that derivative.

    **Criterion.** The loss is finite, and a gradient is not. Gradients arrive in order, so the first such event names a
    value; the call at fault reads it and itself got a finite gradient. Where no parameter's gradient is spoiled, as
    behind a ReLU that passes nothing on, it is information.

    **Healthy look-alikes.** Dynamic loss scaling: float16 gradients overflow now and then, and the step is skipped.
    A step without updates, in a run that has updates on others, is no finding.

    **Remedy.** Add an epsilon inside the root or norm; make the argument safe before `where`, not after.

    **Source.** Micikevicius et al. 2018 (arXiv:1710.03740) on loss scaling; PyTorch, "Gradients for
    non-differentiable functions".
    """
    del thresholds
    updates_elsewhere = any(step.updated for step in context.trained)
    for step in (step for step in context.since_finite if step.trained):
        bad = (step.gradient[:, 6:] > 0).any(axis=1)
        if not bad.any() or forward_origin(step) is not None or (updates_elsewhere and not step.updated):
            continue
        first = int(bad.argmax())
        row = int(step.gradient_rows[first])
        value = step.structure.nodes[int(step.gradient_events["node"][first])]
        bad_rows = set(step.gradient_rows[bad].tolist())
        origin = next((n for n in _readers(step, value) if not bad_rows.intersection(_row_range(step, n.id))), value)
        yield step.finding(
            "nonfinite_backward", "error" if bad_rows & _parameter_rows(step) else "info", origin,
            f"The derivative of {origin.op} is not finite: its output got a finite gradient and passed on another.",
            "Add an epsilon inside the root, norm or power, or make the argument safe before where().",
            **_counts(step.gradient[first : first + 1]), operator=origin.op, value=value.name,
            smallest_input=float(step.output[row, COLUMN["min"]]), path=_way_to_root(step, origin),
        )  # fmt: skip
        return


def _parameter_rows(step: StepFacts) -> set[int]:
    return {step.lineage.rows(node).start for node in step.lineage.parameters.values()}


def _readers(step: StepFacts, value: Node) -> list[Node]:
    """The calls that read the value and got a gradient themselves, the last first."""
    readers = [step.structure.nodes[number] for number in reversed(step.lineage.readers[value.id])]
    return [node for node in readers if step.arrived[step.lineage.rows(node)].any()]


def _way_to_root(step: StepFacts, origin: Node) -> list[str]:
    between = step.lineage.descendants([origin.id]) & step.lineage.ancestors(step.roots)
    return [step.structure.nodes[number].name for number in sorted(between)[:50]]

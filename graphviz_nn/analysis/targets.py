"""Targets that a loss is not made for, or that nothing can be learned from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import Comparison, class_count, comparisons, origin, output_of, plain, row_of
from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.roles import consecutive
from graphviz_nn.model.findings import Evidence, Finding
from graphviz_nn.model.nodes import Input, Node

_OF_CLASSES: Final = frozenset({"cross_entropy", "nll_loss", "nll_loss_nd"})
_OF_PROBABILITIES: Final = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
_INTEGERS: Final = frozenset({"int64", "int32", "uint8"})
_ROUNDING: Final = 1e-3

_Verdict = tuple[str, str, str, dict[str, Evidence]]
"""Severity, cause, remedy, evidence."""


def targets_out_of_range(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The targets are not what the loss is defined for, or they are all of one class.

    **Symptom.** An exception "Target 6 is out of bounds", or a device-side assertion; a binary cross-entropy that goes
    below zero; or a loss that is close to zero after a few steps, with a model that knows one answer.

    **Mathematics.** A network with k outputs knows the classes 0 to k − 1. −y log p − (1 − y) log(1 − p) is bounded
    below by the entropy of y only for y in [0, 1]: its derivative with respect to the logit is p − y, so y = 2 pushes
    the logit up for ever. With one class alone, a bias is all that is learned.

    **Criterion.** *Outside*: the step failed at a loss over classes whose largest target is not below the number of
    classes (or the smallest, other than what is ignored, is negative); a target of binary cross-entropy lies further
    than `beyond` outside [0, 1]; a class probability, or a target of `kl_div` that is no logarithm, is negative, or the
    rows of such a target sum to something further than `beyond` from 1. *One class*: on consecutive recorded steps, at
    least `steps`, all targets (at least 16 a step) of all losses above one trained output layer are one and the same
    class. Class probabilities that do not sum to 1 are reported as information.

    **Healthy look-alikes.** `ignore_index`; smoothed labels a little outside [0, 1]; a critic that is given ones for
    real and zeros for made samples; contrastive losses whose positive is always at index 0 (their logits are no layer's
    output); regression to a constant.

    **Remedy.** Count classes from 0; map labels to 0 and 1 for binary losses; shuffle the data.

    **Source.** PyTorch, `torch.nn.CrossEntropyLoss` and `BCEWithLogitsLoss`.
    """
    yield from _failed(context)
    for steps in context.by_structure():
        for found in comparisons(steps[-1]):
            verdict = _outside(steps, found, thresholds["beyond"])
            if verdict is not None:
                severity, cause, remedy, evidence = verdict
                yield steps[-1].finding("targets_out_of_range", severity, found.node, cause, remedy, **evidence)
    yield from _one_class(context, int(thresholds["steps"]))


def _failed(context: CheckContext) -> Iterator[Finding]:
    """Steps that ended at a loss because of a class that does not exist."""
    for step in context.steps:
        error = step.info.error
        node = None if error is None or error.node is None else step.structure.nodes[error.node]
        reads = {} if node is None else {read.argument: read for read in node.inputs}
        if node is None or plain(node) not in _OF_CLASSES or not {"input", "target"} <= reads.keys():
            continue
        classes = class_count(step.lineage, reads["input"])
        row = step.output[row_of(step.lineage, reads["target"])]
        lowest, highest = float(row[COLUMN["min"]]), float(row[COLUMN["max"]])
        ignored = node.attributes.get("ignore_index", -100)
        if highest >= classes or (lowest < 0 and lowest != ignored):
            yield step.finding(
                "targets_out_of_range",
                "error",
                node,
                f"The prediction has {classes} classes, 0 to {classes - 1}, but targets go from {lowest:g} to "
                f"{highest:g}.",
                "Give the last layer as many outputs as there are classes, and count classes from 0.",
                classes=float(classes),
                lowest_target=lowest,
                highest_target=highest,
            )


def _outside(steps: list[StepFacts], found: Comparison, beyond: float) -> _Verdict | None:
    last = steps[-1]
    row = row_of(last.lineage, found.target)
    low = min(float(step.output[row, COLUMN["min"]]) for step in steps)
    high = max(float(step.output[row, COLUMN["max"]]) for step in steps)
    evidence: dict[str, Evidence] = {"lowest_target": low, "highest_target": high}
    if found.op in _OF_PROBABILITIES and (low < -beyond or high > 1 + beyond):
        cause = f"Targets of {found.node.op} go from {low:.3g} to {high:.3g}; it is made for 0 to 1."
        return "error", cause, "Map the labels to 0 and 1, or use a loss for what they are.", evidence
    if found.op == "kl_div":
        return _no_distribution(steps, found, beyond, low)
    if found.op != "cross_entropy" or output_of(last.lineage, found.target).dtype in _INTEGERS:
        return None
    if low < -_ROUNDING:
        cause = f"Class probabilities given to {found.node.op} go down to {low:.3g}."
        return "warning", cause, "Give it class indices, or probabilities that sum to 1.", evidence
    classes = class_count(last.lineage, found.prediction)
    total = float(np.median([step.output[row, COLUMN["mean"]] for step in steps])) * classes
    if abs(total - 1) > beyond:
        cause = f"Class probabilities given to {found.node.op} sum to {total:.3g}, not 1."
        return "info", cause, "Divide them by their sum, or use a loss for several labels.", {"total": total}
    return None


def _no_distribution(steps: list[StepFacts], found: Comparison, beyond: float, low: float) -> _Verdict | None:
    """Whether the target of a divergence is none: negative somewhere, or a table whose rows do not sum to 1."""
    shape = output_of(steps[-1].lineage, found.target).shape
    if found.node.attributes.get("log_target") is True:
        return None
    remedy = "Give it probabilities: softmax of the logits, or log_target=True for their logarithms."
    if low < -_ROUNDING:
        return "error", f"Targets of kl_div go down to {low:.3g}, and are no probabilities.", remedy, {"lowest": low}
    row = row_of(steps[-1].lineage, found.target)
    total = float(np.median([step.output[row, COLUMN["mean"]] for step in steps])) * (shape[-1] if shape else 1)
    if len(shape) == 2 and abs(total - 1) > beyond:
        return "warning", f"Each row of the targets of kl_div sums to {total:.3g}, not 1.", remedy, {"total": total}
    return None


def _one_class(context: CheckContext, least: int) -> Iterator[Finding]:
    for steps in context.by_structure():
        if len(steps) < least or consecutive(steps) < least:
            continue
        for head, group in _by_head(steps[-1]).items():
            seen = {number for step in steps for found in group for number in _only_class(step, found)}
            if len(seen) == 1 and np.isfinite(value := next(iter(seen))) and _is_trained(steps, head):
                last = steps[-1]
                count = float(last.lineage.numel[row_of(last.lineage, group[0].target)])
                yield last.finding(
                    "targets_out_of_range",
                    "warning",
                    group[0].node,
                    f"All targets of the last {len(steps)} recorded steps are the same: {value:g}.",
                    "Shuffle the data, and look at how the labels are made.",
                    target=float(value),
                    targets=count,
                    steps=float(len(steps)),
                )


def _by_head(step: StepFacts) -> dict[int, list[Comparison]]:
    """Comparisons with classes, by the output layer that made the prediction."""
    found: dict[int, list[Comparison]] = {}
    keys: dict[str, int] = {}
    for comparison in comparisons(step):
        if comparison.op not in _OF_CLASSES | _OF_PROBABILITIES:
            continue
        head = _layer_above(step, comparison.prediction)
        if head is not None:
            first = keys.setdefault(step.lineage.layer_key(head), head.id)
            found.setdefault(first, []).append(comparison)
    return found


def _layer_above(step: StepFacts, read: Input) -> Node | None:
    """The layer whose output is the prediction, behind casts, views and the function that makes probabilities."""
    made_by = origin(step.lineage, read)
    if plain(made_by) in ("log_softmax", "softmax", "sigmoid") and made_by.inputs:
        made_by = origin(step.lineage, made_by.inputs[0])
    return made_by if made_by.id in step.lineage.weighted_ids else None


def _only_class(step: StepFacts, found: Comparison) -> set[float]:
    """The one class of all targets; NaN where there are several, or too few to tell."""
    row = row_of(step.lineage, found.target)
    low, high = (float(step.output[row, COLUMN[name]]) for name in ("min", "max"))
    integers = output_of(step.lineage, found.target).dtype in _INTEGERS or found.op in _OF_PROBABILITIES
    return {low if low == high and integers and step.lineage.numel[row] >= 16 else float("nan")}


def _is_trained(steps: list[StepFacts], head: int) -> bool:
    nodes = steps[-1].structure.nodes
    parameters = {read.node for read in nodes[head].inputs if nodes[read.node].kind == "parameter"}
    return all(parameters & step.updated for step in steps)

"""Losses that are fed with something else than they are defined for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import (
    OF_LOGITS,
    Comparison,
    class_count,
    comparisons,
    origin,
    output_of,
    plain,
)
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.model.findings import Finding

_NLL: Final = frozenset({"nll_loss", "nll_loss_nd", "nll_loss2d", "kl_div"})
SOFTMAXES: Final = frozenset({"softmax", "softmin", "gumbel_softmax"})
SIGMOIDS: Final = frozenset({"sigmoid", "hardsigmoid", "special_expit", "expit"})


def last_comparisons(context: CheckContext) -> list[tuple[StepFacts, Comparison]]:
    """The comparisons of the last recorded step of each structure."""

    def search() -> list[tuple[StepFacts, Comparison]]:
        return [(steps[-1], found) for steps in context.by_structure() for found in comparisons(steps[-1])]

    return context.share("comparisons", search)


def softmax_before_loss(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Softmax is applied to what goes into a loss that applies softmax itself.

    **Symptom.** The loss falls slowly and stops far above zero, though the accuracy may look fair.

    **Mathematics.** `cross_entropy` is −log softmax(z)_y. With z = softmax(u), each z lies in [0, 1], so with k classes
    the loss cannot go below log(1 + (k − 1)/e): 1.46 for 10 classes. Its gradient passes through the softmax twice, and
    each Jacobian has a norm of at most ½.

    **Criterion.** The prediction of `cross_entropy` was made by a softmax, with nothing but casts, views and indexing
    in between. After `log_softmax` the loss is the same as without, since log-softmax is idempotent: that is reported
    as information.

    **Healthy look-alikes.** Probabilities multiplied by a temperature, or their logarithm, before the loss; softmax in
    attention or gates above other layers; targets that are probabilities.

    **Remedy.** Give the loss the logits, and apply softmax where probabilities are wanted.

    **Source.** PyTorch, `torch.nn.CrossEntropyLoss`: "the input is expected to contain the unnormalized logits".
    """
    del thresholds
    for step, found in last_comparisons(context):
        made_by = origin(step.lineage, found.prediction)
        if found.op != "cross_entropy" or plain(made_by) not in (*SOFTMAXES, "log_softmax"):
            continue
        harmless = plain(made_by) == "log_softmax"
        classes = class_count(step.lineage, found.prediction)
        yield step.finding(
            "softmax_before_loss",
            "info" if harmless else "warning",
            made_by,
            f"{made_by.op} is applied here, and again by {found.node.op}."
            + (" Log-softmax twice is the same as once, and costs time." if harmless else ""),
            f"Give {found.node.op} the input of {made_by.op}.",
            loss=found.node.name,
            classes=float(classes),
            least_loss=0.0 if harmless else float(np.log1p((classes - 1) / np.e)),
        )


def sigmoid_before_loss(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A sigmoid (or softmax) is applied to what goes into a loss that applies a sigmoid or softmax itself.

    **Symptom.** Predictions never go below one half; the loss stays above log 2 for negative examples.

    **Mathematics.** `binary_cross_entropy_with_logits` is −y log σ(z) − (1 − y) log(1 − σ(z)). With z = σ(u) in [0, 1],
    σ(z) lies in [0.5, 0.731]: a negative example costs at least log 2 = 0.693, a positive one at least 0.313. Into
    `cross_entropy` such values are logits that differ by 1 at the most.

    **Criterion.** The prediction of `binary_cross_entropy_with_logits` or `multilabel_soft_margin_loss` was made by a
    sigmoid or softmax, or that of `cross_entropy` by a sigmoid, with nothing but casts, views and indexing in between.

    **Healthy look-alikes.** A sigmoid before `binary_cross_entropy`, which expects probabilities; gates above other
    layers; `logsigmoid`.

    **Remedy.** Give the loss the logits, and apply the sigmoid where probabilities are wanted.

    **Source.** PyTorch, `torch.nn.BCEWithLogitsLoss`.
    """
    del thresholds
    for step, found in last_comparisons(context):
        made_by = origin(step.lineage, found.prediction)
        wrong = SIGMOIDS if found.op == "cross_entropy" else SIGMOIDS | SOFTMAXES
        if found.op in OF_LOGITS and plain(made_by) in wrong:
            yield step.finding(
                "sigmoid_before_loss",
                "warning",
                made_by,
                f"{made_by.op} is applied here, and {found.node.op} applies its own to the result.",
                f"Give {found.node.op} the input of {made_by.op}.",
                loss=found.node.name,
                operator=made_by.op,
            )


def missing_log_softmax(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """`nll_loss` or `kl_div` is fed with something else than logarithms of probabilities.

    **Symptom.** The loss is negative, and falls without an end.

    **Mathematics.** `nll_loss` only picks −x_y. If x are log-probabilities, Σ exp(x) = 1 over the classes and the loss
    is at least 0. Logits can grow for ever; probabilities give a loss in [−1, 0] whose gradient does not grow as a
    prediction gets worse. `kl_div` is Σ p (log p − x), which is a divergence, and at least 0, under the same condition.

    **Criterion.** Over the class dimension, log Σ exp(x) is further than `total` from 0 for most samples, on most
    recorded steps; of `kl_div`, only where its input has two dimensions.

    **Healthy look-alikes.** Log-probabilities in half precision, which miss 0 by a few hundredths; logarithms of
    probabilities to which a small number was added; label smoothing.

    **Remedy.** Apply `log_softmax` over the classes first, or use `cross_entropy` on the logits.

    **Source.** PyTorch, `torch.nn.NLLLoss`: "the input given through a forward call is expected to contain
    log-probabilities of each class"; `torch.nn.KLDivLoss`: "this loss expects the argument input in the log-space".
    """
    for steps in context.by_structure():
        for found in comparisons(steps[-1]):
            if found.op not in _NLL or (found.op == "kl_div" and not _is_table(steps[-1], found)):
                continue
            made_by = origin(steps[-1].lineage, found.prediction)
            if plain(made_by) == "log_softmax":
                continue  # Over another dimension, which is a fault of its own.
            totals = [total for step in steps if (total := _log_total(step, found)) is not None]
            total = float(np.median(totals)) if totals else 0.0
            if abs(total) > thresholds["total"]:
                what = "probabilities" if plain(made_by) in SOFTMAXES else "numbers that are no log-probabilities"
                yield steps[-1].finding(
                    "missing_log_softmax",
                    "warning",
                    found.node,
                    f"{found.node.op} is given {what}: their exponentials sum to {np.exp(min(total, 700)):.3g}, not 1.",
                    "Apply log_softmax over the classes first, or use cross_entropy on the logits.",
                    log_total=total,
                    made_by=made_by.name,
                )


def _is_table(step: StepFacts, found: Comparison) -> bool:
    return len(output_of(step.lineage, found.prediction).shape) == 2


def _log_total(step: StepFacts, found: Comparison) -> float | None:
    table = step.metric("nll_log_total")
    row = None if table is None else table.row(found.prediction.node, found.prediction.output)
    return None if row is None or not len(row) else float(row[0])

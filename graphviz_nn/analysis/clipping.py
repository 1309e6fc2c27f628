"""What is done to gradients between the backward pass and the update: clipping, and scales that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Input, Node

_CLAMPS: Final = frozenset({"clamp", "clip", "clamp_min", "clamp_max"})
_PRODUCTS: Final = frozenset({"mul", "div"})
_NORMS: Final = frozenset({"norm", "linalg_vector_norm"})
_ADAPTIVE: Final = ("Adam", "Adagrad", "RMSprop", "Lion", "Adafactor", "NAdam", "RAdam", "Adadelta", "Rprop", "LBFGS")
_SCALES: Final = frozenset({"mul", "rmul", "imul"})


def clipped_away(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Clipping shrinks the gradient to a tiny share of itself on most steps.

    **Symptom.** Training is slow whatever the learning rate's usual value; the norm before clipping is always
    far above the limit, and the norm after it is always the limit.

    **Mathematics.** Clipping by norm multiplies the gradient by c = limit/‖g‖ where that is below one. Where it always
    is, plain gradient descent takes steps of constant length lr·limit, a rate smaller by c. Clipping by value
    keeps little more than the signs.

    **Criterion.** What the clipping operations between backward pass and update leave of the gradient's norm is under
    `share`, as the median of at least `steps` recorded steps. Such an operation is a clamp of gradients (its share: the
    norm after over that before), or their product with a number computed from their norm (its share: that number). With
    an optimizer that divides by the gradient's own size (Adam and the like) a constant factor drops out, and it is
    information.

    **Healthy look-alikes.** A limit of 1 with norms of 1 to 50, as usual for recurrent networks and transformers; a
    few clipped spikes; undoing a loss scale, whose factor does not come from the norm.

    **Remedy.** A limit near the usual norm of the gradient (its median or 90 % quantile); undo a loss scale before.

    **Source.** Pascanu et al. 2013 (arXiv:1211.5063), section 3.2; PyTorch, "Automatic Mixed Precision examples".
    """
    seen = [(step, found) for step in context.steps if step.updated and (found := _clipped(step)) is not None]
    if len(seen) < max(thresholds["steps"], 1):
        return
    share = float(np.median([left for _, (_, left) in seen]))
    if share >= thresholds["share"]:
        return
    step, (node, _) = seen[-1]
    adaptive = any(info.type.startswith(_ADAPTIVE) for info in step.info.optimizers)
    yield step.finding(
        "clipped_away", "info" if adaptive else "warning", node,
        f"Clipping leaves {share:.1e} of the gradient's norm on most steps.",
        "Raise the limit to about the usual norm of the gradient, and undo a loss scale before clipping.",
        share=share, steps=float(len(seen)), optimizer=", ".join(info.type for info in step.info.optimizers),
    )  # fmt: skip


def _clipped(step: StepFacts) -> tuple[Node, float] | None:
    """The last clipping operation before the update, and the share of the gradient's norm that all of them leave."""
    gradients: set[int] = set()
    of_norm: set[int] = set()
    factors: list[float] = []
    clamps: dict[str, tuple[list[float], list[float]]] = {}
    clipping: Node | None = None
    for node in step.structure.nodes:
        if node.phase == "forward":
            continue
        op = node.op.strip("_").removeprefix("foreach_")
        if not node.inputs:
            if node.name.startswith("gradient"):
                gradients.add(node.id)
            continue
        reads = [read.node in gradients for read in node.inputs]
        norms = [read for read in node.inputs if read.node in of_norm]
        if any(reads) and op not in _NORMS:
            gradients.add(node.id)
            if op in _PRODUCTS and norms:
                clipping = node
                factors.append(float(step.output[step.lineage.row(norms[0].node, norms[0].output), COLUMN["mean"]]))
            elif op in _CLAMPS:
                clipping = node
                before, after = clamps.setdefault(op, ([], []))
                before += [_norm(step, read) for read, mine in zip(node.inputs, reads, strict=True) if mine]
                after += step.output[step.lineage.rows(node), COLUMN["l2"]].tolist()
        elif norms or any(reads):
            of_norm.add(node.id)
    share = float(np.median(factors)) if factors else 1.0
    for before, after in clamps.values():
        size = float(np.linalg.norm(before))
        share *= float(np.linalg.norm(after)) / size if size > 0 else 1.0
    return (clipping, share) if clipping is not None and np.isfinite(share) else None


def _norm(step: StepFacts, read: Input) -> float:
    return float(step.output[step.lineage.row(read.node, read.output), COLUMN["l2"]])


def loss_scale(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The loss is multiplied by a large factor before the backward pass, and the update uses the gradients as they are.

    **Symptom.** The first steps are huge, the loss jumps to NaN or to a plateau; with the factor gone it trains.

    **Mathematics.** The gradient of S·L is S times that of L. A scale keeps small float16 gradients from underflow, and
    must be divided out before anything uses them: w − lr·S·g is a step with a learning rate S times too large.

    **Criterion.** The root of a backward pass is a loss times a number of at least `scale`, and on at least half
    of the recorded steps with an SGD-like optimizer the change of the parameters is at least half of lr times the
    norm of the accumulated gradient: no factor was divided out. (Undoing the scale leaves 1/S of it.) With
    optimizers that divide by the gradient's size the factor drops out, and nothing is said.

    **Healthy look-alikes.** `GradScaler` with `scaler.step`; a loss of large weight with a learning rate to match: the
    factor must be a power of two, as loss scales are, or the loss must come from half precision.

    **Remedy.** `scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()`, or divide gradients by S.

    **Source.** Micikevicius et al. 2018 (arXiv:1710.03740), section 3.2; PyTorch, `torch.amp.GradScaler`.
    """
    kept: list[tuple[StepFacts, Node, float, float]] = []
    judged = 0
    for step in context.trained:
        found = _scaled_root(step, thresholds["scale"])
        share = _share_of_plain_step(step) if found is not None else None
        if found is None or share is None:
            continue
        judged += 1
        if share >= 0.5:
            kept.append((step, *found, share))
    if kept and len(kept) * 2 >= judged:
        step, node, scale, share = kept[-1]
        yield step.finding(
            "loss_scale", "error", node,
            f"The loss is multiplied by {scale:.6g}, and the update uses the gradients without dividing by it.",
            "Step through the scaler (scaler.step(optimizer)), or divide the gradients by the scale before the step.",
            scale=scale, share=share, steps=float(len(kept)),
        )  # fmt: skip


def _scaled_root(step: StepFacts, least: float) -> tuple[Node, float] | None:
    """The root that is a product with a large scale, and the scale."""
    nodes = step.structure.nodes
    for number in step.roots:
        node = nodes[number]
        if node.op.strip("_") not in _SCALES or not node.inputs:
            continue
        before = step.lineage.row(node.inputs[0].node, node.inputs[0].output)
        value, result = step.output[before, COLUMN["mean"]], step.output[step.lineage.rows(node)][0, COLUMN["mean"]]
        scale = float(abs(result / value)) if value != 0 and np.isfinite(result) else 0.0
        other = node.attributes.get("other")
        if isinstance(other, (int, float)) and not isinstance(other, bool):
            scale = abs(float(other))
        power = scale > 0 and abs(np.log2(scale) - round(np.log2(scale))) < 1e-4
        half = not step.lineage.dtypes.isdisjoint(("float16", "bfloat16"))
        if scale >= least and (power or half):
            return node, scale
    return None


def _share_of_plain_step(step: StepFacts) -> float | None:
    """Norm of the update over learning rate times norm of `.grad`; None where the optimizer is not like SGD."""
    rates = [group.get("lr") for info in step.info.optimizers if info.type.startswith("SGD") for group in info.groups]
    if len(rates) != len([group for info in step.info.optimizers for group in info.groups]) or not rates:
        return None
    rate = max((float(value) for value in rates if isinstance(value, (int, float))), default=0.0)
    totals = step.of_kind(EventKind.PARAMETER_GRADIENT)
    table = step.table("parameter_gradient", len(totals))
    l2 = {int(node): float(row[COLUMN["l2"]]) for node, row in zip(totals["node"], table, strict=True)}
    moved = [node for node in step.updated if np.isfinite(l2.get(node, np.nan))]
    gradient = float(np.linalg.norm([l2[node] for node in moved])) if moved else 0.0
    if rate <= 0 or gradient <= 0:
        return None
    return float(np.linalg.norm(step.change[moved, COLUMN["l2"]])) / (rate * gradient)

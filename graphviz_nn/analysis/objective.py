"""Whether the optimizer makes the loss smaller or larger, as the program is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from graphviz_nn.analysis.comparisons import plain
from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.history import history, may_be_adversaries, rises
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import Input, Node

_UNBOUNDED: Final = frozenset({"nll_loss", "nll_loss_nd", "gaussian_nll_loss", "poisson_nll_loss", "kl_div"})
"""Losses that can be negative where they are given densities or logits: their sign says nothing."""
_KEEPING: Final = frozenset(
    {
        "add", "mean", "sum", "stack", "cat", "view", "reshape", "flatten", "squeeze", "unsqueeze", "to", "float",
        "double", "contiguous", "clone",
    }
)  # fmt: skip
_NEARLY_ALL: Final = 0.95
_LEAST_PAIRS: Final = 12
_TELLING: Final = 1e-2
_MOSTLY: Final = 0.5
_PICKING: Final = frozenset({"gather", "getitem", "select", "diagonal"})


def wrong_sign(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The optimizer makes a loss larger that should become smaller.

    **Symptom.** The reported number falls without an end, below zero; predictions get worse with each step, until
    something overflows.

    **Mathematics.** Cross-entropy and distances are bounded below by 0 and not above. −L has no minimum: descent on it
    moves every prediction away from its target, and the gradient of squared distances grows while it does.

    **Criterion.** From the number that the backward pass began at, only calls that keep or turn a sign lie on the way
    to a loss that is bounded below: sums, means, negation, factors and divisors that are plain numbers. Every such loss
    that is reached is turned (or, with `maximize=True`, every one is not); likewise the mean of selected
    log-probabilities that is not negated. Or none is turned, but over the recorded steps the means of the parameters
    move with the sign of their gradients' means in more than 95 % of at least 12 cases, while the loss rises over the
    whole run (Kendall's τ above ½). At least `steps` recorded steps; of several optimizers all work on the same
    backward pass.

    **Healthy look-alikes.** Adversaries, which are trained to make the other's loss larger (optimizers with losses of
    their own, or a function that reverses the gradient); inputs that are optimised against a fixed network; a
    difference of two losses; negated similarities, entropies, rewards and log-densities, which are no bounded losses;
    policy gradients, whose log-probabilities are multiplied by an advantage; momentum that overshoots a minimum for a
    while.

    **Remedy.** Minimise the loss itself: take out the minus, `maximize=True`, or what turns gradients round.

    **Source.** Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 4.3.
    """
    if may_be_adversaries(context):
        return
    rising = rises(history(context).finite_losses)[0] > _MOSTLY
    for steps in context.by_structure():
        last = steps[-1]
        if len(steps) < thresholds["steps"] or len(last.roots) != 1 or _optimises_data(last):
            continue
        reached = _reached(last, last.roots[0])
        signs = {sign for _, sign in reached}
        if len(signs) != 1:
            continue
        upwards, turned = _maximises(last), signs == {-1}
        grows = bool(last.updated) and not upwards if turned else upwards or (rising and _climbs(steps))
        if grows:
            node = reached[0][0]
            yield last.finding(
                "wrong_sign",
                "error",
                node,
                f"The weights move so that what {node.op} gives becomes larger, and it is made to be minimised.",
                "Take out the minus before the loss, maximize=True, or what turns the gradients or the update round.",
                losses=[node.name for node, _ in reached],
                value=float(last.output[last.lineage.rows(last.structure.nodes[last.roots[0]]).start, COLUMN["mean"]]),
            )


def _climbs(steps: list[StepFacts]) -> bool:
    """Whether nearly all parameters move along their gradients, by the signs of the means."""
    pairs = [(one, two) for one, two in pairwise(steps) if two.info.index == one.info.index + 1]
    rows = [steps[-1].lineage.rows(node).start for node in steps[-1].lineage.parameters.values()]
    agreeing: list[float] = []
    for before, after in pairs:
        moved = after.output[rows, COLUMN["mean"]] - before.output[rows, COLUMN["mean"]]
        products = np.sign(moved) * _signs_of_gradients(before)[rows]
        agreeing += products[np.isfinite(products) & (products != 0)].tolist()
    return len(agreeing) >= _LEAST_PAIRS and float(np.mean(np.array(agreeing) > 0)) > _NEARLY_ALL


def _signs_of_gradients(step: StepFacts) -> Numbers:
    """Sign of the mean gradient of each value; 0 where it was not measured, or is nothing beside its elements.

    The mean of a softmax's gradient is 0, and so is that of the weights right above.
    """
    means = np.zeros(step.structure.value_count)
    np.add.at(means, step.gradient_rows, np.nan_to_num(step.gradient[:, COLUMN["mean"]]))
    sizes = np.nan_to_num(step.gradient_l2) / np.sqrt(step.lineage.numel)
    return np.where(np.abs(means) > _TELLING * sizes, np.sign(means), 0.0)


def _reached(step: StepFacts, root: int) -> list[tuple[Node, int]]:
    """The bounded losses on ways that keep or turn a sign, each with the sign with which it counts.

    Ways through any other call are left out: whether their end grows or falls with a loss is not known.
    """
    nodes = step.structure.nodes
    found: list[tuple[Node, int]] = []
    waiting, seen = [(root, 1)], set[tuple[int, int]]()
    while waiting:
        number, sign = waiting.pop()
        if (number, sign) in seen:
            continue
        seen.add((number, sign))
        node = nodes[number]
        value = _bounded(step, node)
        if value:
            found.append((node, sign * value))
        else:
            waiting += [(read.node, sign * turned) for read in node.inputs if (turned := _turns(step, node, read))]
    return found


def _bounded(step: StepFacts, node: Node) -> int:
    """1 for a loss that is bounded below, −1 for log-probabilities, which are bounded above; 0 for anything else."""
    name, lineage = plain(node), step.lineage
    if lineage.category(node) is Category.LOSS:
        return 1 if name not in _UNBOUNDED or _reads(step, node, "log_softmax") else 0
    if name in ("square", "abs") or (name == "pow" and node.attributes.get("exponent") == 2):
        return int(_reads(step, node, "sub"))
    return -1 if name in _PICKING and _reads(step, node, "log_softmax") else 0


def _reads(step: StepFacts, node: Node, op: str) -> bool:
    return bool(node.inputs) and plain(step.structure.nodes[node.inputs[0].node]) == op


def _turns(step: StepFacts, node: Node, read: Input) -> int:
    """The sign of the result's derivative with respect to what is read; 0 where it is not known or there is none."""
    name = plain(node)
    if name in _KEEPING:
        return 1
    if name in ("neg", "negative"):
        return -1
    if name == "sub":
        return -1 if read.argument == "other" else 1
    if name == "rsub":
        return 1 if read.argument == "other" else -1
    if name in ("mul", "multiply", "div", "true_divide"):
        return _sign_of_factor(step, node, read)
    return 0


def _sign_of_factor(step: StepFacts, node: Node, read: Input) -> int:
    factor = node.attributes.get("other")
    others = [other for other in node.inputs if other is not read]
    if len(others) == 1:
        other = step.structure.nodes[others[0].node]
        row = step.output[step.lineage.row(others[0].node, others[0].output)]
        if other.outputs[others[0].output].shape or other.outputs[others[0].output].requires_grad:
            return 0
        factor = float(row[COLUMN["mean"]])
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or factor == 0:
        return 0
    return 1 if factor > 0 else -1


def _maximises(step: StepFacts) -> bool:
    groups = [group for optimizer in step.info.optimizers for group in optimizer.groups]
    return bool(groups) and all(group.get("maximize") is True for group in groups)


def _optimises_data(step: StepFacts) -> bool:
    """Whether the optimizer changes nothing that belongs to a module: an input that is optimised, say."""
    return bool(step.updated) and all(step.structure.nodes[number].module is None for number in step.updated)

"""Gradients that arrive, and are exactly zero."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

STEP_FUNCTIONS = frozenset({"round", "floor", "ceil", "trunc", "fix", "sign", "sgn", "heaviside"})
"""Operators that are constant almost everywhere: autograd's derivative of them is exactly zero."""


def zero_gradient(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A parameter gets a gradient on every step, and every element of it is exactly zero.

    **Symptom.** The parameter never moves (or only decays); its `.grad` is a tensor of zeros, not None.

    **Mathematics.** A product of Jacobians is exactly zero where one factor is: the derivative of a step function
    (round, sign, floor), ReLU or clamp with every element in the flat part, a multiplication by zero, an underflow.
    Rounding alone makes gradients small, not zero, so an exact zero on every step is structural.

    **Criterion.** The L2 norm of the parameter's gradient is 0 on at least `steps` recorded steps and on no step
    anything else, while optimizer steps in between moved some parameter, or had nothing but zeros to move any by. The
    call at fault is the first on the way back from the loss whose output got a gradient that is not zero while all its
    inputs' gradients are. Step functions are a fault on a single step, since no update can change their derivative. For
    other calls between the last layer and the loss that give nothing but zeros it is information, but for a product
    with the number 0 that leaves no parameter any gradient.

    **Healthy look-alikes.** Zero-initialised residuals, ReZero and LoRA: zero on the first step only. Satisfied
    margins and converged losses: the flat part lies between the last layer and the loss, or no gradient leaves the
    loss at all. Biases before a batch norm: a bias whose weight gets a gradient is not judged. Straight-through
    estimators: the gradient goes around the step function. Experts that rarely get work.

    **Remedy.** Replace the step function by a differentiable one or a straight-through estimator; revive dead units by
    a smaller learning rate, a leaky activation or a better initialisation.

    **Source.** Bengio et al. 2013 (arXiv:1308.3432); Lu et al. 2019 (arXiv:1903.06733) on dying ReLU.
    """
    zeros, alive, moved = _tally(context)
    blocked: dict[tuple[int, int], list[str]] = defaultdict(list)
    for name, seen in zeros.items():
        if name in alive:
            continue
        step, node = seen[-1]
        blocking = _blocking(step, node)
        if blocking is None:
            continue
        enough = len(seen) >= thresholds["steps"] and moved >= thresholds["steps"] - 1
        if enough or blocking.op.rstrip("_") in STEP_FUNCTIONS:
            blocked[step.position, blocking.id].append(name)
    facts = {step.position: step for step in context.trained}
    for (position, number), names in blocked.items():
        step = facts[position]
        node = step.structure.nodes[number]
        stepwise = node.op.rstrip("_") in STEP_FUNCTIONS
        scaled_away = not alive and _is_a_factor_of_zero(node)
        in_the_loss = step.lineage.layers_below(step.roots)[number] == 0 and _is_zero(step, node) and not scaled_away
        yield step.finding(
            "zero_gradient",
            "info" if in_the_loss and not stepwise else "warning",
            node,
            f"{node.op} turns a gradient into exact zeros, on every recorded step.",
            "Use a smooth form or a straight-through estimator."
            if stepwise
            else "Bring its input back to where its derivative is not zero: learning rate, initialisation, leaky form.",
            parameters=names,
            operator=node.op,
            steps=float(len(context.trained)),
        )


def _is_a_factor_of_zero(node: Node) -> bool:
    """Whether the call multiplies by the number 0."""
    return node.op.rstrip("_") in ("mul", "multiply") and node.attributes.get("other") == 0


def _is_zero(step: StepFacts, node: Node) -> bool:
    """Whether what the call made is zero throughout, as it is where every margin is satisfied."""
    rows = step.lineage.rows(node)
    return bool((step.output[rows.start : rows.stop, COLUMN["l2"]] == 0).all())


def _tally(context: CheckContext) -> tuple[dict[str, list[tuple[StepFacts, Node]]], set[str], int]:
    """Parameters with a zero gradient and where, those that got something else, and steps that moved something."""
    zeros: dict[str, list[tuple[StepFacts, Node]]] = defaultdict(list)
    alive: set[str] = set()
    for step in context.trained:
        offsets = step.structure.value_offsets
        norms, arrived = step.gradient_l2.tolist(), step.arrived.tolist()
        for name, node in step.lineage.parameters.items():
            row = offsets[node.id]
            if norms[row] == 0 and not _has_nonfinite(step, node):
                zeros[name].append((step, node))
            elif arrived[row]:
                alive.add(name)
    for name, seen in zeros.items():
        step, node = seen[-1]
        if _weight_beside_is_alive(step, node):
            alive.add(name)
    return zeros, alive, sum(step.moved or could_not_move(step) for step in context.trained)


def could_not_move(step: StepFacts) -> bool:
    """Returns whether an optimizer stepped, at a learning rate above zero, with nothing but gradients of zero."""
    rates = [group.get("lr", 0) for optimizer in step.info.optimizers for group in optimizer.groups]
    rows = [step.lineage.row(number, 0) for number in step.updated]
    return bool(rows) and any(rate > 0 for rate in rates) and bool((step.gradient_l2[rows] == 0).all())


def _has_nonfinite(step: StepFacts, node: Node) -> bool:
    rows = step.gradient[step.gradient_rows == step.lineage.rows(node).start]
    return bool((rows[:, 6:] > 0).any())


def _weight_beside_is_alive(step: StepFacts, bias: Node) -> bool:
    """Whether the parameter is only ever read as a bias, beside a weight that gets a gradient."""
    for number in step.lineage.readers[bias.id]:
        inputs = step.structure.nodes[number].inputs
        as_bias = [read for read in inputs if read.node == bias.id and read.argument.startswith("bias")]
        weights = [step.lineage.row(r.node, r.output) for r in inputs if r.argument.startswith("weight")]
        if as_bias and (step.gradient_l2[weights] > 0).any():
            return True
    return False


def _blocking(step: StepFacts, parameter: Node) -> Node | None:
    """The call nearest to the loss, on a way from the parameter, that turned a gradient into zeros."""
    lineage = step.lineage
    between = lineage.descendants([parameter.id]) & lineage.ancestors(step.roots)
    for number in sorted(between, reverse=True):
        node = step.structure.nodes[number]
        if number == parameter.id or not node.outputs:
            continue
        inside = [lineage.row(r.node, r.output) for r in node.inputs if r.node in between]
        got = step.gradient_l2[lineage.rows(node)]
        came = step.gradient_l2[inside]
        if (got > 0).any() and np.isfinite(came).any() and not (came > 0).any():
            return node
    return None

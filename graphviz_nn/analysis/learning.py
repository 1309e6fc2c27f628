"""What the optimizer does to the weights: too much, nothing at all, or only decay."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.analysis.written_back import written_back
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.modules import Parameter
from graphviz_nn.model.nodes import Node

_HALF_TYPES = frozenset({"float16", "bfloat16"})
_NEARLY_ALL = 0.99
_VISIBLE = 1e-6
_VISIBLE_IN_HALF = 3e-5
_MOSTLY = 0.5
_LEAST_ELEMENTS = 8
_SCALED_TO_FAN = 0.05


def update_ratio(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """An optimizer step changes a weight by more than the weight's own size, step after step.

    **Symptom.** The loss jumps or stays at a high level from the first steps on; activations saturate or die.

    **Mathematics.** A gradient describes the loss near the weights. A step of the weights' own length leaves that
    neighbourhood, and what was learned or drawn with care is overwritten. Rules of thumb see about 1e-3 as good. Adam
    moves every element by about the learning rate, so the ratio is lr·√n/‖w‖ whatever the gradient.

    **Criterion.** ‖Δw‖/‖w‖ is above `high` as the median over at least two steps, with w at the first of the recorded
    steps that are looked at: later ones have been enlarged by the very updates that are judged. It is asked of a weight
    matrix or kernel that was not drawn as nearly zero (gain w·√fan-in of at least 0.05).

    **Healthy look-alikes.** Layers that begin at zero: any step is infinitely larger. Biases and scales. One large step
    of many. Layers before a normalisation may take larger steps, but not of their own size.

    **Remedy.** A smaller learning rate, a warm-up, clipping of the gradient.

    **Source.** LeCun et al. 1998, "Efficient BackProp"; You et al. 2017 (arXiv:1708.03888) on the ratio.
    """
    worst: tuple[float, StepFacts, WeightUse] | None = None
    many = 0
    for steps in context.by_structure():
        changed = [step for step in steps if step.updated]
        if len(changed) < 2:
            continue
        l2 = np.array([step.change[:, COLUMN["l2"]] for step in changed])
        for use in own_weights(steps[-1]):
            size = float(steps[0].output[use.weight, COLUMN["l2"]])
            gain = float(steps[0].size[use.weight]) * math.sqrt(use.fan_in)
            steps_of_it = l2[:, _node(use).id]
            steps_of_it = steps_of_it[np.isfinite(steps_of_it)]
            if gain < _SCALED_TO_FAN or len(steps_of_it) < 2 or not size > 0:
                continue
            ratio = float(np.median(steps_of_it)) / size
            if ratio > thresholds["high"]:
                many += 1
                if worst is None or ratio > worst[0]:
                    worst = ratio, steps[-1], use
    if worst is not None:
        ratio, step, use = worst
        yield step.finding(
            "update_ratio", "warning", use.node,
            f"Each optimizer step changes the weight by {ratio:.2g} times its own size.",
            "Lower the learning rate, warm it up, or clip the gradient.",
            ratio=ratio, weights=float(many),
        )  # fmt: skip


def own_weights(step: StepFacts) -> list[WeightUse]:
    """The trainable weights that are parameters, each once."""
    found = {use.parameter.id: use for use in step.lineage.weights if use.parameter is not None}
    return [use for use in found.values() if _node(use).outputs[0].requires_grad]


def _node(use: WeightUse) -> Node:
    assert use.parameter is not None
    return use.parameter


def never_changing(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A parameter gets gradients and its optimizer steps, yet it keeps its value.

    **Symptom.** The parameter is the same after any number of steps, though `.grad` is not zero and others move.

    **Mathematics.** w + Δ rounds to w where |Δ| is under half a unit in the last place: 4e-3·|w| in bfloat16, 5e-4·|w|
    in float16, 6e-8·|w| in float32. In bfloat16 that is more than a usual update of 1e-3·|w|.

    **Criterion.** On at least `steps` recorded steps, all of those in which its optimizer moved anything, the
    parameter had a gradient that was not zero and a learning rate above zero. In float32 and float64: its change was
    exactly zero throughout, and it should have been more than 1e-6 of its size, while the optimizer stepped on it
    (gradients set to zero between the backward pass and the step) or moved another parameter by that much. In half
    precision: at least 99 % of the elements did not change, most of its gradient was not zero,
    and the change should have been over 3e-5 of its size. What should have been is lr·‖g‖ for SGD, lr·√n otherwise.
    Likewise where each update changed it, and each step began with the same value (all its statistics are equal).

    **Healthy look-alikes.** Learning rates of zero, at the beginning of a warm-up or on purpose; gradients that
    are zero or vanish; a GAN's opponent, whose optimizer does not run in this step; learning rates that are tiny.

    **Remedy.** Keep parameters in float32 (autocast for the arithmetic, masters for pure half precision), or round
    stochastically; otherwise look for code that writes the old value back.

    **Source.** Micikevicius et al. 2018 (arXiv:1710.03740), section 3.1; Zamirai et al. 2020 (arXiv:2010.06192).
    """
    if len(context.trained) < thresholds["steps"]:
        return
    stuck: dict[str, tuple[StepFacts, Node, int]] = {}
    moving: set[str] = set()
    for step in context.trained:
        changed = step.change[:, COLUMN["l2"]].tolist()
        for name, node in step.lineage.parameters.items():
            if changed[node.id] > 0 and node.outputs[0].dtype not in _HALF_TYPES:
                moving.add(name)
                continue
            verdict = _keeps_its_value(step, name, node)
            if verdict is True:
                stuck[name] = step, node, stuck[name][2] + 1 if name in stuck else 1
            elif verdict is False:
                moving.add(name)
    back = written_back(context, int(thresholds["steps"]))
    names = [name for name, (*_, count) in stuck.items() if name not in moving and count >= thresholds["steps"]]
    stuck, names = stuck | back, names + [name for name in back if name not in names]
    if names:
        step, node, count = max((stuck[name] for name in names), key=lambda found: _elements(found[1]))
        half = node.outputs[0].dtype in _HALF_TYPES and not back
        yield step.finding(
            "never_changing", "warning", node,
            f"Updates of {node.name} are lost to rounding in {node.outputs[0].dtype}."
            if half else f"{node.name} gets gradients and is trained, but keeps its value.",
            "Keep the parameters in float32 and use autocast, or raise the learning rate."
            if half else "Look for code that sets gradients to zero before the step, or writes the old value back.",
            parameters=names, steps=float(count),
        )  # fmt: skip


def _keeps_its_value(step: StepFacts, name: str, node: Node) -> bool | None:
    """Whether the parameter did not change though it should have; None where this step tells nothing."""
    described = step.structure.parameters_by_name.get(name)
    row = step.lineage.rows(node).start
    if described is None or not step.gradient_l2[row] > 0:
        return None
    half = node.outputs[0].dtype in _HALF_TYPES
    expected, size = expected_change(step, described, row), float(step.output[row, COLUMN["l2"]])
    if not expected > (_VISIBLE_IN_HALF if half else _VISIBLE) * size:
        return None
    change = step.change[node.id]
    if half:
        if node.id not in step.updated or _elements(node) < _LEAST_ELEMENTS:
            return None
        zeros = step.gradient[step.gradient_rows == row, COLUMN["zeros"]]
        return bool(change[COLUMN["zeros"]] >= _NEARLY_ALL) if (zeros < _MOSTLY).all() else None
    return True if node.id in step.updated or _others_move(step, described) else None


def expected_change(step: StepFacts, described: Parameter, row: int) -> float:
    """Norm of the change that one plain step would make; 0 where no optimizer has the parameter."""
    if described.optimizer is None or described.optimizer >= len(step.info.optimizers):
        return 0.0
    optimizer = step.info.optimizers[described.optimizer]
    if described.group is None or described.group >= len(optimizer.groups):
        return 0.0
    rate = optimizer.groups[described.group].get("lr", 0.0)
    if not isinstance(rate, (int, float)):
        return 0.0
    by_gradient = optimizer.type.startswith("SGD")
    return rate * (float(step.gradient_l2[row]) if by_gradient else math.sqrt(step.lineage.numel[row]))


def _elements(node: Node) -> int:
    return math.prod(node.outputs[0].shape)


def _others_move(step: StepFacts, described: Parameter) -> bool:
    """Whether another parameter of the same optimizer moved by a visible share of its size."""
    for name, node in step.lineage.parameters.items():
        other = step.structure.parameters_by_name.get(name)
        if other is not None and other.optimizer == described.optimizer and other.names != described.names:
            size = step.output[step.lineage.rows(node).start, COLUMN["l2"]]
            if step.change[node.id, COLUMN["l2"]] > _VISIBLE * size:
                return True
    return False


def decaying_away(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A weight shrinks towards zero as a whole, faster than anything can be learned.

    **Symptom.** The norm of the weights falls by the same share on every step; the output tends to a constant.

    **Mathematics.** Decay alone multiplies w by 1 − lr·λ on every step: its mean, deviation and extremes all shrink by
    one factor, and it is halved every ln 2/(lr·λ) steps. Gradients change the form of w, not only its size.

    **Criterion.** Over at least `steps` recorded steps the norm of a weight (of at least 8 elements, with no
    normalisation below) falls from each to the next, by more than `rate` a training step on average, and the logarithm
    of its deviation, smallest and largest element fell by the same within 20 %. The default, 1 % a step, halves a
    weight every 69 steps; usual settings take 1e-5 to 1e-3.

    **Healthy look-alikes.** Weight decay before a normalisation, which undoes the scale. Large weights that gradients
    make smaller: their form changes.

    **Remedy.** A smaller weight decay (1e-4 … 0.1 for AdamW, 1e-4 … 1e-3 for SGD), or a smaller factor of the penalty.

    **Source.** Krogh and Hertz 1992; Loshchilov and Hutter 2019 (arXiv:1711.05101).
    """
    for steps in context.by_structure():
        if len(steps) < thresholds["steps"]:
            continue
        found = [(_decay(steps, use, thresholds["rate"]), use) for use in own_weights(steps[-1])]
        decaying = [(rate, use) for rate, use in found if rate > 0]
        if decaying:
            rate, use = max(decaying, key=lambda pair: pair[0])
            yield steps[-1].finding(
                "decaying_away", "warning", use.node,
                f"The weight loses {1 - math.exp(-rate):.1%} of itself on every step, as a whole.",
                "Use a smaller weight decay, or a smaller factor of the penalty on the weights.",
                rate=rate, half_life=math.log(2) / rate, parameters=[_node(use).name for _, use in decaying],
            )  # fmt: skip


def _decay(steps: list[StepFacts], use: WeightUse, least: float) -> float:
    """Share of itself that the weight loses a step; 0 where it does not, or not as a whole."""
    lineage = steps[-1].lineage
    if lineage.numel[use.weight] < _LEAST_ELEMENTS or lineage.normalised[use.node.id]:
        return 0.0
    norms: Numbers = np.array([step.output[use.weight, COLUMN["l2"]] for step in steps])
    span = steps[-1].info.index - steps[0].info.index
    if span <= 0 or not (norms > 0).all() or not (np.diff(norms) < 0).all():
        return 0.0
    fall = math.log(norms[0] / norms[-1])
    if fall / span <= least:
        return 0.0
    columns = [COLUMN["std"], COLUMN["min"], COLUMN["max"]]
    first, last = np.abs(steps[0].output[use.weight, columns]), np.abs(steps[-1].output[use.weight, columns])
    if not ((first > 0) & (last > 0)).all():
        return 0.0
    return fall / span if (np.abs(np.log(first / last) / fall - 1) < 0.2).all() else 0.0
